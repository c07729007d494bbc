"""Who listens, who calls, and the UI as a process: read from the system, not from what the suite says of itself."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.conftest import Workspace

UP, DOWN = 150, 30  # seconds
LISTENING = "0A"
MISTRUSTED = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST")  # where MLflow sends no telemetry anyway

# Loaded by every Python process at its start: writes down whom it looks up, connects to and sends to.
GUARD = """
import os, sys

CALLS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
         "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")

def note(event, arguments, of=os.environ["GUARD_LOG"]):
    if event in CALLS:
        whom = arguments[1] if event in CALLS[:3] else arguments[0]
        whom = whom[0] if isinstance(whom, tuple) else whom
        with open(of, "a") as file:
            file.write(f"{event} {os.fsdecode(whom) if isinstance(whom, bytes) else whom}\\n")

sys.addaudithook(note)
"""


@dataclass(frozen=True)
class Guard:
    """Commands of a workspace whose processes, Python's at least, write down whom they call."""

    workspace: Workspace
    folder: Path

    def environment(self) -> dict[str, str]:
        """A user's environment, in which MLflow would send its telemetry unless told not to."""
        (self.folder / "sitecustomize.py").write_text(GUARD)
        ours = {name: value for name, value in self.workspace.environment.items() if name not in MISTRUSTED}
        path = f"{self.folder}{os.pathsep}{ours['PYTHONPATH']}"
        return {**ours, "PYTHONPATH": path, "GUARD_LOG": str(self.folder / "calls")}

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Give a command and go on."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.workspace.home, env=self.environment(), stdout=pipe, stderr=pipe, text=True,
            start_new_session=True,
        )  # fmt: skip

    def calls(self) -> list[str]:
        """All of the calls so far."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []


def leaves_the_machine(call: str) -> bool:
    """Whether a call of the guard's was for anything but this machine."""
    _, _, whom = call.partition(" ")
    if whom in ("", "None", "localhost") or whom.startswith(("/", "\0")):  # a path is a local socket's
        return False
    try:
        return not ip_address(whom).is_loopback
    except ValueError:
        return True


def traced_away(trace: str) -> list[str]:
    """The lines of strace that are calls to anything but this machine."""
    near = ("sa_family=AF_UNIX", "sa_family=AF_NETLINK", 'inet_addr("127.0.0.1")', '"::1"', "sa_family=AF_UNSPEC")
    return [line for line in trace.splitlines() if "sa_family=" in line and not any(word in line for word in near)]


@dataclass(frozen=True)
class Server:
    """A started `suite ui` and the lines that it printed until it was ready."""

    process: "subprocess.Popen[str]"
    lines: list[str]

    @property
    def port(self) -> int:
        """Of the address that it names."""
        [link] = [line for line in self.lines if line.startswith("All runs, as a table:")]
        return int(link.partition("http://")[2].partition("/")[0].rpartition(":")[2])

    def end(self) -> tuple[int, str, str]:
        """Ctrl-C, as a terminal sends it, to all of its group; returns exit code, what more it printed, and stderr."""
        os.killpg(self.process.pid, signal.SIGINT)
        out, err = self.process.communicate(timeout=DOWN)
        return self.process.returncode, out, err


def until_ready(process: "subprocess.Popen[str]") -> Server:
    """The UI once it says that it is up."""
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            return Server(process, lines)
    raise AssertionError((lines, process.communicate()))


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """See that it does not outlive the test."""
    try:
        yield process
    finally:
        if process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGTERM)  # heard even where pytest was begun with Ctrl-C ignored
                process.communicate(timeout=DOWN)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """The processes beneath one."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def runs(pid: int) -> bool:
    """Whether it does: an orphan that ended stays a zombie where process 1 buries nobody."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def listens(pids: list[int]) -> set[tuple[str, int]]:
    """The addresses, in hexadecimal as the system has them, and the ports on which these processes listen."""
    inodes = {os.readlink(name)[8:-1] for pid in pids for name in _sockets(pid)}
    return {place for place, inode in _listeners() if inode in inodes}


def listeners(port: int) -> set[str]:
    """The addresses on which anyone listens at a port."""
    return {address for (address, number), _ in _listeners() if number == port}


def _sockets(pid: int) -> Iterator[str]:
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if os.readlink(path).startswith("socket:["):
                yield str(path)


def _listeners() -> Iterator[tuple[tuple[str, int], str]]:
    """TCP's sockets that listen and UDP's that are bound: address and port, and inode."""
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for row in map(str.split, Path(f"/proc/net/{name}").read_text().splitlines()[1:]):
            if row[3] == LISTENING or name.startswith("udp"):
                address, _, port = row[1].partition(":")
                yield (address, int(port, 16)), row[9]


def ask(port: int, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str]:
    """Status and body of an answer from 127.0.0.1, for a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
