"""The accuracy gate with real trainings: correct programs seldom fail, and programs broken on purpose do fail."""

import math
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from suite.cli.terminal import Terminal
from suite.data import ensure
from suite.recipe import registry
from suite.runs.accuracy_gate import FRESH, gate, measured
from suite.runs.plan import plan
from suite.runs.training import train_unrecorded
from suite.runs.worker import local_processes
from tests.conftest import Workspace
from tests.promises.conftest import CHOOSY, copy_program

pytestmark = [pytest.mark.promise, pytest.mark.timeout(7200)]

ALARMS = 0.05  # the largest share of gates on a correct program that may fail


class Fault(NamedTuple):
    """A planted fault: the file, its old and new text, and the reason if a run with it has no accuracy."""

    name: str
    file: str
    old: str
    new: str
    reason: str = ""


LABELS = "(data.train_images[:images], data.train_labels[:images])"
SHUFFLED = (
    "(data.train_images[:images], torch.where(torch.arange(images) % 10 == 0, "
    "data.train_labels[:images].roll(1), data.train_labels[:images]))"
)
SHIFTED = "__import__('dataclasses').replace(data, test_images=data.test_images.roll(3, 2))"
EVERYWHERE = (
    Fault("pixels not divided by 255", "suite/engine/batches.py", ".float().div_(255)", ".float()"),
    Fault("a tenth of the labels shuffled", "suite/engine/sets.py", LABELS, SHUFFLED),
    Fault("test images shifted by three pixels", "suite/engine/train.py",
          "_finish(run, experiment, fitted, data)", f"_finish(run, experiment, fitted, {SHIFTED})"),
)  # fmt: skip
DROPS = "    [layer.train() for layer in model.modules() if isinstance(layer, nn.Dropout)]\n"
DROPOUT = Fault("dropout left on", "suite/engine/evaluate.py", "    model.eval()\n", f"    model.eval()\n{DROPS}",
                "computes other numbers from the same images and weights at each evaluation")  # fmt: skip


def faults_of(name: str, rate: str, activation: str) -> tuple[Fault, ...]:
    """Faults in the experiment's own file: no activation after the second convolution, and ten times the rate."""
    file = f"experiments/{name}.py"
    tenfold, second = f"lr={float(rate) * 10:g}", "nn.Conv2d(6, 16, 5)"
    return (
        Fault("an activation missing", file, f"{second}, {activation},", f"{second},"),
        Fault("the learning rate tenfold", file, f"lr={rate}", tenfold),
    )


@pytest.mark.check(24, "the accuracy gate: honest runs and planted faults")
def test_honest_runs_raise_few_alarms(check, bench, tmp_path):
    """With -m promise `mlp` on MNIST, because it is fast; else a small experiment on the digits."""
    if check.full:
        experiment, folders = registry.load().experiments["mlp"], ()
    else:
        experiment, folders = registry.load((bench.own,)).experiments["plain"], (bench.own,)
    show = Terminal(as_json=True).runs
    train = partial(train_unrecorded, executor=local_processes(2), data_folder=ensure, folders=folders, show=show)
    train(planned := plan([experiment], range(10), tmp_path))
    reference, gates, verdicts = measured(planned), check.times(100), []
    for number in range(gates):
        found = gate(
            [experiment], reference, train, margin=None, most=12 if check.full else 3, first=FRESH + 100 * number
        )
        verdicts += [one.judged.verdict for one in found]

    check.remarks.append(", ".join(f"{verdicts.count(kind)} {kind}" for kind in ("PASS", "INCONCLUSIVE", "FAIL")))
    with check.case(gates):
        assert verdicts.count("FAIL") <= ALARMS * gates


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program, in which faults are planted."""
    folder = copy_program(tmp_path_factory.mktemp("broken"))
    (folder / "experiments" / "choosy.py").write_text(CHOOSY)
    return folder


# In so few epochs lenet learns faster with ten times its rate or without its second sigmoid; with its full protocol it
# does not. Without the first or third sigmoid, or the first ReLU of lenet_avgpool, the accuracy is equal: no FAIL.
SUBJECTS = {
    "lenet": (("--epochs", "3"), (*EVERYWHERE, *faults_of("lenet", "0.001", "nn.Sigmoid()"))),
    "lenet_avgpool": (("--epochs", "2"), (*EVERYWHERE, DROPOUT, *faults_of("lenet_avgpool", "0.001", "nn.ReLU()"))),
    "choosy": ((), (EVERYWHERE[-1], DROPOUT)),  # with its batch norm the other faults change little
}


@pytest.mark.check(24, "the accuracy gate: honest runs and planted faults")
@pytest.mark.parametrize("name", SUBJECTS)
def test_what_is_broken_on_purpose_is_caught(check, copy, own, tmp_path, name):
    """With -m promise the real experiments; else a small one on the digits, which the program itself measures first."""
    if check.full == (name == "choosy"):
        pytest.skip("the real experiments stand for it" if check.full else "takes minutes: with -m promise")
    words, faults = SUBJECTS[name]
    workspace = Workspace(tmp_path, {"PYTHONPATH": str(copy)})
    command = ("gate", name, *words, "--reference", str(tmp_path / "reference.json"))
    whole = workspace if check.full else Workspace(tmp_path, {"SUITE_EXPERIMENTS": str(own)})
    made = whole.suite(*command, "--update", "--seeds", "6")
    assert made.code == 0, made.err

    took, missed = [], []
    for fault in faults:
        path = copy / fault.file
        whole = path.read_text()
        assert fault.old in whole, f"{fault.file} has no {fault.old!r}"
        path.write_text(whole.replace(fault.old, fault.new, 1))
        try:
            answer = workspace.suite(*command, "--json")
        finally:
            path.write_text(whole)
        [found] = answer.json["verdicts"]
        drop = math.nan if found["drop"] is None else found["drop"]  # a run without an accuracy
        took.append(f"{fault.name} {len(found['fresh'])} seeds, drop {drop:.4f}")
        caught = (answer.code, found["verdict"]) == (1, "FAIL")
        if not caught or fault.reason not in found["reason"] or math.isnan(drop) != bool(fault.reason):
            missed.append((fault.name, found["words"]))
    check.remarks.append(f"{name}: {'; '.join(took)}")
    with check.case(len(faults)):
        assert not missed
