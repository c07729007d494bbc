"""`compare` as it is used: real recipes trained, compared, trained further until decided, and refused in one line."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from suite.api.comparing import _require_same_images
from suite.errors import SuiteError
from tests.conftest import SLOW, Workspace, assert_refused

RECIPE = '''"""A linear layer."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr={lr}, batch_size=100, epochs=2{more})


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''
FILES = {
    "plain.py": RECIPE.format(lr=0.1, more=""),
    "again.py": RECIPE.format(lr=0.1, more=""),  # the same recipe under another name
    "twin.py": RECIPE.format(lr=0.1, more=", probe_every=5, probe_images=100"),  # being watched, it learns the same
    "weak.py": RECIPE.format(lr=0.00001, more=""),
    "slow.py": SLOW,
}


def with_own(top: Path, files: dict[str, str]) -> Workspace:
    """An empty home in `top`, and beside it a folder with these experiments."""
    home, own = top / "home", top / "own"
    home.mkdir()
    own.mkdir()
    for name, text in files.items():
        (own / name).write_text(text)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(own)})


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home where `plain` and `weak` are trained under three seeds and `twin` under two."""
    workspace = with_own(tmp_path_factory.mktemp("compare"), FILES)
    for words in (("plain", "weak"), ("twin", "--seeds", "2")):
        answer = workspace.suite("run", *words, "--no-report")
        assert answer.code == 0, answer
    return workspace


def identity(workspace: Workspace, name: str) -> str:
    return next(
        one["identity"] for one in workspace.suite("list", "--json").json["experiments"] if one["experiment"] == name
    )


def best_accuracies(workspace: Workspace, name: str) -> list[float]:
    """Each run's best test accuracy of all epochs, read from its history."""
    histories = workspace.home.glob(f"mlruns/runs/{name}/*/history.jsonl")
    return [max(json.loads(row)["test_accuracy"] for row in path.read_text().splitlines()) for path in histories]


@pytest.mark.commands
def test_the_tables_and_the_verdict_are_printed_and_nothing_is_trained(known):
    before = known.results()
    answer = known.suite("compare", "plain", "weak")

    assert (answer.code, answer.err) == (0, "")
    assert "interval, 95%" in answer.out
    assert re.search(r"experiment +target +reached +epochs", answer.out)
    assert re.fullmatch(
        r"plain is better than weak: \+\d\d\.\d\d points \(\+\d\d\.\d\d to \+\d\d\.\d\d\), 3 seeds, p (< )?0\.0\d+\.",
        answer.out.splitlines()[-1],
    )
    assert known.results() == before


@pytest.mark.commands
def test_a_plan_says_seeds_and_hours_and_trains_nothing(in_process, known):
    before = known.results()
    answer = in_process("plan", "plain", "weak", "--effect", "0.5pt", "--workers", "1", "--json", within=known)
    [found] = answer.json["plans"]
    clocks = [one["clock"] for run, one in before.items() if run.startswith(("plain/", "weak/"))]
    seconds = sum(clock["perf/train_seconds"] + clock["perf/evaluation_seconds"] for clock in clocks)

    assert (answer.code, found["n"], len(clocks)) == (0, 3, 6)
    assert found["steps"][1]["hours"] == pytest.approx(2 * seconds / 3 / 3600)  # two more seeds of both, one by one
    assert known.results() == before


@pytest.mark.commands
def test_as_json_it_is_one_document_and_the_start_of_an_identity_is_a_name(known):
    prefix = identity(known, "weak")[:8]
    answer = known.suite("compare", prefix, "plain", "--json")
    [found], costs = answer.json["comparisons"], answer.json["costs"]
    accuracies = {
        name: np.mean([one["metrics"]["test/accuracy"] for run, one in known.results().items() if run.startswith(name)])
        for name in ("plain/", "weak/")
    }

    assert (answer.code, answer.err) == (0, "")
    assert (found["one"], found["other"], found["verdict"], found["seeds"]) == ("weak", "plain", "worse", [0, 1, 2])
    assert found["accuracies"] == pytest.approx([accuracies["weak/"], accuracies["plain/"]])
    assert found["difference"]["mean"] == pytest.approx(accuracies["weak/"] - accuracies["plain/"])
    assert [one["experiment"] for one in costs] == ["weak", "plain"]
    assert costs[0]["identity"].startswith(prefix)
    reached = sum(best >= costs[1]["target"] for best in best_accuracies(known, "plain"))
    assert costs[1]["reached"] == f"{reached} of 3"
    assert reached >= 2  # half of the better experiment's seeds reach it by its definition


@pytest.mark.commands
@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        ("plain waek", ["no experiment 'waek'", "did you mean weak"]),
        ("plain", ["two experiments or more"]),
        ("plain plain", ["two experiments or more"]),
        ("plain mlp --data digits", ["mlp has no finished run", "python -m suite run"]),
        ("plain weak --epochs 7", ["plain has no finished run", "the same words"]),
        ("plain weak --set lr=-1", ["lr must be above 0"]),
        ("plain ffffffff", ["ffffffff has no finished run"]),
        ("plain twin weak", ["plain and twin and weak have 2 seeds in common", "--seeds 3"]),
        ("plain weak --limit 4", ["--limit", "--until-decided"]),
        ("plain weak --margin 5", ["--margin", "expected a share between 0 and 1", "'5'"]),
        ("plain weak --margin 0pt", ["--margin", "expected points of accuracy such as 0.5pt", "'0pt'"]),
        ("plain weak --until-decided --limit 2", ["--limit", "expected 3 or more", "'2'"]),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(in_process, known, words, fragments):
    assert_refused(in_process("compare", *words.split(), within=known), 2, *fragments)


