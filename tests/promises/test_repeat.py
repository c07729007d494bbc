"""The experiments give the same bits again: in new processes, alone, beside others, and in any order."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.disk.journal import Run
from tests.conftest import Workspace, in_full
from tests.promises.conftest import Bench, Check, Twin, last, told

pytestmark = pytest.mark.promise

NAMES = (
    "cifar_net", "cnn", "cnn_one_epoch", "lenet", "lenet_avgpool", "lenet_gaussian", "linear", "mlp", "resnet8",
    "speedrun", "train_mnist_fast",
)  # fmt: skip
SEEDS = (0, 1)
QUICK = ("linear", "mlp", "speedrun")  # those that have both seeds, and are trained alone, in the short form
ARRAYS = ("train-images", "train-labels", "test-images", "test-labels")
NOT_REPEATED = ("clock", "files", "sha256")  # times, and the digests of the files that hold times
NOT_OURS = ("git_commit", "git_dirty", "patch_sha256")  # may change while the test runs; the engine's digest may not
NO_TRACKER = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}  # so that a short run need not make a database

Key = tuple[str, int]
Said = tuple[str, bytes, str, bytes, bytes]  # hash of the weights, result, history, both tensor files


class Every:
    """All experiments on the digits: two epochs with -m promise, else one."""

    def __init__(self, bench: Bench, *, full: bool) -> None:
        self.bench, self.changes = bench, {"data": "digits", "epochs": 2 if full else 1}
        self.words = ("--data", "digits", "--epochs", str(self.changes["epochs"]), "--no-report", "--json")

    def runs(self, home: Path, keys: Sequence[Key]) -> list[Run]:
        return [self.bench.run(name, home, seed, **self.changes) for name, seed in keys]

    def train(self, home: Path, keys: Sequence[Key], workers: int = 2) -> dict[Key, Said]:
        """Train each in a new process, started in this order."""
        runs = self.runs(home, keys)
        for events in self.bench.work([self.bench.job(run, **self.changes) for run in runs], workers=workers):
            assert last(events, "done"), events
        return {(run.experiment, run.seed): said(run) for run in runs}

    def found(self, home: Path, keys: Sequence[Key]) -> dict[Key, Said]:
        """The results that a command left in a home."""
        return {(run.experiment, run.seed): said(run) for run in self.runs(home, keys)}


def said(run: Run) -> Said:
    """The hash of the weights, the bytes of result and history without times, and the bytes of both tensor files."""
    run.check_files()
    result = json.loads((run.folder / "result.json").read_text())
    result["environment"] = without(result["environment"], NOT_OURS)
    history = [
        without(json.loads(line), ("clock",)) for line in (run.folder / "history.jsonl").read_text().splitlines()
    ]
    tensors = ((run.folder / f"{name}.safetensors").read_bytes() for name in ("weights", "predictions"))
    rest = json.dumps(without(result, NOT_REPEATED), sort_keys=True).encode()
    return result["weights_sha256"], rest, json.dumps(history, sort_keys=True), *tensors


def without(facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}


@pytest.fixture(scope="session")
def first(
    own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[Key, Said]:
    """The results of all experiments, trained in parallel in forked processes."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("first"))
    full = in_full(request.config)
    keys = [(name, seed) for seed in SEEDS for name in NAMES if full or not seed or name in QUICK]
    return Every(bench, full=full).train(bench.top, keys)


@pytest.fixture
def every(bench: Bench, check: Check) -> Every:
    return Every(bench, full=check.full)


def agree(check: Check, again: Mapping[Key, Said], first: Mapping[Key, Said]) -> None:
    """Each run gave the same result again; each counts as one case."""
    for key, found in again.items():
        with check.case():
            assert found[0] == first[key][0], f"{key}: other weights"
            assert found[1:3] == first[key][1:3], f"{key}: equal weights, but not all of result and history"
            assert found[3:] == first[key][3:], f"{key}: equal hashes, but not all bytes of the tensors' files"


@pytest.mark.full
@pytest.mark.check(1, "repeat: same weights and result in fresh processes")
def test_every_experiment_comes_to_the_same_in_another_command(
    check: Check, every: Every, first: dict[Key, Said]
) -> None:
    """A separate command has its own processes, hash seeds and memory addresses. The short form has the first seed."""
    another = {} if check.full else {**NO_TRACKER, "PYTHONHASHSEED": "1"}  # in the short form, too, a new interpreter
    workspace = Workspace(every.bench.home("again"), another)
    seeds = SEEDS if check.full else SEEDS[:1]

    answer = workspace.suite("run", "all", "--seeds", str(len(seeds)), *every.words)

    assert answer.code == 0, answer.err
    agree(check, every.found(workspace.home, [(name, seed) for name, seed in first if seed in seeds]), first)
    assert len({told[0] for told in first.values()}) == len(first) > len(NAMES), "two of them came to the same weights"


