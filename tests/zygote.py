"""Python programs in processes forked from one that has loaded the libraries: torch and MLflow take six seconds.

Such a program is a process like any other: its own pid, session, environment, folder and streams, and nothing that
another one has left. Only its libraries were loaded before. So variables that libraries read while they are loaded
need a new interpreter: `not_served` says which. Its fork server is forked likewise. One process serves all workers.
"""

import atexit
import ctypes
import fcntl
import gc
import importlib
import json
import multiprocessing.util
import os
import pkgutil
import re
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

from filelock import FileLock

from suite.engine import exact

ROOT = Path(__file__).parent.parent
LATE = (  # read when they are used; BUILT, NAP and HELD_AT by the tests' own experiments
    "SUITE_", "MLFLOW_TRACKING_", "MLFLOW_HTTP_REQUEST_TIMEOUT", "TMPDIR", "XDG_CACHE_HOME", "PATH", "PYTEST_", "BUILT",
    "NAP", "HELD_AT", "GIT_CONFIG_",
)  # fmt: skip

IGNORABLE = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
INSIDE = (  # what the suite's functions load when they are called
    "alembic.config", "jinja2", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib.figure", "matplotlib.font_manager", "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.utils.search_logged_model_utils", "optuna.importance", "optuna.storages._rdb.models", "pandas",
    "PIL.PngImagePlugin", "PIL.WebPImagePlugin", "rich.progress", "rich.table", "safetensors.numpy", "scipy.stats",
    "sqlalchemy.dialects.sqlite",
)  # fmt: skip

