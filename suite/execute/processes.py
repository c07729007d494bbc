"""Runs each job in a process of its own, a given number at a time. A job that crashes does not harm the others."""

import errno
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from typing import Any

from suite.execute.executor import Busy, Ended, Work

SERVER_DIED = 255  # multiprocessing's exit code for a process whose fork server died: nobody else would know it
LONGEST = 70  # bytes of a folder's path: a socket's own has at most 103 (macOS) or 107, and 33 of them are the server's
RETRY = 1.0  # seconds until a job that was `Busy` is tried again
PAUSE = 0.2  # seconds that a killed process may need to be gone


@dataclass
class _Child:
    index: int
    process: ForkServerProcess | SpawnProcess
    events: Connection
    silent: bool = False  # its pipe is closed: it can say no more
    orphan: bool = False  # it goes on, though its fork server died


@dataclass(frozen=True)
class LocalProcesses:
    """An `Executor` that runs jobs in processes of this machine, `workers` at a time.

    `environment` has variables for every process. `preload` names a module that the fork server loads once for all of
    them. `require` raises `SuiteError` if this machine cannot run the jobs.
    """

    workers: int
    environment: Mapping[str, str] = field(default_factory=dict)
    preload: str | None = None
    require: Callable[[], None] = lambda: None

    def warm_up(self) -> None:
        """Start the fork server, which loads its modules in the background."""
        self.require()
        start_server(self.environment, self.preload)

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """See `Executor.run`; each job has a new process."""
        self.require()
        return run_jobs(work, jobs, workers=self.workers, environment=self.environment, preload=self.preload)


def run_jobs(
    work: Work,
    jobs: Sequence[Any],
    *,
    workers: int,
    environment: Mapping[str, str],
    preload: str | None,
) -> Generator[tuple[int, Any], None, None]:
    """Call `work(job, emit)` for every job in a new process and yield (index of the job, event) as the events come.

    A job that sends `Busy` is tried again later. `Ended` is yielded at the end of each process; one whose fork server
    was killed goes on, and ends as if it had been killed too, for its exit code is not known. Closing the generator
    ends the running processes.
    """
    if not jobs:
        return  # no job, so no server is needed
    context = start_server(environment, preload)
    waiting = deque((0.0, index) for index in range(len(jobs)))
    children: list[_Child] = []
    try:
        while waiting or children:
            while len(children) < workers and waiting and waiting[0][0] <= time.monotonic():
                index = waiting.popleft()[1]
                children.append(_start(context, work, jobs[index], index, environment))
            for child in _ready(children, until=waiting[0][0] if waiting and len(children) < workers else None):
                code = child.process.exitcode  # read before the pipe: then the pipe has all its events
                for event in _received(child):
                    if isinstance(event, Busy):
                        waiting.append((time.monotonic() + RETRY, child.index))
                    yield child.index, event
                if code == SERVER_DIED and not child.silent:
                    child.orphan = True
                elif code is not None:
                    children.remove(child)
                    yield child.index, Ended(-signal.SIGKILL if child.orphan else code)
    finally:
        for child in children:
            child.process.terminate()
        for child in children:
            child.process.join()
            child.events.close()


def start_server(environment: Mapping[str, str], preload: str | None) -> ForkServerContext | SpawnContext:
    """The context that starts processes: forked from a server that has loaded `preload` once.

    Without `preload`, or if the system cannot fork, each process starts from nothing. Does not wait until the modules
    are loaded. A server that is running already is used as it is. Nothing of the caller's process changes.
    """
    if preload is None or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    from multiprocessing import forkserver

    with _starting(environment), _short_names():
        forkserver.ensure_running()
    return context


@contextmanager
def _starting(environment: Mapping[str, str]) -> Iterator[None]:
    """Start a process inside, with these variables and without Ctrl-C; the caller's process is as before."""
    if sys.platform != "win32":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # before: its own start lets Ctrl-C through again
    method = multiprocessing.get_start_method(allow_none=True)
    try:
        with _interrupts_wait(), _variables(environment):
            yield
    finally:
        if method is None:  # to tell a process the method fixes it: the caller could not choose another one
            multiprocessing.set_start_method(None, force=True)


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    """Set these variables for the processes that are started inside, then put back those of this process."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _short_names() -> Iterator[None]:
    """Let temporary files be made where the server's socket gets a name that is not too long.

    Raises `OSError` if there is no such folder.
    """
    before, usual = tempfile.tempdir, tempfile.gettempdir()
    places = (usual, "/tmp", "/var/tmp", "/dev/shm")
    usable = (one for one in places if len(os.fsencode(one)) <= LONGEST and os.access(one, os.W_OK | os.X_OK))
    tempfile.tempdir = next(usable, None)
    try:
        if tempfile.tempdir is None:
            why = f"as TMPDIR, too long for a socket in it: {LONGEST} bytes at most, and /tmp cannot be written instead"
            raise OSError(errno.ENAMETOOLONG, why, usual)
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait for the end of this context, and never reach the processes that are started in it.

    Only the caller handles it. They inherit that it is blocked; a handler could be set by the main thread alone.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows: a worker ignores Ctrl-C as soon as it runs
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(
    context: ForkServerContext | SpawnContext, work: Work, job: Any, index: int, environment: Mapping[str, str]
) -> _Child:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, job, theirs))
    with _starting(environment):  # also for a fork server that has died and is started again
        try:
            process.start()
        except (EOFError, ConnectionError):  # it died in this moment
            time.sleep(PAUSE)
            process.start()
    theirs.close()
    return _Child(index, process, ours)


def _child(work: Work, job: Any, events: Connection) -> None:
    """The main function of a worker process. When the parent ends, the pipe is closed and the worker ends too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(job, events.send)
    except BrokenPipeError:
        sys.exit(1)


def _ready(children: list[_Child], until: float | None) -> list[_Child]:
    """Wait until a child has sent an event or ended, or until the next job may start; return those children."""
    timeout = None if until is None else max(0.0, until - time.monotonic())
    signs: dict[Any, _Child] = {sign: one for one in children for sign in (one.events, *_end_of(one))}
    told = {signs[sign].index for sign in wait([*signs], timeout)}
    return [child for child in children if child.index in told]


def _end_of(child: _Child) -> list[int]:
    """What becomes ready at the end of a process; nothing if the fork server, which would say so, has died."""
    return [] if child.orphan else [child.process.sentinel]


def _received(child: _Child) -> Iterator[Any]:
    """All events that the child has sent so far."""
    try:
        while child.events.poll():
            yield child.events.recv()
    except EOFError:
        child.silent = True
        child.process.join()
