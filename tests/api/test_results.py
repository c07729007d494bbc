"""Results show themselves as HTML, become frames and plain values; a trained network is loaded with its weights."""

import json

import pytest

import suite
from suite import html
from suite.api import notebook, progress
from suite.api.results import Results
from suite.cli import main
from tests.conftest import SLOW, furnish

QUICK = SLOW.replace("time.sleep(0.01)", "pass").replace("epochs=6", "epochs=1")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A session with three finished runs of `quick` and of `worse`."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "own").mkdir()
    (folder / "home").mkdir()
    furnish(folder / "home")
    (folder / "own" / "quick.py").write_text(QUICK)
    (folder / "own" / "worse.py").write_text(QUICK.replace("lr=0.1", "lr=0.0001"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUITE_HOME", str(folder / "home"))
        for name in ("SUITE_EXPERIMENTS", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        session = suite.Session.open(experiments=[folder / "own"])
        yield session, suite.run("quick", "worse", seeds=3, report=False, session=session)


def as_json(capsys, *words):
    """The document that a command prints, without the name of its schema; a list that is alone in it."""
    capsys.readouterr()
    main([*words, "--json"])
    document = json.loads(capsys.readouterr().out)
    del document["schema"]
    [*fields] = document.values()
    return fields[0] if len(fields) == 1 and isinstance(fields[0], list) else document


def plain(result):
    """A result's values after JSON, which has no tuples."""
    return json.loads(json.dumps(result.to_dict(), default=str))


@pytest.mark.mlflow
def test_runs_show_intervals_curves_and_confusion_and_have_a_row_each(trained):
    _, runs = trained

    shown, frame = runs._repr_html_(), runs.frame()

    mean = frame[frame["experiment"] == "quick"]["test/accuracy"].mean()
    assert f"{mean:.4f}" in shown
    assert " to " in shown
    assert shown.count('src="data:image/png;base64,iVBOR') == 4
    assert list(frame["experiment"]) == ["quick", "worse"] * 3
    assert runs.to_dict() == runs.facts() == json.loads(json.dumps(runs.facts()))


@pytest.mark.mlflow
def test_the_other_results_give_the_values_of_json_and_show_themselves(trained, capsys):
    session, _ = trained
    folder = ["--experiments", str(session.folders[0])]
    compared = suite.compare("quick", "worse", session=session)
    verdicts = suite.verify("quick-s0", session=session)
    known = suite.experiments(session=session)
    written = suite.report("quick", session=session)

    assert plain(compared) == as_json(capsys, "compare", "quick", "worse", *folder)
    assert plain(verdicts) == as_json(capsys, "verify", "quick-s0", *folder)
    assert plain(known) == as_json(capsys, "list", *folder)
    assert plain(written) == as_json(capsys, "report", "--experiment", "quick", *folder)
    assert "data:image/png" in compared._repr_html_()
    assert compared.comparisons[0].words.split(":")[0] in html.of([], words=[compared.comparisons[0].words])
    assert "identical" in verdicts._repr_html_()
    assert "resnet8" in known._repr_html_()
    assert str(written.page) in written._repr_html_()
    assert [len(one.frame()) for one in (compared, verdicts, known, written)] == [1, 1, len(known), 1]


def test_several_results_are_a_sequence():
    found = Results([3, 1, 2], lambda some: [html.Shown("Numbers", ("n>",), [(str(one),) for one in some])],
                    lambda one: {"n": one})  # fmt: skip

    assert found == [3, 1, 2]
    assert sorted(found) == [1, 2, 3]
    assert found[1:].to_dict() == [{"n": 1}, {"n": 2}]
    assert (found[0], len(found), 2 in found) == (3, 3, True)
    assert list(found.frame()["n"]) == [3, 1, 2]
    assert "Numbers" in found._repr_html_()


def test_every_text_is_escaped_and_secrets_are_masked():
    shown = html.of(
        [html.Shown("<i>", ("<b>x",), [("<script>", "more & more")])], words=["sql://me:geheim@host/db <p>"]
    )

    assert not any(one in shown for one in ("<i>", "<script>", "geheim", "db <p>", "& "))
    assert all(one in shown for one in ("&lt;b&gt;x", "more &amp; more"))


@pytest.mark.mlflow
def test_a_loaded_network_gives_the_stored_predictions_and_takes_bytes_only(trained):
    import torch

    from suite import data
    from suite.runs.artifacts import stored_predictions

    session, runs = trained
    before = torch.get_rng_state()
    network = suite.load("quick-s1", session=session)
    images = data.load("digits", session.data("digits")).test_images
    with torch.no_grad():
        scores = network(images)
    expected, _, _ = stored_predictions(runs.planned[2].run.folder)

    assert scores.dtype == torch.float32
    assert scores.argmax(1).tolist() == expected.tolist()
    assert torch.equal(torch.get_rng_state(), before)
    assert not network.training
    assert network.recipe == runs.planned[0].experiment.recipe
    assert network.classes == tuple(map(str, range(10)))
    assert torch.equal(network.network(images[:5].float() / 255), network(images[:5]))  # of five: sums' order goes by n
    for wrong in (images[:1].float(), images[0], images[:, :, :7]):
        with pytest.raises(suite.SuiteError, match=r"quick-s1: images must be uint8 \(n, 1, 28, 28\), got"):
            network(wrong)
    with pytest.raises(suite.SuiteError, match="one finished run is needed, and these are 6"):
        suite.load(runs, session=session)


def test_progress_is_shown_where_it_was_asked_for(monkeypatch, capsys):
    assert type(suite.Session.open().screen).__name__ == "Silent"
    assert type(suite.Session.open(progress=True).screen) is progress.Stream
    monkeypatch.setattr(notebook, "is_here", lambda: True)
    assert type(suite.Session.open().screen) is notebook.Notebook
    assert type(suite.Session.open(progress=False).screen).__name__ == "Silent"
    suite.Session.open(progress=False).screen.say("nothing")

    assert capsys.readouterr() == ("", "")


@pytest.mark.mlflow
def test_progress_outside_a_notebook_is_a_line_for_each_event_on_stderr(trained, capfd):
    session, _ = trained
    opened = suite.Session.open(experiments=session.folders, progress=True)

    suite.run("quick", seeds=[7], report=False, session=opened)

    out, err = capfd.readouterr()
    assert out == ""
    assert "quick-s7  epoch 1/1  loss" in err
    assert "quick-s7  finished: " in err
