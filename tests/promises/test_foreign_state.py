"""Check 27: state that a network keeps outside its state_dict is saved in the checkpoint, or the run is refused."""

import random
from pathlib import Path

import pytest

from tests.promises.breaking import Broken, train_and_die
from tests.promises.conftest import Bench, Check, last, told
from tests.promises.networks import Kind, reason, write

pytestmark = pytest.mark.promise

BY_STEPS = "; factor = 1 / (1 + {})"
SAVED = (
    Kind("number", "self.steps += 1" + BY_STEPS.format("self.steps"), "self.steps = 0"),
    Kind("new_number", "self.steps = getattr(self, 'steps', 0) + 1" + BY_STEPS.format("self.steps")),
    Kind("lines", "self.seen.append(len(images))" + BY_STEPS.format("len(self.seen)"), "self.seen = []"),
    Kind("table", "self.by['n'] = self.by.get('n', 0) + 0.5" + BY_STEPS.format("self.by['n']"), "self.by = {}"),
    Kind("tensor", "self.mean = self.mean * 0.9 + images.mean(); factor = self.mean", "self.mean = torch.ones(())"),
    Kind("buffer", "self.mean.mul_(0.9).add_(images.mean()); factor = self.mean",
         "self.register_buffer('mean', torch.ones(()), persistent=False)"),
    Kind("strided", "self.grid = self.grid + 1" + BY_STEPS.format("self.grid.sum()"),
         "self.grid = torch.zeros(3, 2).T"),
)  # fmt: skip
REFUSED = (
    Kind("array", "self.steps += 1; factor = float(1 / self.steps[0])", "self.steps = np.zeros(2)",
         refused="Net.steps changes"),
    Kind("sparse", "self.grid = (self.grid.to_dense() + 1).to_sparse()" + BY_STEPS.format("self.grid.sum()"),
         "self.grid = torch.zeros(2, 2).to_sparse()", refused="Net.grid changes"),
    Kind("queue", "self.seen.append(1)" + BY_STEPS.format("len(self.seen)"), "self.seen = collections.deque()",
         refused="Net.seen changes"),
    Kind("group", "self.seen.add(len(self.seen))" + BY_STEPS.format("len(self.seen)"), "self.seen = set()",
         refused="Net.seen changes"),
    Kind("generator", "factor = torch.rand((), generator=self.chance)",
         "self.chance = torch.Generator().manual_seed(1)", refused="Net.chance changes"),
    Kind("numpys", "factor = float(self.chance.random())", "self.chance = np.random.default_rng(1)",
         refused="Net.chance.bit_generator.state['state']['state'] changes"),
    Kind("counting", "factor = 1 / next(self.steps)", "self.steps = __import__('itertools').count(1)",
         refused="Net.steps changes"),
    Kind("helper", "self.helper.steps += 1" + BY_STEPS.format("self.helper.steps"), "self.helper = Helper()",
         "class Helper:\n    steps = 0", "Net.helper.steps changes"),
    Kind("of_class", "type(self).steps += 1; factor = 1 + 0 * len(images)",
         "type(self).steps = 0", refused="class Net.steps changes"),
    Kind("of_file", "STEPS.append(1)", file="STEPS = []", refused="of_file.STEPS changes"),
    Kind("variable", "count()", file="def counter():\n    n = 0\n    def count():\n        nonlocal n\n        n += 1\n"
         "    return count\n\ncount = counter()", refused="variable.count variable n changes"),
    Kind("shared", "self.seen.append(1)" + BY_STEPS.format("len(self.last.seen)"),
         "self.seen = self.last.seen = []", refused="seen changes"),
    Kind("late", "self.epochs += 1 / 15; self.seen |= {round(self.epochs)} if self.epochs > 2 else set()",
         "self.epochs, self.seen = 0.0, set()", refused="Net.seen changes"),
    Kind("new_buffer", "self.mean = images.mean()", "self.register_buffer('mean', None)", refused="Net.mean changes"),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, bench: Bench) -> Bench:
    """A bench with the experiments of this file."""
    own = tmp_path / "own"
    own.mkdir()
    return Bench(write(own, (*SAVED, *REFUSED)), bench.data, bench.top)


@pytest.mark.check(27, "state outside the state_dict: saved, or refused beforehand")
def test_a_killed_run_ends_as_the_unbroken_one_whatever_its_network_keeps(
    check: Check, chance: random.Random, folder: Bench
) -> None:
    kinds = SAVED if check.full else chance.sample(SAVED, 3)
    unbroken = [folder.run(kind.name, folder.top / "unbroken") for kind in kinds]
    events = folder.work([Broken(folder.job(run)) for run in unbroken], by=train_and_die)
    passed = [last(found, "passed") for found in events]

    for number in range(check.times(4, 1)):
        runs = [folder.run(kind.name, folder.top / f"killed{number}") for kind in kinds]
        steps = [chance.choice([f"epoch:saved#{chance.randint(1, 3)}", *found["steps"]]) for found in passed if found]
        jobs = [Broken(folder.job(run), at) for run, at in zip(runs, steps, strict=True)]
        folder.work(jobs, by=train_and_die)
        folder.work([folder.job(run) for run in runs])
        for one, other, at in zip(unbroken, runs, steps, strict=True):
            with check.case():
                assert told(one) == told(other), at


@pytest.mark.check(27, "state outside the state_dict: saved, or refused beforehand")
def test_a_run_that_could_not_be_resumed_is_refused_with_the_name_of_what_changes(
    check: Check, chance: random.Random, folder: Bench
) -> None:
    kinds = REFUSED if check.full else chance.sample(REFUSED, 4)
    runs = [folder.run(kind.name, folder.top) for kind in kinds]

    first, again = (folder.work([folder.job(run) for run in runs]) for _ in range(2))

    for run, kind, *twice in zip(runs, kinds, first, again, strict=True):
        with check.case():
            for events in twice:
                assert kind.refused in reason(events), (kind.name, events)
                assert reason(events).endswith("(2)"), events
            assert not run.folder.joinpath("result.json").exists()
            assert run.checkpoint.exists() == (kind.name == "late"), f"{kind.name}: refused too late"