LARGE, COLLAPSE = 2 << 20, 25  # bytes of a large page; MADV_COLLAPSE of <linux/mman.h>
MEMORY = re.compile(r"^(\w+)-(\w+) rw-p \w+ \S+ 0 *(?:\[heap\])?$", re.MULTILINE)  # of no file, as /proc shows it


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
    """A line to the process that has loaded everything; it ends when all such lines are closed."""

    def __init__(self, line: socket.socket, environment: Mapping[str, str]) -> None:
        self._line, self.environment = line, _early(environment)

    @classmethod
    def of_session(cls, environment: Mapping[str, str], folder: Path) -> "Zygote":
        """The one that serves all workers of a session, who share `folder`; the first who asks starts it."""
        name = "\0" + str(folder)[-100:]  # in Linux's abstract name space: no file, no limit to the folder's path
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with FileLock(folder / "zygote.lock"):
            try:
                line.connect(name)
            except ConnectionRefusedError:
                _start_serving(name, environment, folder / "drawn")
                line.connect(name)
        return cls(line, environment)

    def close(self) -> None:
        """Let it end, unless others need it; the programs that still run go on."""
        self._line.close()

    def not_served(self, environment: Mapping[str, str]) -> set[str]:
        """The names of the variables that need a new interpreter.

        If there are none, a program in this environment finds the libraries as it would load them itself.
        """
        return {name for name, _ in _early(environment).items() ^ self.environment.items()}

    def start(
        self, words: Sequence[str], *, cwd: Path, environment: Mapping[str, str], stdin: int | None = None
    ) -> Forked:
        """Give `python` these words, which begin with `-m` or `-c`, and go on."""
        (out, writes_out), (err, writes_err) = os.pipe(), os.pipe()
        streams = [os.open(os.devnull, os.O_RDONLY) if stdin is None else os.dup(stdin), writes_out, writes_err]
        told = self._fork(words, cwd, environment, streams)
        for stream in streams:
            os.close(stream)
        return Forked(["python", *words], told, out, err)

    def start_server(self, code: str, passed: Sequence[int]) -> int:
        """Start Python's fork server for this process: returns the id of a child that lives as long as the server."""
        told = self._fork(["-c", code], Path.cwd(), dict(os.environ), [0, 1, 2], passed)
        _line(told)
        keeper = subprocess.Popen(["sh", "-c", "read code"], stdin=told)
        keeper.returncode = 0  # multiprocessing waits for it by its id
        told.close()
        return keeper.pid

    def _fork(
        self, words: Sequence[str], cwd: Path, environment: Mapping[str, str], streams: Sequence[int],
        passed: Sequence[int] = (),
    ) -> socket.socket:  # fmt: skip
        told, tells = socket.socketpair()
        facts = {
            "words": [*words], "cwd": str(cwd), "environment": dict(environment), "passed": [*passed],
            "ignored": [number for number in IGNORABLE if signal.getsignal(number) is signal.SIG_IGN],
            "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        }  # fmt: skip
        socket.send_fds(self._line, [json.dumps(facts).encode()], [tells.fileno(), *streams, *passed])
        tells.close()
        return told


def _start_serving(name: str, environment: Mapping[str, str], drawn: Path) -> None:
    drawn.mkdir(exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(name)
    listener.listen()
    command = [sys.executable, "-c", f"from tests.zygote import serve; serve({listener.fileno()}, {str(drawn)!r})"]
    environment = {**_early(environment), **exact.ENVIRONMENT}  # what a worker's libraries find when they are loaded
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    own = {"pass_fds": [listener.fileno()], "start_new_session": True, **streams}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **own)
    process.returncode = 0  # nobody waits for it: it may live longer than this worker
    listener.close()


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


def serve(number: int, drawn: str) -> NoReturn:
    """Load what programs load, then fork one for each message, until nobody is there who could send one."""
    from tests.drawn import keep_in

    load()
    keep_in(Path(drawn))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # whoever started this may have blocked it for a moment
    with socket.socket(fileno=number) as listener, selectors.DefaultSelector() as ready:
        _Serving(listener, ready).until_nobody_is_there()
    os._exit(0)  # without tidying up, which takes a second


class _Serving:
    """The lines to those who send messages, and the programs that run; each has one parent, which is this process."""

    def __init__(self, listener: socket.socket, ready: selectors.BaseSelector) -> None:
        self._listener, self._ready = listener, ready
        self._lines: set[socket.socket] = set()
        self._programs: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that says when one has ended
        ready.register(listener, selectors.EVENT_READ)

    def until_nobody_is_there(self) -> None:
        begun = False
        while self._lines or self._programs or not begun:
            for key, _ in self._ready.select():
                if isinstance(key.fileobj, int):
                    self._end(key.fileobj)
                elif key.fileobj is self._listener:
                    line, begun = self._listener.accept()[0], True
                    self._ready.register(line, selectors.EVENT_READ)
                    self._lines.add(line)
                else:
                    self._hear(key.fileobj)

    def _hear(self, line: socket.socket) -> None:
        facts, fds, _, _ = socket.recv_fds(line, 1 << 20, 32)
        if not facts:
            self._ready.unregister(line)
            self._lines.remove(line)
            line.close()
            return
        tells = socket.socket(fileno=fds.pop(0))
        if (pid := os.fork()) == 0:
            others = [theirs for _, theirs in self._programs.values()]
            for one in (tells, self._ready, self._listener, *self._lines, *others):
                one.close()
            for ended in self._programs:
                os.close(ended)
            _become(json.loads(facts), fds)
        for one in fds:
            os.close(one)
        ended = os.pidfd_open(pid)
        self._ready.register(ended, selectors.EVENT_READ)
        self._programs[ended] = pid, tells
        _say(tells, pid)

    def _end(self, ended: int) -> None:
        pid, tells = self._programs.pop(ended)
        _say(tells, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        self._ready.unregister(ended)
        os.close(ended)
        tells.close()


def _say(tells: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):
        tells.send(b"%d\n" % number)


def load() -> None:
    """Load the suite, and what its functions load when they are called. To look for garbage meanwhile takes seconds."""
    gc.disable()
    _load_all()
    _forget_torchs_end()
    gc.freeze()  # else each process that is forked has its own copy of every page, as soon as it looks for garbage
    _in_large_pages()
    gc.enable()


def _load_all() -> None:
    import suite
    from suite.tracking import store

    store.configure()
    store.load_mlflow()
    for found in pkgutil.walk_packages(suite.__path__, "suite."):
        if found.name != "suite.__main__":
            importlib.import_module(found.name)
    for name in INSIDE:
        importlib.import_module(name)


def _forget_torchs_end() -> None:
    """Let forked commands end as a user's do, who have not loaded torch: its tidying up takes 0.1 s."""
    from torch._dynamo.utils import dump_compile_times

    atexit.unregister(dump_compile_times)
    for library in weakref.finalize._registry:
        library.atexit = False


def _in_large_pages() -> None:
    """Ask Linux to hold this process's memory in pages of 2 MiB, so that a fork has fewer of them to note.

    650 MB in pages of 4 KiB cost each fork 50 ms of processor time, in large ones 20 ms. An old Linux refuses, unheard.
    """
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for found in MEMORY.finditer(Path("/proc/self/maps").read_text()):
        first, end = -(-int(found[1], 16) // LARGE) * LARGE, int(found[2], 16) // LARGE * LARGE
        if first < end:
            advise(first, end - first, COLLAPSE)


def _become(facts: dict[str, Any], fds: Sequence[int]) -> None:
    """Be the program until its end."""
    import random

    os.setsid()
    for number in facts["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, facts["blocked"])
    numbers = [0, 1, 2, *facts["passed"]]
    above = [fcntl.fcntl(one, fcntl.F_DUPFD, 1 + max(*numbers, *fds)) for one in fds]
    for one in fds:
        os.close(one)
    for number, one in zip(numbers, above, strict=True):
        os.dup2(one, number)
        os.close(one)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(facts["cwd"])
    os.environ.clear()
    os.environ.update(facts["environment"])
    random.seed()
    sys.path[0] = facts["cwd"]
    kind, what, *words = facts["words"]
    multiprocessing.util.spawnv_passfds = _forking(multiprocessing.util.spawnv_passfds)
    if kind == "-m":
        sys.argv = [what, *words]
        _end_after(lambda: runpy.run_module(what, run_name="__main__", alter_sys=True))
    sys.argv = [kind, *words]
    _end_after(lambda: exec(what, {"__name__": "__main__"}))


def _end_after(program: Callable[[], object]) -> NoReturn:
    """End as the interpreter would after the program; a fork server's child comes back here, too, with a status."""
    code = 0
    try:
        program()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _forking(spawn: Any) -> Any:
    """`spawn`, but what Python's multiprocessing starts is forked, with the files that it is to inherit."""

    def start(path: bytes, args: Sequence[str], passed: Sequence[int]) -> int:
        code, *words = args[[*args].index("-c") + 1 :]
        if "resource_tracker" in code:
            return int(spawn(path, args, passed))
        if pid := os.fork():
            return pid
        keep = sorted({0, 1, 2, *map(int, passed)})
        for below, above in zip(keep, [*keep[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(below + 1, above)
        for one in signal.Signals:
            if callable(signal.getsignal(one)):  # a handler of the command's: it has none after an exec
                signal.signal(one, signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL)
        sys.argv = ["-c", *words]
        _end_after(lambda: exec(code, {"__name__": "__main__"}))

    return start
