"""A real Ray cluster on this machine: a head without cores and two nodes, each with a file system view of its own."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from tests.conftest import ROOT, plain_environment

STORE = 100 << 20  # bytes of an object store, nearly the smallest that Ray takes
RAY = [sys.executable, "-m", "ray.scripts.scripts"]
# Ray lowers the priority of its workers, and kills them where a machine has little memory left. The tests share theirs.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_worker_niceness": "0",
         "RAY_memory_monitor_refresh_ms": "0"}  # fmt: skip
START = 600  # seconds in which a node must run: other tests may have the cores

# A network namespace that has nothing but loopback: Ray listens on all addresses, and there are no others.
LOOPBACK = """
import fcntl, socket, struct, time
with socket.socket() as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
print("up", flush=True)
time.sleep(1 << 20)
"""
CACHE = platformdirs.user_cache_path("suite-benchmark")
KERNELS = CACHE / "kernels"  # at the same place on all nodes: Numba finds compiled code by its path, or takes 20 s
KEPT = f"{sys.prefix} {ROOT} {KERNELS}"  # what a node sees although it is below a folder that is empty there

# In a mount namespace: the folders that driver and other nodes have are empty there, and its own are elsewhere. The
# program itself stays, also where it lies below one of them, as the environment of `.ci/run` does.
ALONE = """
set -e
mount --make-rprivate /
mount -t tmpfs none /mnt
n=0; for place in $KEPT; do n=$((n + 1)); mkdir /mnt/$n; mount --bind "$place" /mnt/$n; done
for place in "$@"; do mkdir -p "$place"; mount -t tmpfs -o mode=1777 none "$place"; done
n=0; for place in $KEPT; do n=$((n + 1)); mkdir -p "$place"; mount --move /mnt/$n "$place"; done
exec $COMMAND
"""


def can_unshare() -> bool:
    """Whether this user may make mount namespaces."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-m", "-n", "-p", "-f", "true"], capture_output=True).returncode == 0


@dataclass
class Node:
    """A node's `ray start --block`, and everything below it."""

    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """All processes of the node, its own first."""
        parents = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def send(self, number: int) -> None:
        """Send a signal to all of them."""
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # it has ended meanwhile

    def kill(self) -> None:
        """End the node as a power cut would, as seen by the others."""
        self.send(signal.SIGKILL)
        self.process.wait()


@dataclass
class Cluster:
    """A head on loopback, with no cores of its own, and nodes that are added."""

    folder: Path  # of the head; its path must be short, for a socket's
    hidden: list[Path]  # folders that no node sees
    token: str | None = field(default_factory=lambda: secrets.token_hex(32))
    nodes: list[Node] = field(default_factory=list)
    port: int = 6379
    settings: dict[str, str] = field(default_factory=dict)  # Ray's own, as variables of all its programs

    def __post_init__(self) -> None:
        """Start the head."""
        holds = ["unshare", "-n", sys.executable, "-c", LOOPBACK]
        self._net = subprocess.Popen(holds, stdout=subprocess.PIPE)
        assert self._net.stdout
        assert self._net.stdout.readline() == b"up\n"
        self._logs = self.folder / "logs"
        self._logs.mkdir()
        self.head = self._start(["--head", f"--port={self.port}", "--num-cpus=0", "--include-dashboard=false",
                                 f"--temp-dir={self.folder / 'ray'}"])  # fmt: skip
        try:
            self._wait(0)
        except BaseException:
            self.stop()
            raise

    @property
    def address(self) -> str:
        """What `--address` takes."""
        return f"127.0.0.2:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a driver needs to join it."""
        return {"RAY_AUTH_TOKEN": self.token} if self.token else {}

    def add(self, cores: int = 1, *words: str, **variables: str) -> Node:
        """Start a node; `words` are further ones for `ray start`."""
        node = self._start([f"--address={self.address}", f"--num-cpus={cores}", *words], **variables)
        self.nodes.append(node)
        return node

    @property
    def inside(self) -> list[str]:
        """What a command begins with to be in the cluster's network."""
        return ["nsenter", f"--target={self._net.pid}", "--net", "--"]

    def wait(self) -> None:
        """Wait until all nodes run."""
        for number in range(len(list(self._logs.iterdir()))):
            self._wait(number)

    def stop(self) -> None:
        """End all of it."""
        for node in [*self.nodes, self.head]:
            node.send(signal.SIGCONT)
            node.kill()
        with self._net as net:
            net.kill()

    def _start(self, words: list[str], **variables: str) -> Node:
        number = len(list(self._logs.iterdir()))
        command = [*RAY, "start", "--block", f"--node-ip-address=127.0.0.{number + 2}",
                   f"--object-store-memory={STORE}", *words]  # fmt: skip
        head = "--head" in words
        home = self.folder / "home" if head else Path("/tmp/home")
        own = {"HOME": str(home), "COMMAND": " ".join(command), "KEPT": KEPT}
        if head:
            home.mkdir()
            own["XDG_CACHE_HOME"] = str(home / "cache")
        else:
            KERNELS.mkdir(parents=True, exist_ok=True)
            own["XDG_CACHE_HOME"] = str(CACHE.parent)
            command = [
                "unshare",
                "-m",
                "-p",
                "-f",
                "--mount-proc",
                "--kill-child",
                "sh",
                "-c",
                ALONE,
                "sh",
                "/tmp",
                "/dev/shm",
                str(CACHE),
                *map(str, self.hidden),
            ]
        waits = {"RAY_raylet_start_wait_time_s": str(START)}  # Ray's own limit is 30 s
        environment = {**plain_environment(), **QUIET, **waits, **self.settings, **self.environment, **own, **variables}
        if not self.token:
            environment["RAY_AUTH_MODE"] = "disabled"
        with open(self._logs / str(number), "wb") as log:
            return Node(
                subprocess.Popen(
                    [*self.inside, *command], cwd="/", env=environment, stdout=log, stderr=log, start_new_session=True
                )
            )

    def _wait(self, number: int) -> None:
        """Until a node says that it runs."""
        until = time.monotonic() + START
        while time.monotonic() < until:
            if "Ray runtime started" in (self._logs / str(number)).read_text():
                return
            time.sleep(0.1)
        raise RuntimeError((self._logs / str(number)).read_text())
