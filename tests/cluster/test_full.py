"""A cluster whose object stores are full, and data that no store holds: runs end as on this machine, or in one line."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.cluster.clusters import STORE, Cluster
from tests.cluster.conftest import Driver
from tests.cluster.test_faults import recorded
from tests.cluster.test_runs import numbers
from tests.conftest import answer_of, plain_environment

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full,
              pytest.mark.timeout(1800)]  # fmt: skip
WORDS = ("run", "slow", "--data", "digits", "--epochs", "3", "--seeds", "3", "--no-report")

# Holds arrays in the store of each machine, and looks at them, so that none can be moved to the disk.
FILLER = """
import sys
import numpy, ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

@ray.remote(num_cpus=0)
class Holder:
    def fill(self, size):
        self.kept, self.seen, step = [], [], size // 20
        while step > 50_000 and len(self.kept) < 24:
            try:
                self.kept.append(ray.put(numpy.full(step, 7, numpy.uint8)))
                self.seen.append(ray.get(self.kept[-1]))
            except (ray.exceptions.ObjectStoreFullError, ray.exceptions.OutOfDiskError):
                step //= 4
        return sum(one.nbytes for one in self.seen)

ray.init(address=sys.argv[1], log_to_driver=False)
nodes = [one["NodeID"] for one in ray.nodes() if one["Alive"]]
holders = [Holder.options(scheduling_strategy=On(node, soft=False)).remote() for node in nodes]
print(min(ray.get([one.fill.remote(int(sys.argv[2])) for one in holders])), len(nodes), flush=True)
sys.stdin.read()
"""


@contextmanager
def filled(cluster: Cluster) -> Iterator[int]:
    """The stores of all machines of the cluster are full; gives the fewest bytes that one of them holds."""
    environment = {**plain_environment(), **cluster.environment, "RAY_AUTH_MODE": "token"}
    command = [*cluster.inside, sys.executable, "-c", FILLER, cluster.address, str(STORE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as filler:
        assert filler.stdout
        held, nodes = filler.stdout.readline().split()
        assert int(nodes) == 1 + len(cluster.nodes)
        yield int(held)
        filler.send_signal(signal.SIGKILL)


def test_full_object_stores_change_no_number(home, driver, cluster):
    here, there = home("local"), driver("full")
    local = answer_of(here.start(*WORDS))
    with filled(cluster) as held:
        answer = answer_of(there.start(*WORDS))

    assert held > STORE  # the rest is on the disk
    assert (local.code, answer.code) == (0, 0), (local, answer)
    assert numbers(there.home.results()) == numbers(here.results())
    assert recorded(there.home) == ["slow-s0", "slow-s1", "slow-s2"]


def test_a_data_set_that_is_larger_than_the_stores_travels_all_the_same(home, driver, places):
    chance = np.random.default_rng(0)
    count = STORE // 784 + 5_000
    data = places / "large.npz"
    labels = np.arange(count, dtype=np.int64) % 10
    images = chance.integers(0, 30, (count, 28, 28), np.uint8) + 20 * labels[:, None, None].astype(np.uint8)
    np.savez(data, x_train=images, y_train=labels, x_test=images[:1_000], y_test=labels[:1_000])
    words = ("run", "slow", "--data", f"npz:{data}", "--set", "batch_size=5000", "--epochs", "1", "--seeds", "2",
             "--no-report")  # fmt: skip
    here, there = home("local-large"), driver("large")
    local, answer = answer_of(here.start(*words)), answer_of(there.start(*words))

    assert (local.code, answer.code) == (0, 0), (local, answer)
    assert numbers(there.home.results()) == numbers(here.results())


def test_a_store_and_a_disk_that_are_full_are_one_line_and_the_same_command_continues(home, places):
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    cramped = Cluster(folder, [places], settings={"RAY_local_fs_capacity_threshold": "0.00001"})
    try:
        cramped.add()
        cramped.wait()
        there = Driver(cramped, home("cramped"))
        with filled(cramped) as held:
            answer = answer_of(there.start(*WORDS))
        again = answer_of(there.start(*WORDS))
    finally:
        cramped.stop()

    assert STORE / 2 < held <= STORE
    assert (answer.code, again.code) == (3, 0), (answer, again)
    assert "digits has no room in this machine's object store of Ray, nor on its disk." in answer.err
    assert answer.err.count("\n") == 1
    assert recorded(there.home) == ["slow-s0", "slow-s1", "slow-s2"]
