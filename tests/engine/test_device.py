"""Where it is trained and whether through the compiler: what is asked for, what is refused, what it costs to watch."""

import math
import shutil

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from suite.engine import device, epoch
from suite.engine.build import build_loss, build_model
from suite.engine.epoch import train_epoch
from suite.engine.sets import Labelled, Sets
from suite.engine.state import State
from suite.engine.train import train
from suite.errors import MACHINE, USER, SuiteError
from tests.conftest import assert_refused


def without_draws():
    """A network whose training draws nothing: the compiler's dropout draws otherwise than torch's own."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 24), torch.nn.ReLU(), torch.nn.Linear(24, 10))


class Waits(TorchDispatchMode):
    """Counts how often a number is read out of a tensor: on a GPU each such reading waits for all that is under way."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_the_processor_is_the_device_unless_another_is_named(monkeypatch):
    for value in (None, "", "cpu"):
        monkeypatch.delenv(device.DEVICE, raising=False)
        if value is not None:
            monkeypatch.setenv(device.DEVICE, value)
        assert (device.device(), device.device_name()) == (torch.device("cpu"), "cpu")


@pytest.mark.parametrize("named", ["tpu", "cuda:x", "cuda:-1", "gpu", "meta"])
def test_what_is_no_device_is_refused(monkeypatch, named):
    monkeypatch.setenv(device.DEVICE, named)

    with pytest.raises(SuiteError, match=f"SUITE_DEVICE: '{named}'") as refused:
        device.require()
    assert refused.value.code == USER


def test_a_gpu_that_is_not_here_is_the_machines_fault(monkeypatch):
    monkeypatch.setenv(device.DEVICE, f"cuda:{torch.cuda.device_count()}")

    with pytest.raises(SuiteError, match=r"sees no cuda:\d+ on this machine") as refused:
        device.require()
    assert refused.value.code == MACHINE


def test_a_gpu_that_is_here_is_taken_and_named(monkeypatch):
    monkeypatch.setenv(device.DEVICE, "cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda found: f"A GPU at {found}")

    assert (device.device(), device.device_name()) == (torch.device("cuda:1"), "A GPU at cuda:1")


@pytest.mark.commands
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("SUITE_DEVICE", "tpu", 2),
        ("SUITE_DEVICE", "cuda:99", 3),
        ("SUITE_COMPILE", "fast", 2),
        ("SUITE_KERNELS", "mine", 2),
    ],
)
def test_a_command_says_so_once(workspace, name, value, code):
    workspace.extra[name] = value

    assert_refused(workspace.suite("run", "mlp", "--data", "digits"), code, name, value)
    assert not workspace.results()


def test_within_an_epoch_nobody_waits_for_a_number(experiment, digits, monkeypatch):
    """But for progress, which a GPU's epochs do not tell: then the epoch's own two sums at its end are all."""
    monkeypatch.setattr(epoch, "TICK", math.inf)
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    recipe = experiment().recipe
    model = build_model(recipe, experiment().network, 0)
    state, sets = State.begun(recipe, model), Sets(Labelled(digits.train_images, digits.train_labels))

    with Waits() as waits:
        train_epoch(state, recipe, sets, build_loss(recipe), 0, 0, lambda _: None, lambda _steps, _seconds: False, 100)

    assert waits.count == 2


def test_a_mode_makes_the_compiler_look_at_the_network(monkeypatch):
    asked = []
    monkeypatch.setenv(device.COMPILE, "reduce-overhead")
    monkeypatch.setattr(torch, "compile", lambda forward, mode: asked.append((forward, mode)) or forward)
    model = torch.nn.Linear(2, 2)

    assert device.compiled(model) is model
    assert asked == [(model, "reduce-overhead")]


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed")
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_it_learns_the_same(experiment, digits, run_of, monkeypatch):
    """Equal but for the order of sums; and what it is compiled with is written down, for it binds the run."""
    one, results = experiment(network=without_draws), {}
    for mode in ("", "default"):
        monkeypatch.setenv(device.COMPILE, mode)
        run = run_of(one, under=mode or "eager")
        with run.claim():
            results[mode] = train(run, one, digits, lambda _: None)

    eager, compiled = results[""], results["default"]
    assert compiled["metrics"]["train/last_loss"] == pytest.approx(eager["metrics"]["train/last_loss"], rel=1e-3)
    assert compiled["environment"]["switches"] == {"SUITE_COMPILE": "default"}
    assert eager["environment"]["switches"] == {}
