"""What a job gets of its machine: how many fit, and in which words too much is refused."""

import os
import queue
from dataclasses import dataclass

import pytest

from suite.api.engines import share_asked
from suite.errors import SuiteError
from suite.execute import ray_node
from suite.execute.executor import Ended
from suite.execute.ray_machines import resources
from suite.execute.share import ONE, UNITS, Machine, Share, shown
from suite.execute.slurm import Slurm

G = UNITS["G"]
SMALL, LARGE = Machine("n1", 2, 8 * G, 0), Machine("n2", 16, 4 * G, 2)


@pytest.mark.parametrize(("share", "small", "large"), [
    (ONE, 2, 16),
    (Share(cores=3), 0, 5),
    (Share(memory=3 * G), 2, 1),
    (Share(gpus=1), 0, 2),
    (Share(gpus=2), 0, 1),
    (Share(gpus=0.25), 0, 8),
    (Share(gpus=0.3), 0, 6),  # three share a GPU; the tenths that are left of both are no third GPU
    (Share(gpus=0.7), 0, 2),
    (Share(cores=4, memory=G, gpus=0.5), 0, 4),
])  # fmt: skip
def test_a_machine_does_as_many_at_once_as_fit(share, small, large):
    assert (share.places(SMALL), share.places(LARGE)) == (small, large)


@pytest.mark.parametrize(("share", "words"), [
    (Share(cores=17), "--cores-per-run 17: no machine of the cluster has so much, the most is 16 (n2)"),
    (Share(memory=9 * G), "--memory 9G: no machine of the cluster has so much, the most is 8G (n1)"),
    (Share(gpus=3), "--gpus 3: no machine of the cluster has so much, the most is 2 (n2)"),
    (Share(cores=4, memory=6 * G), "--cores-per-run 4 --memory 6G: no machine of the cluster has all of it "
                                   "(n1: 2 cores, 8G, 0 GPUs; n2: 16 cores, 4G, 2 GPUs)"),
])  # fmt: skip
def test_what_no_machine_has_is_named_with_what_they_have(share, words):
    assert share.too_much([SMALL, LARGE]) == words


@pytest.mark.parametrize("machines", [[], [SMALL, LARGE]])
def test_what_one_machine_has_is_not_refused_and_of_no_machine_nothing_is_said(machines):
    assert Share(cores=16, memory=G, gpus=0.5).too_much(machines) is None


def test_what_a_user_asks_for_is_read():
    assert share_asked(None, None, None) == ONE
    assert share_asked(2, "1.5G", 0.25) == Share(2, 3 * G // 2, 0.25)
    assert share_asked(None, 3 * G, 2.0) == Share(1, 3 * G, 2)
    assert {share_asked(None, word, None).memory for word in ("2G", "2GB", "2GiB", "2048M")} == {2 * G}


@pytest.mark.parametrize(("asked", "option"), [
    ((0, None, None), "--cores-per-run"),
    ((None, "2", None), "--memory"),  # bytes for Ray, megabytes for Slurm
    ((None, "much", None), "--memory"),
    ((None, "0G", None), "--memory"),
    ((None, -1, None), "--memory"),
    ((None, None, 0.0), "--gpus"),
    ((None, None, 1.5), "--gpus"),
    ((None, None, 0.00001), "--gpus"),
    ((None, None, float("nan")), "--gpus"),
])  # fmt: skip
def test_what_is_no_share_is_refused(asked, option):
    with pytest.raises(SuiteError, match=f"^{option}: ") as refused:
        share_asked(*asked)

    assert refused.value.code == 2


def test_sizes_are_shown_rounded_down():
    assert [shown(size) for size in (1536, 3 * G // 2, 2 * G - 1, 5 << 40)] == ["1.5K", "1.5G", "1.9G", "5T"]


def test_ray_is_told_what_is_asked_and_no_more():
    assert resources(ONE) == {"num_cpus": 1}
    assert resources(Share(2, G, 0.25)) == {"num_cpus": 2, "memory": G, "num_gpus": 0.25}


@pytest.mark.parametrize(("options", "share", "name"), [
    (("--partition=gpu",), Share(2, G, 1), None),
    (("--cpus-per-task=4",), Share(memory=G), "cpus-per-task"),
    (("--mem-per-cpu=1G",), Share(memory=G), "mem-per-cpu"),
    (("--mem-per-cpu=1G",), Share(cores=2), None),
    (("--gpus=1",), Share(gpus=1), "gpus"),
    (("--gres=shard:1",), Share(gpus=1), "gres"),
    (("--gr=gpu:1",), Share(gpus=1), "gr"),  # sbatch takes the beginning of a name
])  # fmt: skip
def test_the_same_is_not_asked_of_slurm_twice(options, share, name):
    assert Slurm(options).said_twice(share) == name


@dataclass(frozen=True)
class Devices:
    """Jobs that tell which GPUs they see."""

    preload: str = "suite.execute.executor"

    def work(self, value, emit):
        emit((value, os.environ.get("CUDA_VISIBLE_DEVICES")))


@pytest.mark.commands
@pytest.mark.parametrize("order", [("0", "1"), ("1", "0")])
def test_a_job_has_the_gpu_of_its_bundle_though_the_processes_server_began_with_another(order, monkeypatch):
    told = queue.SimpleQueue()
    for gpu in order:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpu)
        ray_node._work(Devices(), [gpu], told)

    events = [told.get() for _ in range(told.qsize())]
    assert [one[1] for one in events if isinstance(one, tuple) and not isinstance(one[1], Ended)] == [
        (gpu, gpu) for gpu in order
    ]
