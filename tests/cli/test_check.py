"""`check`: what is wrong with a network is said in words, in seconds, before it is trained."""

import time
from pathlib import Path

import pytest

import suite
from tests.conftest import assert_interrupted, assert_refused

pytestmark = pytest.mark.commands

NET = '''"""A small network, with a fault."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=2, LATER)

CALLS = []


def network():
    """Map images (n, 1, 28, 28) to scores (n, 10)."""
    import os
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last, self.spare = nn.Linear(784, 30), nn.Linear(30, 10), nn.Linear(3, 3)
            self.norm = nn.BatchNorm1d(30, track_running_stats=TRACKED)
            self.kept, self.count = torch.Generator(), 0

        def forward(self, images):
            hidden = self.norm(self.first(images.flatten(1)).relu())
            FAULT
            return self.last(hidden)

    return Net()
'''
CASES = {  # the fault: what is put where, what is to fix beside the spare layer, and words of the explanation
    "untracked": ("pass", {"TRACKED": "False"}, {"evaluation"}, ("company", "first seen in norm (BatchNorm1d)")),
    "mean": ("hidden = hidden - hidden.mean(0)", {}, {"evaluation"}, ("with its company, first seen in last",)),
    "order": ("hidden = hidden + 0.01 * torch.arange(len(hidden))[:, None]", {}, {"evaluation"}, ("with the order",)),
    "alone": ("hidden = hidden + (len(hidden) == 1)", {}, {"evaluation"}, ("if it is alone.",)),
    "slow": ("pass", {"lr=0.1": "lr=1e-9"}, {"loss"}, ("It must fall: look at lr (1e-09)",)),
    "wild": ("pass", {"lr=0.1": "lr=1e30"}, {"loss"}, ("no finite number", "Give a smaller lr than 1e+30.")),
    "chance": ("hidden = hidden + os.urandom(1)[0] / 1000", {}, {"chance", "evaluation"}, ("no seed governs",)),
    "lost": ("CALLS.append(hidden.detach().mean())", {}, {"resuming"}, ("a checkpoint cannot",)),
    "kept": ("self.count += self.training", {}, set(), ("also holds what changes outside the state_dict: count.",)),
    "pooled": ("pass", {"self.kept, self.count =": "self.pool = nn.AdaptiveMaxPool2d(1); self.kept, self.count ="},
               set(), ("pool (AdaptiveMaxPool2d): no deterministic algorithm on a GPU",)),
}  # fmt: skip
REFUSED = {  # no network can be built
    "shape": ("return hidden", {"network"}, ("to (2, 30), not to (2, 10)",)),
    "raising": ("1 / 0", {"network"}, ("net.py:25: network: ZeroDivisionError",)),
    "undetermined": ("nn.MaxUnpool1d(2)(*nn.MaxPool1d(2, return_indices=True)(hidden[:, None]))", {"algorithms"},
                     ("net.py:25: ", "has no deterministic algorithm", "Use another layer.")),
}  # fmt: skip


@pytest.fixture
def own(workspace):
    return Path(workspace.extra["SUITE_EXPERIMENTS"])


def written(own, fault, changes):
    text = NET.replace("FAULT", fault)
    for old, new in {", LATER": "", **changes, "TRACKED": changes.get("TRACKED", "True")}.items():
        text = text.replace(old, new)
    (own / "net.py").write_text(text)


def checked(workspace):
    """The exit code, what must be fixed, and all words of `check net`."""
    answer = workspace.suite("check", "net", "--json")
    findings = answer.json["findings"]
    assert answer.code == answer.json["code"]
    return answer.code, {one["what"] for one in findings if one["status"] == "fix"}, " ".join(
        one["words"] for one in findings
    )  # fmt: skip


ALWAYS = ("untracked", "lost", "slow")  # the others with -m promise
FULL = (pytest.mark.promise, pytest.mark.full)


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in ALWAYS else FULL) for one in CASES])
def test_each_fault_is_named_and_no_other(workspace, own, name):
    fault, changes, faults, words = CASES[name]
    written(own, fault, changes)

    code, found, told = checked(workspace)

    assert code == 2
    assert found == {"gradients", *faults}, told
    assert "the loss does not depend on spare.weight, spare.bias." in told
    assert [one for one in words if one not in told] == [], told


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one == "raising" else FULL) for one in REFUSED])
def test_a_network_that_cannot_be_built_is_said_alone(workspace, own, name):
    fault, faults, words = REFUSED[name]
    written(own, fault, {})

    code, found, told = checked(workspace)

    assert (code, found) == (2, faults), told
    assert [one for one in words if one not in told] == [], told


def test_a_network_without_a_fault_is_told_what_it_will_cost_and_what_comes_next(workspace, own):
    written(own, "hidden = hidden + self.spare.weight.sum() + self.spare.bias.sum()", {})

    facts = workspace.suite("check", "net", "--json", "--epochs", "40").json
    told = workspace.suite("check", "net")

    assert (told.code, facts["code"], facts["experiment"]) == (0, 0, "net epochs=40")
    assert {one["status"] for one in facts["findings"]} == {"ok"}
    assert facts["cost"]["seconds"] > 0
    assert facts["cost"]["memory_mib"] > 50
    assert facts["network"]["parameters"] == 23_932
    assert told.out.splitlines()[-1] == "Nothing to fix. Next: python -m suite run net"
    assert told.out.splitlines()[1].startswith("ok  shapes")
    assert not (workspace.home / "mlruns" / "runs").exists()


def test_a_file_that_prints_does_not_disturb_the_document(workspace, own):
    written(own, "print('seen')", {"CALLS = []": "print('loaded')"})

    answer = workspace.suite("check", "net", "--json")

    assert answer.json["experiment"] == "net"
    assert "loaded" in answer.err
    assert "seen" in answer.err


def test_ctrl_c_says_that_nothing_is_kept(workspace, own, tmp_path):
    mark = tmp_path / "begun"
    written(own, f"__import__('pathlib').Path({str(mark)!r}).touch(); __import__('time').sleep(600)", {})
    process = workspace.start("check", "net")
    while process.poll() is None and not mark.exists():
        time.sleep(0.05)

    assert_interrupted(process, "check records nothing", "begins it again")

    assert not (workspace.home / "mlruns" / "runs").exists()


def test_what_is_unknown_or_broken_is_refused_in_one_line(in_process, own):
    (own / "broken.py").write_text("1 / 0")

    assert_refused(in_process("check", "nett"), 2, "there is no experiment 'nett'")
    assert_refused(in_process("check", "all"), 2, "check takes one experiment, got 'all'.")
    assert_refused(in_process("check", "broken"), 2, "broken.py:1: ZeroDivisionError")


def test_from_python_the_callers_torch_stays_as_it_is(workspace, own, monkeypatch):
    import torch

    for name, value in workspace.environment.items():
        monkeypatch.setenv(name, value)
    written(own, "pass", {})
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()

    found = suite.check("net", lr=0.05, session=suite.Session.open(experiments=[own]))

    assert (found.code, found.experiment) == (2, "net lr=0.05")
    assert before[:2] == (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    assert torch.equal(before[2], torch.get_rng_state())
