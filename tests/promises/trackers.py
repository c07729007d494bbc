"""A tracking server that goes away, hangs and comes back: one real MLflow server, with a "door" for each run.

Also a run that sleeps instead of computing, so that its time does not depend on the cores of the machine.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from tests.conftest import Answer, Workspace

SLEEPY = '''"""A linear layer that sleeps before each batch, as long as NAP says."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=500, epochs=7)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import os
    import time

    from torch import nn

    class Sleepy(nn.Linear):
        def forward(self, pixels):
            time.sleep(float(os.environ["NAP"]))
            return super().forward(pixels)

    return nn.Sequential(nn.Flatten(), Sleepy(784, 10))
'''
SETTINGS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
PAGE = Path(__file__).parents[2] / "docs" / "server.md"  # how a user starts a server with a login
NAPS = 18  # sleeps between the ends of its first and its last epoch


def sleeper(folder: Path, name: str, seconds: float, **environment: str) -> Workspace:
    """A new workspace. Its `sleepy` needs so many seconds from the end of the first epoch to the end of the last."""
    home, own = folder / name, folder / f"{name}.own"
    home.mkdir()
    own.mkdir()
    (own / "sleepy.py").write_text(SLEEPY)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(own), "NAP": str(seconds / NAPS), **environment})


def run(
    workspace: Workspace, *words: str, meanwhile: Callable[["subprocess.Popen[str]"], None]
) -> tuple[Answer, float]:
    """Train `sleepy` and do something meanwhile. Returns the answer and the seconds of the command."""
    begun = time.monotonic()
    process = workspace.start("run", "sleepy", "--seeds", "1", "--no-report", *words)
    meanwhile(process)
    out, err = process.communicate(timeout=300)
    return Answer(process.returncode, out, err), time.monotonic() - begun


def wait_for_an_epoch(workspace: Workspace, process: "subprocess.Popen[str]") -> None:
    while process.poll() is None and not list(workspace.home.glob("mlruns/runs/sleepy/*/checkpoint")):
        time.sleep(0.02)


def assert_warned(answer: Answer, *times: int) -> None:
    """The command succeeded. The number of warnings about MLflow is one of `times`."""
    assert answer.code == 0, answer
    lines = answer.err.splitlines()
    assert len(lines) in times, answer
    assert all(line.startswith("suite: MLflow") and "sync" in line for line in lines), answer
    assert "MLflow" not in answer.out.replace("Sending what is missing in MLflow.", "")
    assert "Traceback" not in answer.out + answer.err


class Door:
    """A port in front of the server. Open, it passes data on; shut, it refuses; hanging, it gives no answer."""

    def __init__(self, target: int) -> None:
        self._target, self._flows = target, threading.Event()
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self.port = 0
        self.open()
        self.shut()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Pass on new and waiting connections."""
        self._listen()
        self._flows.set()

    def hang(self) -> None:
        """Accept connections but give no answer, also to those that are open."""
        self._listen()
        self._flows.clear()

    def shut(self) -> None:
        """Refuse new connections and close the open ones, as when a server is killed."""
        self._flows.clear()
        listener, self._listener, ends, self._ends = self._listener, None, self._ends, []
        for one in [listener, *ends] if listener else ends:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=50)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                inside, _ = listener.accept()
                outside = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [inside, outside]
                for ends in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, come_from: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := come_from.recv(1 << 16):
                self._flows.wait()
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


class Server:
    """A real MLflow server on loopback with its own store, or that in another database, `at` its address.

    With a `login`, the administrator's password, it is the one of docs/server.md, and everybody else `may` do there
    what MLflow calls EDIT or READ. What is in `inside` is put before its command.
    """

    def __init__(
        self, folder: Path, at: str = "", login: str = "", may: str = "EDIT", inside: Sequence[str] = ()
    ) -> None:
        self.database, self.artifacts = folder / "server.db", folder / "artifacts" / "1"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._inside, self._folder = [*inside], folder
        self._variables = {**SETTINGS, **(_asking(folder, login, may) if login else {})}
        self._command = [
            *(*inside, sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--backend-store-uri", at or f"sqlite:///{self.database}"),
            *("--artifacts-destination", str(self.artifacts.parent)),
            *(of_the_page()[0] if login else ()),
        ]
        self.start()

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env={**os.environ, **self._variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 180
        while not self._answers():
            assert self._process.poll() is None, "the server did not start"
            assert time.monotonic() < until, "the server did not answer"
            time.sleep(0.2)

    def _answers(self) -> bool:
        if self._inside:  # another network, which this process does not see
            asks = "import sys, urllib.request as request; request.urlopen(sys.argv[1], timeout=2)"
            command = [*self._inside, sys.executable, "-c", asks, f"{self.uri}/health"]
            return subprocess.run(command, capture_output=True).returncode == 0
        try:
            with urlopen(f"{self.uri}/health", timeout=2):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """End the server and its workers as a power cut would."""
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def end(self) -> None:
        """End the server and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, 15)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            os.killpg(self._process.pid, 9)
        self._process.wait()


def of_the_page() -> list[list[str]]:
    """The words of each command that docs/server.md starts a server with: in a shell, a container, and by systemd.

    Without what is a server's own: where it listens, its database and its folder.
    """
    found = re.findall(r"mlflow server (.*?/srv/mlflow/artifacts)", PAGE.read_text(), re.DOTALL)
    own = {"--host", "--port", "--backend-store-uri", "--artifacts-destination"}
    commands = [shlex.split(words.replace("\\\n", " ")) for words in found]
    return [
        [word for pair in zip(words[::2], words[1::2], strict=True) if pair[0] not in own for word in pair]
        for words in commands
    ]


def _asking(folder: Path, login: str, may: str) -> dict[str, str]:
    """The variables of a server with a login, whose settings are the page's, but for what everybody `may` do there."""
    [lines] = re.findall(r"`login.ini`:\n\n((?:    .*\n)+)", PAGE.read_text())
    settings = folder / "login.ini"
    own = textwrap.dedent(lines).replace("/srv/mlflow", str(folder))
    settings.write_text(own.replace("default_permission = EDIT", f"default_permission = {may}"))
    return {
        "MLFLOW_AUTH_ADMIN_PASSWORD": login,
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "for the forms of its pages",
    }


@contextmanager
def server(folder: Path, at: str = "", login: str = "", may: str = "EDIT") -> Iterator[Server]:
    """A server that runs as long as the `with` block."""
    started = Server(folder, at, login, may)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()  # to be ended politely takes it seconds, and nobody needs what it would still write