@pytest.mark.commands
def test_runs_whose_files_in_mlflow_are_gone_are_named_and_can_be_recorded_anew(in_process, known, tmp_path):
    copy = Workspace(Path(shutil.copytree(known.home, tmp_path / "copy")), known.extra)
    shutil.rmtree(copy.home / "mlruns" / "artifacts")

    refused = in_process("compare", "plain", "weak", within=copy)
    rebuilt, compared = copy.suite("sync", "--rebuild"), copy.suite("compare", "plain", "weak")

    assert_refused(refused, 3, "plain: MLflow has its runs, but not their files.", "sync --rebuild")
    assert (rebuilt.code, compared.code) == (0, 0), (rebuilt, compared)


@pytest.mark.commands
def test_a_name_and_its_own_identity_are_the_same_runs(in_process, known):
    prefix = identity(known, "weak")[:12]

    answer = in_process("compare", "weak", prefix, within=known)

    assert_refused(answer, 2, f"weak and {prefix} are the same runs, of weak")


@pytest.mark.commands
def test_two_names_of_one_recipe_are_the_same_runs(in_process, known):
    answer = in_process("compare", "plain", "again", within=known)

    assert_refused(answer, 2, "plain and again are the same runs, of plain")


def group(title, *, data="digits", labels=(1, 2)):
    return SimpleNamespace(
        title=title,
        parameter=lambda _: data,
        data_title=data.upper(),
        labels=None if labels is None else np.array(labels, np.uint8),
    )


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (group("mlp", data="mnist"), "plain is tested on DIGITS, mlp on MNIST"),
        (group("mlp", labels=None), "mlp: MLflow has not all predictions"),
        (group("mlp", labels=(1, 3)), "plain and mlp record other labels"),
    ],
)
def test_accuracies_on_different_images_are_no_comparison(other, words):
    with pytest.raises(SuiteError, match=words) as refused:
        _require_same_images([group("plain"), other])

    assert refused.value.code == 2


@pytest.mark.commands
def test_a_clear_difference_is_decided_at_the_first_look_under_the_overrides_given(known):
    before = known.results()
    answer = known.suite("compare", "plain", "weak", "--epochs", "1", "--until-decided", "--limit", "6")
    again = known.suite("compare", "plain", "weak", "--epochs", "1", "--json").json["comparisons"]

    assert (answer.code, answer.err) == (0, "")
    assert [line for line in answer.out.splitlines() if line.startswith("Look")] == [
        "Look 1 of 3, 3 seeds: 0 of 1 undecided."
    ]
    assert "interval, 97.5%" in answer.out  # half of the 5 % are spent: 3 of 6 seeds
    assert "plain, epochs=1 is better than weak, epochs=1" in answer.out
    assert len(known.results()) == len(before) + 6
    assert [(one["one"], one["verdict"]) for one in again] == [("plain, epochs=1", "better")]


@pytest.mark.commands
def test_equal_recipes_are_looked_at_to_the_limit_and_no_further(known):
    answer = known.suite("compare", "plain", "twin", "--epochs", "3", "--until-decided", "--limit", "4")

    assert (answer.code, answer.err) == (0, "")
    assert [line for line in answer.out.splitlines() if line.startswith("Look")] == [
        "Look 1 of 2, 3 seeds: 1 of 1 undecided.",
        "Look 2 of 2, 4 seeds: 1 of 1 undecided.",
    ]
    assert answer.out.splitlines()[-1] == (
        "plain, epochs=3 and twin, epochs=3: no difference shown: the same images right under each of 4 seeds."
    )

    within = known.suite("compare", "plain", "twin", "--epochs", "3", "--until-decided", "--margin", "0.5pt")
    assert [line for line in within.out.splitlines() if line.startswith("Look")] == [
        "Look 1 of 4, 3 seeds: 0 of 1 undecided."
    ]
    assert "plain, epochs=3 and twin, epochs=3 are equivalent, 0.50 points or more are ruled out:" in within.out


@pytest.mark.commands
def test_interrupted_it_goes_on_where_it_was(known):
    words = ("compare", "slow", "weak", "--until-decided", "--limit", "3")
    process = known.start(*words)
    deadline = time.monotonic() + 120
    while not (done := [*known.home.glob("mlruns/runs/slow/*/result.json")]) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    left = stamps(done)
    answer = known.suite(*words)

    assert process.returncode == 130, (out, err)
    assert "Look 1" not in out
    assert answer.code == 0, answer
    assert "slow is better than weak" in answer.out
    assert len([name for name in known.results() if name.startswith("slow/")]) == 3
    assert stamps(done) == left


def stamps(paths: list[Path]) -> list[tuple[int, bytes]]:
    return [(path.stat().st_mtime_ns, path.read_bytes()) for path in paths]