@pytest.mark.check(2, "order and company: same weights alone, together, shuffled, after others")
def test_alone_each_comes_to_the_same(check: Check, every: Every, first: dict[Key, Said]) -> None:
    home = every.bench.home("alone")

    for name in NAMES if check.full else QUICK:
        agree(check, every.train(home, [(name, 0)], workers=1), first)


@pytest.mark.check(2, "order and company: same weights alone, together, shuffled, after others")
def test_all_at_once_each_comes_to_the_same(check: Check, every: Every, first: dict[Key, Said]) -> None:
    if not check.full:
        pytest.skip("the short form has the shuffled ones for company")

    agree(check, every.train(every.bench.home("together"), [(name, 0) for name in NAMES], workers=len(NAMES)), first)


@pytest.mark.check(2, "order and company: same weights alone, together, shuffled, after others")
def test_in_any_order_each_comes_to_the_same(
    check: Check, every: Every, first: dict[Key, Said], chance: random.Random
) -> None:
    order = chance.sample([(name, 0) for name in NAMES], len(NAMES))

    again = every.train(every.bench.home("shuffled"), order, workers=chance.randint(3, 5))

    agree(check, again, first)


@pytest.mark.check(2, "order and company: same weights alone, together, shuffled, after others")
def test_after_other_verbs_each_comes_to_the_same(check: Check, every: Every, first: dict[Key, Said]) -> None:
    """Other verbs: those that read, those that train again, and `tune`."""
    workspace = Workspace(every.bench.home("after"), {})
    if not check.full:
        pytest.skip("takes two databases and seven commands: only under -m promise")

    before = [
        workspace.suite("list"),
        workspace.suite("show", "cnn"),
        workspace.suite("run", "mlp", "--data", "digits", "--set", "lr=0.02", "--seeds", "1", "--no-report"),
        workspace.suite("verify", "all"),
        workspace.suite("report"),
        workspace.suite("tune", "mlp", "--data", "digits", "--trials", "4", "--seeds", "1", "--fresh-seeds", "3"),
    ]
    answer = workspace.suite("run", "all", "--seeds", "1", *every.words)

    assert [one.code for one in (*before, answer)] == [0] * 7, [one.err for one in (*before, answer)]
    agree(check, every.found(workspace.home, [(name, 0) for name in NAMES]), first)


@pytest.mark.full
@pytest.mark.check(1, "repeat: same weights and result in fresh processes")
@pytest.mark.parametrize("data", ["tints", "npz"])
def test_a_set_in_colour_comes_to_the_same_in_another_command_and_as_an_npz_file(
    check: Check, in_colour: Bench, twins: dict[str, Twin], tmp_path: Path, data: str
) -> None:
    """The identity depends on the contents, not on the form of the file."""
    frozen = {name.replace("-", "_"): np.load(in_colour.data / f"{name}.npy") for name in ARRAYS}
    np.savez(tmp_path / "pieces.npz", **frozen, classes=np.array(["china", "flower"]))
    workspace = Workspace(in_colour.home(data), {"SUITE_EXPERIMENTS": str(in_colour.own)})
    words = ["--data", f"npz:{tmp_path / 'pieces.npz'}"] if data == "npz" else []

    with check.case():
        answer = workspace.suite("run", "colour", *words, "--seeds", "1", "--no-report")

        assert answer.code == 0, answer
        assert told(in_colour.run("colour", workspace.home)) == twins["colour"]


@pytest.mark.check(2, "order and company: same weights alone, together, shuffled, after others")
def test_in_colour_and_company_it_comes_to_the_same(
    check: Check, bench: Bench, in_colour: Bench, twins: dict[str, Twin], chance: random.Random
) -> None:
    for number in range(check.times(6, 1)):
        home = bench.home(f"company{number}")
        benches = {"colour": in_colour, "own": bench, "plain": bench}
        seeds = {0, *chance.sample(range(1, 50), 2 if check.full else 0)}
        runs = [there.run(kind, home, seed) for kind, there in benches.items() for seed in seeds]
        chance.shuffle(runs)
        jobs = [benches[run.experiment].job(run) for run in runs]

        with check.case():
            bench.work(jobs, workers=chance.randint(2, 4))

            found = {run.experiment: told(run) for run in runs if run.seed == 0}
            assert found == {kind: twins[kind] for kind in benches}
