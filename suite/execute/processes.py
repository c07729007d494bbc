"""Jobs in processes of their own, as many at a time as asked; none can take another with it."""

import errno
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from typing import Any

from suite.execute.executor import Busy, Ended, Work

LONGEST = 70  # bytes of a folder's path: a socket's own has at most 103 (macOS) or 107, and 33 of them are the server's
RETRY = 1.0  # seconds until a job that found its place taken is tried again


@dataclass
class _Child:
    index: int
    process: ForkServerProcess | SpawnProcess
    events: Connection


@dataclass(frozen=True)
class LocalProcesses:
    """Jobs in processes of this machine, `workers` of them at a time: an `Executor`.

    `environment` is set for every process, `preload` names a module that their server loads once for all of them, and
    `require` raises `SuiteError` where the machine cannot do what is asked of it.
    """

    workers: int
    environment: Mapping[str, str] = field(default_factory=dict)
    preload: str | None = None
    require: Callable[[], None] = lambda: None

    def warm_up(self) -> None:
        """Start the server of the processes, which loads its modules while this process does something else."""
        self.require()
        start_server(self.environment, self.preload)

    def run(self, work: Work, jobs: Sequence[Any]) -> Generator[tuple[int, Any], None, None]:
        """As `Executor.run` says; each job has a fresh process."""
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
    """Do `work(job, emit)` for every job in a fresh process and yield (index of the job, event) as the events come.

    A job that says `Busy` is tried again later. `Ended` is yielded when a process is over. Closing the generator ends
    the processes that still run.
    """
    if not jobs:
        return  # the server would load its modules for nobody
    context = start_server(environment, preload)
    waiting = deque((0.0, index) for index in range(len(jobs)))
    children: list[_Child] = []
    try:
        while waiting or children:
            while len(children) < workers and waiting and waiting[0][0] <= time.monotonic():
                index = waiting.popleft()[1]
                children.append(_start(context, work, jobs[index], index))
            for child in _ready(children, until=waiting[0][0] if waiting and len(children) < workers else None):
                code = child.process.exitcode  # asked before reading: what it said last is then surely in the pipe
                for event in _received(child):
                    if isinstance(event, Busy):
                        waiting.append((time.monotonic() + RETRY, child.index))
                    yield child.index, event
                if code is not None:
                    children.remove(child)
                    yield child.index, Ended(code)
    finally:
        for child in children:
            child.process.terminate()
        for child in children:
            child.process.join()
            child.events.close()


def start_server(environment: Mapping[str, str], preload: str | None) -> ForkServerContext | SpawnContext:
    """Children forked from a server that loads heavy modules once; without any, or where there is no fork, fresh ones.

    Does not wait for the modules; a server that runs already is left as it is.
    """
    os.environ.update(environment)
    if preload is None or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    with (
        _interrupts_ignored(),
        _short_names(),
    ):  # the first: inherited by the server and all its children: Ctrl-C is for the parent to handle
        from multiprocessing.forkserver import ensure_running

        ensure_running()
    return context


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
def _interrupts_ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start(context: ForkServerContext | SpawnContext, work: Work, job: Any, index: int) -> _Child:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, job, theirs))
    # A server's children ignore Ctrl-C as it does; others would be told of it before they have begun to.
    with _interrupts_ignored() if isinstance(context, SpawnContext) else nullcontext():
        process.start()
    theirs.close()
    return _Child(index, process, ours)


def _child(work: Work, job: Any, events: Connection) -> None:
    """The whole life of a worker process; it ends with its parent, whose end closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(job, events.send)
    except BrokenPipeError:
        sys.exit(1)


def _ready(children: list[_Child], until: float | None) -> list[_Child]:
    """The children that said something or ended, waiting for the first of them, or until the next job may start."""
    timeout = None if until is None else max(0.0, until - time.monotonic())
    ready = set(wait([thing for child in children for thing in (child.events, child.process.sentinel)], timeout))
    return [child for child in children if child.events in ready or child.process.sentinel in ready]


def _received(child: _Child) -> Iterator[Any]:
    """All that the child has said by now."""
    try:
        while child.events.poll():
            yield child.events.recv()
    except EOFError:
        child.process.join()
