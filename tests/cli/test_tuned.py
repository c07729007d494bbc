"""`compare --tuned` as it is used: tuned, tested once, compared, repeated, interrupted, and refused in one line."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from suite.api.tuned_comparing import space_words
from suite.recipe.space import read_space
from tests.cli.test_comparing import RECIPE, with_own
from tests.conftest import Workspace, answer_of, assert_refused, python
from tests.documents import valid

SPACE = ', space={"lr": "0.05..0.5"}'
FEW = ("--trials", "2", "--studies", "2", "--sampler", "random", "--epochs", "1")
WORDS = ("compare", "plain", "weak", "--tuned", *FEW)


def lab(folder: Path) -> Workspace:
    weak = RECIPE.format(lr=0.001, more=', space={"lr": "1e-5..1e-4"}')
    return with_own(folder, {"plain.py": RECIPE.format(lr=0.1, more=SPACE), "weak.py": weak})


def trials_in(workspace: Workspace) -> dict:
    """The trials of each study."""
    documents = workspace.home.glob("mlruns/studies/*.json")
    return {path.name: json.loads(path.read_text())["trials"] for path in documents}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict]:
    workspace = lab(tmp_path_factory.mktemp("tuned"))
    answer = workspace.suite(*WORDS, "--json")
    assert answer.code == 0, answer
    return workspace, valid(answer.out)


@pytest.mark.commands
def test_the_winners_of_independent_studies_are_compared_under_common_fresh_seeds(compared):
    workspace, facts = compared
    [pair] = facts["comparisons"]

    assert (pair["one"], pair["other"], pair["studies"], pair["seeds"]) == ("plain", "weak", 2, 3)
    assert pair["accuracies"][0] > pair["accuracies"][1] + 0.2
    assert [row[""] for row in facts["tuned"]] == 2 * ["as published", "tuned", "price"]
    assert [row["trials"] for row in facts["tuned"] if row["trials"]] == [4, 4]
    assert len({row["study"] for row in facts["settings"]}) == 4
    assert [row["source"] for row in facts["noise"]] == [
        "studies", "seeds", "images", "studies × images", "single answers",
    ]  # fmt: skip
    assert sum(row["share"] for row in facts["noise"]) == pytest.approx(1)
    assert "crossed over 2 studies of each with 3 seeds, and 297 images" in pair["words"]
    assert "Noise: " in pair["words"]
    seeds = {path.name.rpartition("-s")[2] for path in workspace.home.glob("mlruns/runs/plain/*-s*")}
    assert seeds == {"4", "5", "6", "7", "8", "9"}  # those of the trials and of the studies' own judgement are below
    curve = {name: [row for row in facts["best_so_far"] if row["experiment"] == name] for name in ("plain", "weak")}
    assert [row["trials"] for row in curve["weak"]] == [1, 2]
    assert [row["trials"] for row in curve["plain"]] == [
        1
    ]  # the other trial is the published rate: not drawn at random
    assert all(row["low"] <= row["best so far"] <= row["high"] for rows in curve.values() for row in rows)


@pytest.mark.commands
def test_the_same_command_trains_nothing_again_and_says_the_same(compared, tmp_path):
    workspace, facts = compared
    before = workspace.results()
    studies = {
        path.name: json.loads(path.read_text())["trials"] for path in workspace.home.glob("mlruns/studies/*.json")
    }

    again = workspace.suite(*WORDS, "--to", str(tmp_path / "page"))

    assert again.code == 0, again
    assert workspace.results() == before
    assert trials_in(workspace) == studies
    assert "plain searches lr=0.05..0.5." in again.out
    assert facts["comparisons"][0]["words"] in again.out
    page = (tmp_path / "page" / "report.html").read_text()
    assert facts["comparisons"][0]["words"].partition(":")[0] in page
    assert {"tuned.csv", "settings.csv", "best_so_far.csv"} <= {path.name for path in (tmp_path / "page").iterdir()}


@pytest.mark.commands
def test_the_call_from_python_is_the_same_comparison(compared):
    workspace, facts = compared
    program = (
        "import json, os, suite\n"
        "session = suite.Session.open(experiments=[os.environ['SUITE_EXPERIMENTS']])\n"
        "spend = {'trials': 2, 'studies': 2, 'sampler': 'random'}\n"
        "found = suite.compare('plain', 'weak', tuned=True, **spend, epochs=1, session=session)\n"
        "print(json.dumps(found.to_dict()))"
    )

    answer = answer_of(python("-c", program, environment=workspace.environment))

    assert answer.code == 0, answer
    assert json.loads(answer.out) == {name: value for name, value in facts.items() if name != "schema"}


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.commands
def test_an_interrupted_comparison_ends_as_an_uninterrupted_one(compared, tmp_path):
    _, facts = compared
    workspace = lab(tmp_path)
    process = workspace.start(*WORDS)
    until = time.monotonic() + 120
    while len(list(workspace.home.glob("mlruns/studies/*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=120)

    again = workspace.suite(*WORDS, "--json")

    assert process.returncode == 130
    assert again.code == 0, again
    theirs = valid(again.out)
    assert theirs["comparisons"] == facts["comparisons"]
    assert theirs["settings"] == facts["settings"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tuned",), "how many trials"),
        (("--trials", "3"), "Give --tuned too"),
        (("--tuned", "--trials", "3", "--margin", "1pt"), "--margin and --tuned"),
        (("--tuned", "--trials", "3", "--until-decided"), "--until-decided and --tuned"),
    ],
)
def test_what_cannot_be_asked_is_refused(in_process, words, said):
    assert_refused(in_process("compare", "lenet", "lenet_gaussian", *words), 2, said)


def test_experiments_on_different_data_are_refused(in_process):
    assert_refused(in_process("compare", "lenet", "cnn", "--tuned", "--trials", "2"), 2, "fashion-mnist", "mnist")


def test_a_space_that_holds_or_dwarfs_another_is_said():
    small, wide = read_space({"lr": "1e-3..1e-2"}), read_space({"lr": "1e-4..1e-1", "batch_size": "32,64"})
    other = read_space({"batch_size": "16,32,64,128,256,512,1024,2048,4096,8192,16384,32768"})

    assert "The space of b holds that of a." in space_words({"a": small, "b": wide})
    assert "The space of a has 4 times as many points as that of b, on a grid." in space_words({"a": other, "b": small})
    assert space_words({"a": small, "b": small}) == ["a searches lr=1e-3..1e-2.", "b searches lr=1e-3..1e-2."]
