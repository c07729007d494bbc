"""Check 28: random numbers that are not torch's depend on the seed too, or the run is refused before it starts."""

import random
from pathlib import Path

import pytest

from tests.promises.breaking import Broken, train_and_die
from tests.promises.conftest import Bench, Check, told
from tests.promises.networks import Kind, reason, write

pytestmark = pytest.mark.promise

SEEDED = (
    Kind("of_torch", "factor = torch.rand(())"),
    Kind("of_python", "factor = random.random()"),
    Kind("of_numpy", "factor = float(np.random.rand())"),
    Kind("of_init", "factor = self.factor", "self.factor = random.random() + float(np.random.rand())"),
)
FOREIGN = (
    Kind("numpys", "factor = float(np.random.default_rng().random())", refused="Net computes other numbers"),
    Kind("systems", "factor = os.urandom(1)[0] / 255 + os.urandom(1)[0]", refused="Net computes other numbers"),
    Kind("identity", "factor = uuid.uuid4().int / 2**128", refused="Net computes other numbers"),
    Kind("clock", "factor = time.time_ns() % 1000 + 1", refused="Net computes other numbers"),
    Kind("files", "factor = float(RNG.random())", file="RNG = np.random.default_rng()",
         refused="Net computes other numbers"),
    Kind("weights", "pass", "nn.init.constant_(self.last.bias, int.from_bytes(os.urandom(4), 'big') / 2**32)",
         refused="makes another last.bias"),
)  # fmt: skip
AT_EVALUATION = (
    Kind("draws", "factor = torch.rand(())", only="True", refused="Net computes other numbers"),
    Kind("drops", "factor = nn.functional.dropout(torch.ones(784))", only="True", refused="at each evaluation"),
    Kind("inside", "images = self.noise(images.flatten(1))", only="True",
         init="self.noise = nn.Sequential(Noise())", refused="Net.noise.0 (Noise) computes other numbers",
         file="from torch import nn\n\n\nclass Noise(nn.Module):\n    def forward(self, images):\n"
              "        return images + np.random.rand()"),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, bench: Bench) -> Bench:
    """A bench with the experiments of this file."""
    own = tmp_path / "own"
    own.mkdir()
    return Bench(write(own, (*SEEDED, *FOREIGN, *AT_EVALUATION)), bench.data, bench.top)


@pytest.mark.check(28, "chance from elsewhere: seeded, or refused beforehand")
def test_usual_sources_of_chance_give_the_same_again_and_after_a_kill(
    check: Check, chance: random.Random, folder: Bench
) -> None:
    kinds = SEEDED if check.full else SEEDED[1:]
    unbroken, again, killed = (
        [folder.run(kind.name, folder.top / name) for kind in kinds] for name in ("unbroken", "again", "killed")
    )
    folder.work([folder.job(run) for run in [*unbroken, *again]])
    at = f"epoch:trained#{chance.randint(2, 4)}"
    folder.work([Broken(folder.job(run), at) for run in killed], by=train_and_die)
    folder.work([folder.job(run) for run in killed])

    for one, other, resumed in zip(unbroken, again, killed, strict=True):
        with check.case(2):
            assert told(one) == told(other) == told(resumed), at


@pytest.mark.check(28, "chance from elsewhere: seeded, or refused beforehand")
def test_chance_that_no_seed_governs_is_refused_before_an_epoch_is_trained(
    check: Check, chance: random.Random, folder: Bench
) -> None:
    every = (*FOREIGN, *AT_EVALUATION)
    kinds = every if check.full else chance.sample(every, 4)
    runs = [folder.run(kind.name, folder.top) for kind in kinds]

    for kind, events in zip(kinds, folder.work([folder.job(run) for run in runs]), strict=True):
        with check.case():
            assert kind.refused in reason(events), (kind.name, events)
            assert reason(events).endswith("(2)"), events
            assert not [event for event in events if event["event"] == "epoch"], kind.name
