"""The cores of a process: by affinity, by the quotas of control groups of both versions, and by the user's word."""

import os

import pytest

from suite.execute import cores
from suite.execute.cores import OpenFiles, available_cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of eight cores, whose kernel's files lie in a folder; write them by their names."""
    monkeypatch.delenv(cores.VARIABLE, raising=False)
    monkeypatch.setattr(cores, "PROCESS", tmp_path / "proc")
    monkeypatch.setattr(cores, "_affinity", lambda: 8)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("cpu_", "cpu.")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.replace("HERE", str(tmp_path)).encode())
        return tmp_path

    return write


V2 = {"proc__cgroup": "0::/pod/box\n", "proc__mountinfo": "30 20 0:26 / HERE/fs rw,nosuid - cgroup2 cgroup2 rw\n"}
V1 = {
    "proc__cgroup": "9:memory:/x\n3:cpu,cpuacct:/docker/abc\n0::/\n",
    "proc__mountinfo": "31 20 0:27 /docker/abc HERE/cpu ro - cgroup cgroup rw,cpu,cpuacct\n",
}


def test_without_control_groups_it_is_the_affinity(machine):
    machine()

    assert available_cores() == 8


@pytest.mark.parametrize(
    ("quota", "wanted"),
    [("150000 100000", 2), ("200000 100000", 2), ("1000 100000", 1), ("900000 100000", 8), ("max 100000", 8)],
)
def test_a_quota_of_version_2_is_rounded_up(machine, quota, wanted):
    machine(**V2, fs__pod__box__cpu_max=f"{quota}\n")

    assert available_cores() == wanted


def test_a_quota_of_any_group_above_holds_too(machine):
    machine(**V2, fs__pod__box__cpu_max="max 100000\n", fs__pod__cpu_max="400000 100000\n", fs__cpu_max="700000 100000")

    assert available_cores() == 4


@pytest.mark.parametrize(("quota", "wanted"), [("250000", 3), ("-1", 8)])
def test_a_quota_of_version_1_is_rounded_up(machine, quota, wanted):
    files = {"cpu__cpu_cfs_quota_us": f"{quota}\n", "cpu__cpu_cfs_period_us": "100000\n"}
    machine(**V1, **files)

    assert available_cores() == wanted


def test_a_group_outside_of_what_is_mounted_is_looked_for_at_the_mount(machine):
    machine(**{**V2, "proc__cgroup": "0::/../../elsewhere\n"}, fs__cpu_max="300000 100000\n")

    assert available_cores() == 3


@pytest.mark.parametrize(
    "odd", [b"", b"\xff\xfe", b"1", b"0 0", b"5 0", b"max", b"-1 100000", b"a b", b"9" * 40, b"1\n"]
)
def test_an_odd_quota_is_no_quota(machine, odd):
    machine(**V2, fs__pod__box__cpu_max=odd)

    assert available_cores() == 8


@pytest.mark.parametrize("name", ["proc__cgroup", "proc__mountinfo"])
@pytest.mark.parametrize(
    "odd", [b"", b"\xff:\xfe", b"0::", b"::::\n\n:", b"0", b"a - b", b"1 2 3 4 5 - cgroup2", b"\0"]
)
def test_odd_files_of_the_kernel_raise_nothing(machine, name, odd):
    machine(**{**V2, name: odd})

    assert available_cores() == 8


def test_a_file_that_cannot_be_read_raises_nothing(machine):
    folder = machine(**V2)
    (folder / "fs/pod/box/cpu.max").mkdir(parents=True)

    assert available_cores() == 8


@pytest.mark.parametrize(("said", "wanted"), [("3", 3), ("12", 12), ("0", 1), ("-2", 1), ("default", 1), ("", 1)])
def test_the_users_word_decides_if_it_is_a_number(machine, monkeypatch, said, wanted):
    machine(**V2, fs__cpu_max="100000 100000")
    monkeypatch.setenv(cores.VARIABLE, said)

    assert available_cores() == wanted


def test_pythons_own_count_is_used_where_there_is_one(monkeypatch):
    monkeypatch.setattr(os, "process_cpu_count", lambda: 5, raising=False)

    assert cores._affinity() == 5


def test_on_this_machine_it_is_between_one_and_the_affinity(monkeypatch):
    monkeypatch.delenv(cores.VARIABLE, raising=False)

    assert 1 <= available_cores() <= cores._affinity()


def test_as_many_files_may_be_open_as_the_system_allows_until_the_jobs_are_done():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        files = OpenFiles()
        during = resource.getrlimit(resource.RLIMIT_NOFILE)
        files.restore()

        assert during[0] >= 2 * files.jobs > 256
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
