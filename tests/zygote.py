"""Commands in processes forked from one that has loaded the libraries: torch and MLflow take six seconds to load.

Such a command is a process like any other: its own pid, session, environment, folder and streams, and nothing that
another command has left. Only its libraries were loaded before. So variables that libraries read while they are loaded
need a new interpreter: `not_served` says which. Its fork server is forked likewise.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from suite.engine import exact

ROOT = Path(__file__).parent.parent
LATE = (  # read when they are used; BUILT, NAP and HELD_AT by the tests' own experiments
    "SUITE_", "MLFLOW_TRACKING_URI", "TMPDIR", "XDG_CACHE_HOME", "PATH", "PYTEST_", "BUILT", "NAP", "HELD_AT",
    "GIT_CONFIG_",
)  # fmt: skip

INSIDE = (  # what the suite's functions load when they are called
    "alembic.config", "jinja2", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib.figure", "matplotlib.font_manager", "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.utils.search_logged_model_utils", "optuna.importance", "pandas", "PIL.PngImagePlugin", "rich.progress",
    "rich.table", "safetensors.numpy", "scipy.stats", "sqlalchemy.dialects.sqlite",
)  # fmt: skip


class Forked:
    """A command that runs, with what tests use of `subprocess.Popen`."""

    def __init__(self, args: Sequence[str], told: socket.socket, out: int, err: int) -> None:
        self.args, self._told = args, told
        self.stdout, self.stderr = (open(number, encoding="utf-8") for number in (out, err))  # noqa: SIM115
        self.returncode: int | None = None
        self.pid = int(_line(told))

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the command runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = int(_line(self._told))
                self._told.close()
            except (BlockingIOError, TimeoutError):
                pass
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it printed until its end."""
        streams, said = (self.stdout, self.stderr), {}
        readers = [Thread(target=lambda one=one: said.update({one: one.read()}), daemon=True) for one in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        for stream in streams:
            stream.close()
        return said[self.stdout], said[self.stderr]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr):
            stream.close()
        self.wait()


class Zygote:
    """The process that has loaded everything; it ends with this one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self.environment = _early(environment)
        command = [sys.executable, "-c", f"from tests.zygote import serve; serve({theirs.fileno()})"]
        environment = {**self.environment, **exact.ENVIRONMENT}  # what a worker's libraries find when they are loaded
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[theirs.fileno()], **streams)
        theirs.close()

    def close(self) -> None:
        """Let it end; the commands that still run go on."""
        self._socket.close()
        self._process.wait()

    def not_served(self, environment: Mapping[str, str]) -> set[str]:
        """The names of the variables that need a new interpreter.

        If there are none, a command in this environment finds the libraries as it would load them itself.
        """
        return {name for name, _ in _early(environment).items() ^ self.environment.items()}

    def start(self, words: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Forked:
        """Give `python -m suite` these words and go on."""
        told, tells = socket.socketpair()
        (out, writes_out), (err, writes_err) = os.pipe(), os.pipe()
        facts = json.dumps({"words": list(words), "cwd": str(cwd), "environment": dict(environment)}).encode()
        socket.send_fds(self._socket, [facts], [tells.fileno(), writes_out, writes_err])
        tells.close()
        os.close(writes_out)
        os.close(writes_err)
        return Forked(["python", "-m", "suite", *words], told, out, err)


def _early(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that libraries may read while they are loaded; Python looks for them here first."""
    late = exact.ENVIRONMENT.items()  # with these it was started itself
    early = {name: value for name, value in environment.items() if not name.startswith(LATE)}
    return {"PYTHONPATH": str(ROOT), **{name: value for name, value in early.items() if (name, value) not in late}}


def _line(told: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\n"):
        more = told.recv(1)
        assert more, "the process that starts commands is gone"
        said += more
    return said


def serve(number: int) -> None:
    """Load what commands load, then fork one for each message."""
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=number) as asked:
        while True:
            facts, streams, _, _ = socket.recv_fds(asked, 1 << 20, 3)
            if not facts:
                return
            if os.fork() == 0:
                asked.close()
                _keep(json.loads(facts), *streams)
            for stream in streams:
                os.close(stream)


def load() -> None:
    """Load the suite, and what its functions load when they are called."""
    import suite
    from suite.tracking import store

    store.configure()
    store._load_mlflow()
    for found in pkgutil.walk_packages(suite.__path__, "suite."):
        if found.name != "suite.__main__":
            importlib.import_module(found.name)
    for name in INSIDE:
        importlib.import_module(name)
    forget_torchs_end()
    gc.freeze()  # else each process that is forked has its own copy of every page, as soon as it looks for cycles


def forget_torchs_end() -> None:
    """Let forked commands end as a user's do, who have not loaded torch: its tidying up takes 0.1 s of the processor."""
    from torch._dynamo.utils import dump_compile_times

    atexit.unregister(dump_compile_times)
    for library in weakref.finalize._registry:
        library.atexit = False


def _keep(facts: dict[str, Any], tells: int, out: int, err: int) -> None:
    """Fork the command, tell its pid and, when it has ended, its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if (pid := os.fork()) == 0:
        os.close(tells)
        _become(facts, out, err)
    os.close(out)
    os.close(err)
    os.write(tells, b"%d\n" % pid)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(tells, b"%d\n" % code)
    os._exit(0)


def _become(facts: dict[str, Any], out: int, err: int) -> None:
    """Be the command until its end."""
    import multiprocessing.util
    import random
    import runpy

    os.setsid()
    for number, stream in ((1, out), (2, err)):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(facts["cwd"])
    os.environ.clear()
    os.environ.update(facts["environment"])
    random.seed()
    sys.path[0] = facts["cwd"]
    sys.argv = ["suite", *facts["words"]]
    multiprocessing.util.spawnv_passfds = _forking(multiprocessing.util.spawnv_passfds)
    try:
        runpy.run_module("suite", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _forking(spawn: Any) -> Any:
    """`spawn`, but Python's fork server is forked, with the files that it is to inherit."""

    def start(path: bytes, args: Sequence[str], passed: Sequence[int]) -> int:
        if "multiprocessing.forkserver" not in args[-1]:
            return int(spawn(path, args, passed))
        if pid := os.fork():
            return pid
        keep = sorted({0, 1, 2, *map(int, passed)})
        for below, above in zip(keep, [*keep[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(below + 1, above)
        for one in signal.Signals:
            if callable(signal.getsignal(one)):  # a handler of the command's: it has none after an exec
                signal.signal(one, signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL)
        code = 0
        try:
            exec(args[-1], {})
        except SystemExit:
            pass
        except BaseException as error:
            sys.excepthook(type(error), error, error.__traceback__)
            code = 1
        os._exit(code)

    return start
