"""Downloads from torchvision's mirrors, with short time-outs and with checked contents."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from suite.data.contents import BLOCK, Unavailable, check, unpacked
from suite.data.dataset import FILES, DataSet

PATIENCE = 5.0
"""Seconds to wait for a mirror's answer, and then for each piece of a file."""
LONGEST = 600.0
"""Seconds for one whole file, so that a very slow mirror is given up too."""


def torchvision_mirrors(data: DataSet, into: Path) -> None:
    """Download the four gzipped files from the first mirror that works; there is no second attempt.

    Raises `Unavailable` with the reasons of all mirrors.
    """
    faults = []
    for mirror in _mirrors(data):
        try:
            for file in FILES:
                _download(data, file, f"{mirror.rstrip('/')}/{file}.gz", into)
        except Unavailable as fault:
            faults.append(str(fault))
        else:
            return
    raise Unavailable("; ".join(faults))


def _mirrors(data: DataSet) -> list[str]:
    try:
        from torchvision import datasets
    except Exception as error:  # a torchvision that does not fit torch fails in many ways
        raise Unavailable(f"torchvision cannot be imported: {error}") from error
    return list(getattr(datasets, data.torchvision).mirrors)


@contextmanager
def downloading(url: str, file: str, longest: float | None = None) -> Iterator[Iterator[bytes]]:
    """The pieces of a file that is being downloaded, with a progress bar; raises `Unavailable`.

    `longest` are the seconds for the whole file, `LONGEST` if nothing is said.
    """
    host = urlsplit(url).netloc
    with _open(url, host) as response, _bar(file, response.length) as advance:
        yield _pieces(response, host, advance, longest or LONGEST)


def _download(data: DataSet, file: str, url: str, into: Path) -> None:
    with downloading(url, file) as pieces, (into / file).open("wb") as target:
        check(data, file, unpacked(pieces, data.size(file)), url, keep=target.write)


def _open(url: str, host: str) -> HTTPResponse:
    """The response to a GET request; raises `Unavailable` after `PATIENCE` seconds.

    It runs in its own thread, because urlopen's time-out does not cover the look-up of the host's name.
    """
    answers: queue.SimpleQueue[HTTPResponse | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(urlopen(url, timeout=PATIENCE))
        except Exception as error:  # passed to the calling thread
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE)
    except queue.Empty:
        raise Unavailable(f"{host}: no answer in {PATIENCE:g} seconds") from None
    if isinstance(answer, Exception):
        if isinstance(answer, HTTPError):
            answer.close()  # it is a response too, with a connection
        raise Unavailable(f"{host}: {_reason(answer)}") from answer
    return answer


def _pieces(response: HTTPResponse, host: str, advance: Callable[[int], None], longest: float) -> Iterator[bytes]:
    end = time.monotonic() + longest
    try:
        while piece := response.read1(BLOCK):
            advance(len(piece))
            yield piece
            if time.monotonic() > end:
                raise Unavailable(f"{host}: too slow")
    except (OSError, HTTPException) as error:
        raise Unavailable(f"{host}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The text of an exception; those of http.client get their class name, because their text alone says little."""
    if isinstance(error, HTTPException):
        return f"{type(error).__name__}: {error}"
    return str(error.reason if type(error) is URLError else error)


@contextmanager
def _bar(file: str, length: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr if that is a terminal; yields a function that takes the number of bytes received."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(file, total=length)
        yield lambda received: progress.advance(task, received)
