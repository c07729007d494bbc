"""Check 18: a run whose numbers become infinite or NaN ends there. It is called diverged and has no accuracy.

Other runs go on.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.disk.journal import Run
from tests.conftest import Workspace
from tests.own_functions import OPTIMIZER
from tests.promises.colours import colour
from tests.promises.conftest import PLAIN, Bench, Check, Twin, last, told

pytestmark = pytest.mark.promise
TITLE = "diverging runs stopped, named, without accuracy"

HEAD = '''"""{name}: a run that cannot end well."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", epochs=3, batch_size=100, {fields})


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import torch
    from torch import nn

    class Broken(nn.Linear):
        """A linear layer whose scores break at some moment."""

        passes = 0

        def forward(self, pixels):
            scores = super().forward(pixels)
            self.passes += self.training
            return {scores}

    return nn.Sequential(nn.Flatten(), {layers})
'''
SGD = 'loss="cross-entropy", optimizer="sgd", lr=0.1'
MSE = 'loss="mse-one-hot", optimizer="sgd", lr={lr}'
DEEP = "nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10)"
LINEAR = "nn.Linear(784, 10)"
BROKEN = "Broken(784, 10)"
FAR_APART = "scores * 0 + torch.tensor([3e38] + [-3e38] * 9)"

# Recipe fields, layers, output of the broken layer, and the epoch in which the run must end. An epoch has 15 steps.
CASES = {
    "rate_1e6": (MSE.format(lr="1e6"), LINEAR, "scores", 0),
    "rate_1e30": ('loss="cross-entropy", optimizer="sgd", lr=1e30', DEEP, "scores", 0),
    "rate_of_adam": ('loss="cross-entropy", optimizer="adam", lr=1e38', DEEP, "scores", 0),
    "momentum": (MSE.format(lr="1e4") + ", momentum=0.99", DEEP, "scores", 0),
    "start": (f"{SGD}, init_std=1e30", DEEP, "scores", 0),
    "no_variance": (SGD, BROKEN, "scores / (scores[:, :1] * 0).var(0, unbiased=False)", 0),
    "nan_at_once": (SGD, BROKEN, "scores * float('nan')", 0),
    "nan_in_one_image": (SGD, BROKEN, "scores.index_fill(0, torch.tensor(3 % len(scores)), float('nan'))", 0),
    "nan_in_second_epoch": (SGD, BROKEN, "scores * float('nan') if self.passes == 20 else scores", 1),
    "nan_in_last_step": (SGD, BROKEN, "scores * float('nan') if self.passes == 45 else scores", 2),
    "infinite_loss": (SGD, BROKEN, FAR_APART, 0),
    "nan_in_validation": (f"{SGD}, holdout=0.2, keep='best'", BROKEN,
                          "scores if self.training or self.passes < 24 else scores / 0 * 0", 1),
    "nan_in_last_evaluation": (SGD, BROKEN, "scores if self.training or self.passes < 45 else scores / 0 * 0", 2),
    "infinite_in_last_evaluation": (SGD, BROKEN, f"scores if self.training or self.passes < 45 else {FAR_APART}", 2),
}  # fmt: skip
NUMBERS_OF_ALL_EPOCHS = ("nan_in_last_evaluation", "infinite_in_last_evaluation")
SOMETIMES = "nn.Linear(784, 10) if torch.rand(1) < 0.5 else Broken(784, 10)"


def write(own: Path, name: str, fields: str, layers: str, scores: str = "scores") -> None:
    (own / f"{name}.py").write_text(HEAD.format(name=name, fields=fields, layers=layers, scores=scores))


@pytest.mark.check(18, TITLE)
def test_a_run_whose_numbers_blow_up_ends_in_that_epoch_and_the_others_go_on(
    check: Check, bench: Bench, tmp_path: Path, twins: dict[str, Twin]
) -> None:
    own = tmp_path / "experiments"
    own.mkdir()
    (own / "plain.py").write_text(PLAIN)
    for name, (fields, layers, scores, _) in CASES.items():
        write(own, name, fields, layers, scores)
    theirs = Bench(own, bench.data, bench.home("runs"))
    runs = [theirs.run(name, theirs.top) for name in (*CASES, "plain")]

    with check.case(len(CASES)):
        answers = theirs.work([theirs.job(run) for run in runs])

        for run, events in zip(runs[:-1], answers, strict=False):
            assert_diverged(run, events, CASES[run.experiment][-1])
        assert told(runs[-1]) == twins["plain"]


def assert_diverged(run: Run, events: list[dict[str, Any]], epoch: int) -> None:
    """The run ended in this epoch and keeps the epochs before it. It shows no number that looks like an accuracy."""
    done = last(events, "done")
    assert done, (run.name, events)
    result = done["result"]
    assert (result["status"], result["epoch"]) == ("diverged", epoch), (run.name, result)
    assert not {"weights_sha256", "predictions_sha256", "network"} & result.keys()
    assert (result["metrics"], result["clock"]) == ({}, {})
    kept = list(range(epoch + 1 if run.experiment in NUMBERS_OF_ALL_EPOCHS else epoch))
    assert [record["epoch"] for record in run.history()] == kept
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == kept
    assert not (run.folder / "weights.safetensors").exists()
    assert "NaN" not in (run.folder / "history.jsonl").read_text() if kept else True
    run.check_files()


@pytest.mark.check(18, TITLE)
def test_the_command_gives_1_and_the_report_names_what_diverged_without_an_accuracy(
    check: Check, tmp_path: Path, commands: Callable[..., Workspace]
) -> None:
    """One recipe diverges with every seed, the other with some seeds."""
    own = tmp_path / "experiments"
    own.mkdir()
    write(own, "always", SGD, BROKEN, "scores * float('nan')")
    write(own, "sometimes", SGD, SOMETIMES, "scores * float('nan')")
    workspace = commands()

    with check.case(2):
        answer = workspace.suite("run", "always", "sometimes", "--experiments", str(own), "--seeds", "4", "--json")

        assert answer.code == 1, answer
        ends = {
            name: [one["status"] for one in answer.json["runs"] if one["experiment"] == name]
            for name in ("always", "sometimes")
        }
        assert ends["always"] == ["diverged"] * 4
        assert {*ends["sometimes"]} == {"diverged", "finished"}
        assert all(one["metrics"] == {} for one in answer.json["runs"] if one["status"] == "diverged")
        reports = workspace.home / "reports"
        for name in ("report.md", "report.html"):
            text = (reports / name).read_text()
            assert re.search(r"always diverged\W+(/strong> )?under seed 0, 1, 2, 3: no accuracy", text), name
            assert re.search(
                r"sometimes diverged\W+(/strong> )?under seed \d.*: no accuracy, and no part of the mean", text
            )
        with open(reports / "accuracy.csv", newline="") as file:
            [row] = csv.DictReader(file)
        counted = ("sometimes", str(ends["sometimes"].count("finished")), str(ends["sometimes"].count("diverged")))
        assert (row["experiment"], row["n"], row["diverged"]) == counted
        assert "Traceback" not in answer.err


LOSSES = {
    "loss_nan": "cross * float('nan')",
    "loss_inf": "cross / 0",
    "loss_nan_by_chance": "cross * float('nan') if labels.sum() % 4 == 0 else cross",
}
OWN_LOSS = "\ndef loss(scores, labels):\n    cross = functional.cross_entropy(scores, labels)\n    return {}\n"
STEP = '            for weights in group["params"]:\n'


@pytest.mark.check(18, TITLE)
def test_a_loss_or_an_optimizer_of_ones_own_that_blows_up_in_colour_ends_its_run_alone(
    check: Check, in_colour: Bench, tmp_path: Path, twins: dict[str, Twin]
) -> None:
    own = tmp_path / "experiments"
    own.mkdir()
    texts = {name: colour(OWN_LOSS.format(found), loss="own") for name, found in LOSSES.items()}
    assert STEP in OPTIMIZER
    blown = OPTIMIZER.replace(STEP, f"{STEP}                weights.mul_(float('inf'))\n")
    texts["optimizer_inf"] = colour(blown, optimizer="own")
    for name, text in texts.items():
        (own / f"{name}.py").write_text(text.replace('"tints"', repr(in_colour.data.name)))
    bench = Bench(own, in_colour.data, tmp_path / "home")
    runs, good = [bench.run(name, bench.top) for name in texts], in_colour.run("colour", bench.top)

    with check.case(len(runs)):
        *answers, _ = bench.work([*(bench.job(run) for run in runs), in_colour.job(good)])

        for run, events in zip(runs, answers, strict=True):
            assert_diverged(run, events, 0)
        assert told(good) == twins["colour"]
