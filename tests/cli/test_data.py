"""The verb `data`: the sets with shape, size and licence, and their preparation."""

import numpy as np
import pytest

from suite.cli.parser import main
from suite.data import CATALOG
from suite.data.sources.order import SOURCES
from tests.documents import valid


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """A home and a cache of the test's own."""
    monkeypatch.setenv("SUITE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("suite.cli.parser.signal.signal", lambda *_: None)


def arrays(path):
    labels = np.arange(20) % 2
    images = np.random.default_rng(0).integers(0, 256, (20, 5, 5), np.uint8)
    np.savez(path, x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
    return path


def test_the_list_has_every_set_with_what_one_needs_to_choose(capsys):
    assert main(["data", "--json"]) == 0
    listed = {one["name"]: one for one in valid(capsys.readouterr().out)["sets"]}

    assert set(listed) == set(CATALOG)
    assert listed["cifar-100"]["shape"] == [3, 32, 32]
    assert all(one["licence"] and one["bytes"] > 0 and one["folder"] is None for one in listed.values())


def test_what_was_fetched_is_here_and_needs_no_source(capsys, monkeypatch):
    assert main(["data", "fetch", "digits"]) == 0
    monkeypatch.setitem(SOURCES, "digits", ())
    assert main(["data", "fetch", "digits"]) == 0
    capsys.readouterr()
    main(["data"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}

    assert lines["digits"].endswith("yes")
    assert lines["cifar-10"].endswith("no")


def test_ones_own_data_is_in_the_list_once_it_was_read(capsys, tmp_path):
    assert main(["data", "fetch", f"npz:{arrays(tmp_path / 'mine.npz')}", "--json"]) == 0
    given = capsys.readouterr()
    [fetched] = valid(given.out)["sets"]
    main(["data", "--json"])
    listed = {one["name"]: one for one in valid(capsys.readouterr().out)["sets"]}

    assert fetched["name"].startswith("own-")
    assert listed[fetched["name"]] == fetched
    assert "20 test images are also training images" in given.err


def test_what_cannot_be_had_is_named_and_the_others_are_fetched(capsys, monkeypatch):
    monkeypatch.setitem(SOURCES, "svhn", ())
    code = main(["data", "fetch", "svhn", "digits"])
    given = capsys.readouterr()

    assert code == 3
    assert (
        "SVHN: no source has it. With a network, python -m suite data fetch svhn; without one, put train_32x32.mat, "
        in given.err
    )
    assert given.out.splitlines()[-1].startswith("digits")


def test_an_experiment_without_data_is_left_out_and_named(monkeypatch):
    from suite.api.session import Session, Silent

    lines: list[str] = []
    screen = Silent()
    screen.warn = lines.append  # type: ignore[method-assign]
    monkeypatch.setitem(SOURCES, "cifar-10", ())
    session = Session.open(screen)
    linear = session.chosen(["linear"])[0]
    both = [linear.changed({"data": name}) for name in ("digits", "cifar-10")]

    assert session.with_data(both) == both[:1]
    assert session.code == 3
    assert "linear: skipped. CIFAR-10: no source has it." in lines[-1]
    assert "python -m suite data fetch cifar-10" in lines[-1]


def test_a_damaged_set_of_ones_own_is_named_and_the_others_are_listed(capsys, tmp_path):
    main(["data", "fetch", f"npz:{arrays(tmp_path / 'mine.npz')}"])
    [document] = (tmp_path / "cache").rglob("document.json")
    document.write_text(document.read_text().replace("mine", "yours"))
    capsys.readouterr()
    code = main(["data"])
    given = capsys.readouterr()

    assert code == 2
    assert f"{document} is damaged" in given.err
    assert "cifar-10" in given.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("data fetch", "no set is named. Name some, or all"),
        ("data fetch cifar", "got 'cifar'. See python -m suite data; did you mean cifar-10 or cifar-100?"),
        ("data fetch own-0123456789ab", "own-0123456789ab is not in the cache"),
        ("data drop", "argument action: invalid choice: 'drop'"),
    ],
)
def test_a_mistake_costs_one_line(capsys, words, line):
    assert main(words.split()) == 2
    assert line in capsys.readouterr().err
