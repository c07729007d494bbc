"""Which processes listen, which connect, and the UI as a process. All is read from the system, not from the suite."""

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
MISTRUSTED = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST")  # with one of these MLflow sends no telemetry anyway

# Every Python process loads this at its start. It logs each address that is looked up, connected to or sent to.
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
    """Commands of a workspace whose Python processes log every address that they call."""

    workspace: Workspace
    folder: Path

    def environment(self) -> dict[str, str]:
        """The environment of a user. Here MLflow would send telemetry if the suite did not turn it off."""
        (self.folder / "sitecustomize.py").write_text(GUARD)
        ours = {name: value for name, value in self.workspace.environment.items() if name not in MISTRUSTED}
        path = f"{self.folder}{os.pathsep}{ours['PYTHONPATH']}"
        return {**ours, "PYTHONPATH": path, "GUARD_LOG": str(self.folder / "calls")}

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command and do not wait for it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.workspace.home, env=self.environment(), stdout=pipe, stderr=pipe, text=True,
            start_new_session=True,
        )  # fmt: skip

    def calls(self) -> list[str]:
        """All calls that were logged so far."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []


def leaves_the_machine(call: str) -> bool:
    """Whether a logged call was for another machine."""
    _, _, whom = call.partition(" ")
    if whom in ("", "None", "localhost") or whom.startswith(("/", "\0")):  # a path belongs to a local socket
        return False
    try:
        return not ip_address(whom).is_loopback
    except ValueError:
        return True


def traced_away(trace: str) -> list[str]:
    """The lines of strace that are calls to another machine."""
    near = ("sa_family=AF_UNIX", "sa_family=AF_NETLINK", 'inet_addr("127.0.0.1")', '"::1"', "sa_family=AF_UNSPEC")
    return [line for line in trace.splitlines() if "sa_family=" in line and not any(word in line for word in near)]


@dataclass(frozen=True)
class Server:
    """A started `suite ui` and the lines that it printed until it was ready."""

    process: "subprocess.Popen[str]"
    lines: list[str]

    @property
    def port(self) -> int:
        """The port of the address that it printed."""
        [link] = [line for line in self.lines if line.startswith("All runs, as a table:")]
        return int(link.partition("http://")[2].partition("/")[0].rpartition(":")[2])

    def end(self) -> tuple[int, str, str]:
        """Send Ctrl-C to the whole process group, as a terminal does. Returns exit code, rest of stdout, and stderr."""
        os.killpg(self.process.pid, signal.SIGINT)
        out, err = self.process.communicate(timeout=DOWN)
        return self.process.returncode, out, err


def until_ready(process: "subprocess.Popen[str]") -> Server:
    """Wait until the UI says that it is ready; returns it."""
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.rstrip("\n"))
        if line.startswith("Ctrl-C"):
            return Server(process, lines)
    raise AssertionError((lines, process.communicate()))


@contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """End it, so that it does not live longer than the test."""
    try:
        yield process
    finally:
        if process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                os.killpg(process.pid, signal.SIGTERM)  # works even if pytest was started with Ctrl-C ignored
                process.communicate(timeout=DOWN)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """All child processes of a process, and their children."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def runs(pid: int) -> bool:
    """Whether it still runs. A zombie counts as ended: where process 1 collects no orphans, they stay zombies."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def listens(pids: list[int]) -> set[tuple[str, int]]:
    """The addresses (hexadecimal, as the system shows them) and ports on which these processes listen."""
    inodes = {os.readlink(name)[8:-1] for pid in pids for name in _sockets(pid)}
    return {place for place, inode in _listeners() if inode in inodes}


def listeners(port: int) -> set[str]:
    """The addresses on which some process listens at this port."""
    return {address for (address, number), _ in _listeners() if number == port}


def _sockets(pid: int) -> Iterator[str]:
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if os.readlink(path).startswith("socket:["):
                yield str(path)


def _listeners() -> Iterator[tuple[tuple[str, int], str]]:
    """Listening TCP sockets and bound UDP sockets: (address, port) and inode."""
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for row in map(str.split, Path(f"/proc/net/{name}").read_text().splitlines()[1:]):
            if row[3] == LISTENING or name.startswith("udp"):
                address, _, port = row[1].partition(":")
                yield (address, int(port, 16)), row[9]


def ask(port: int, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, str]:
    """Status and body of the answer of 127.0.0.1 to a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
