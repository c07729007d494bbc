"""A real Slurm of one node on this machine, from Debian's packages, with all its files in one folder."""

import os
import platform
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm"}
SEARCHED = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
NODE = platform.node().partition(".")[0]

# No control groups and no accounting: a container has neither. A task that was put back may start again after 5 s
# (`cred_expire`), not after two minutes. What is killed gets 2 s to end.
CONFIGURATION = """
ClusterName=suite
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters={parameters}
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
NodeName={node} NodeAddr=127.0.0.1 CPUs=2 {more} State=UNKNOWN
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE OverTimeLimit=0 State=UP
"""


@dataclass(frozen=True)
class Cluster:
    """The running cluster."""

    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What a command needs to find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def do(self, *words: str) -> str:
        """What a command of Slurm prints; it must succeed."""
        environment = {**os.environ, **self.variables}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    def tasks(self, *states: str) -> list[str]:
        """The tasks in these states, as `ARRAY_TASK`."""
        words = ("squeue", "--noheader", "--array", "--format=%F_%K", f"--states={','.join(states) or 'all'}")
        return sorted(self.do(*words).split())


def started_slurm(folder: Path, parameters: str = "CR_Core", node: str = "") -> Iterator[Cluster]:
    """Start the cluster in this folder, and stop it with all its tasks at the end.

    `parameters` say of what it keeps account, and `node` what more its node has.
    """
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=SEARCHED) is None:
            pytest.skip(f"{program} is not installed (Debian's package {package})")
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir()
    (folder / "munge").chmod(0o711)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(256))
    key.chmod(0o400)
    facts = {
        "parameters": parameters,
        "more": node,
        "node": NODE,
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "folder": folder,
    }
    ports = dict(zip(("controller", "daemon"), _free_ports(2), strict=True))
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**facts, **ports))
    cluster = Cluster(folder)
    munge = [f"--{name}-file={folder}/munge/{name}" for name in ("key", "pid", "log", "seed")]
    with ExitStack() as running:
        running.enter_context(
            daemon(folder, "munged", "--foreground", "--force", f"--socket={folder}/munge/socket", *munge)
        )
        wait_until(lambda: (folder / "munge" / "socket").exists())
        for name in ("slurmctld", "slurmd"):
            running.enter_context(daemon(folder, name, "-D", "-f", str(folder / "slurm.conf")))
        wait_until(lambda: "idle" in cluster.do("sinfo", "--noheader", "--format=%T"))
        try:
            yield cluster
        finally:
            cluster.do("scancel", "--user", str(facts["user"]))
            wait_until(lambda: not cluster.tasks("PENDING", "RUNNING", "COMPLETING"))


@contextmanager
def daemon(folder: Path, program: str, *words: str) -> Iterator[None]:
    """Start a daemon in the foreground, and end it."""
    command = [str(shutil.which(program, path=SEARCHED)), *words]
    with open(folder / f"{program}.out", "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until(happened: Callable[[], object], seconds: float = 120) -> None:
    """Wait until it has happened; fail if it does not."""
    until = time.monotonic() + seconds
    while not _tried(happened):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def _tried(happened: Callable[[], object]) -> object:
    try:
        return happened()
    except subprocess.CalledProcessError:  # the controller does not answer yet
        return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
