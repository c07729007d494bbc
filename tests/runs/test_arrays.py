"""What the executor on Slurm tells its tasks, and whom it warns."""

import json

import pytest

from suite.errors import SuiteError
from suite.runs.arrays import SlurmArrays
from tests.runs.test_pool import job


@pytest.fixture
def arrays(tmp_path):
    """An executor, and the warnings that it gives."""
    warned: list[str] = []

    def make(*options: str) -> SlurmArrays:
        return SlurmArrays.of(tmp_path, options, None, warned.append, warned.append)

    return make, warned


def test_machines_that_compute_other_numbers_than_earlier_ones_are_named(arrays):
    make, warned = arrays
    make()._compare({"node": "n1", "torch": "a", "kernels": "b"})
    make()._compare({"node": "n2", "torch": "a", "kernels": "b"})
    make()._compare({"node": "n3", "portable": "c"})
    assert warned == []

    make()._compare({"node": "n4", "torch": "a", "kernels": "other"})

    [line] = warned
    assert line.startswith("n4 computes other numbers (kernels) than the machines that trained")


def test_a_task_gets_what_selects_arithmetic_and_no_secret(arrays, monkeypatch):
    for name, value in {
        "MKL_CBWR": "COMPATIBLE", "SUITE_KERNELS": "torch", "MLFLOW_TRACKING_PASSWORD": "hush-7-hush", "OTHER": "x",
        "LD_LIBRARY_PATH": "https://me:hush-8-hush@nowhere/lib",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    settings = arrays[0]()._settings([job()])

    assert settings["environment"]["MKL_CBWR"] == "COMPATIBLE"
    assert settings["environment"]["SUITE_KERNELS"] == "torch"
    assert not {"OTHER", "MLFLOW_TRACKING_PASSWORD"} & {*settings["environment"]}
    assert "hush" not in json.dumps(settings)


@pytest.mark.parametrize(("jobs", "seconds", "same"), [
    ([job()], False, ["torch", "kernels"]),
    ([job(portable=True)], False, ["portable"]),
    ([job(), job(portable=True)], True, ["torch", "kernels", "portable", "cpu"]),
])  # fmt: skip
def test_machines_are_compared_by_what_the_runs_use(arrays, jobs, seconds, same):
    executor = arrays[0]()
    if seconds:
        executor.require_one_kind("--budget seconds")

    assert executor._settings(jobs)["same"] == same


def test_options_are_words_with_or_without_their_dashes(arrays, monkeypatch):
    make, _ = arrays
    assert make("partition=a", "--time=60 exclusive").slurm.options == ("--partition=a", "--time=60", "--exclusive")
    monkeypatch.setenv("SUITE_SLURM_OPTIONS", "comment='two words'")
    assert make().slurm.options == ("--comment=two words",)
    assert make("qos=b").slurm.options == ("--qos=b",)
    for wrong in ("wrap=ls", "clusters=x", "time='", "job.sh", "-p"):
        with pytest.raises(SuiteError, match=r"--slurm-options: .*Give options of sbatch, such as") as refused:
            make(wrong)
        assert refused.value.code == 2
