"""Files that are written completely or not at all, and read only up to a maximum size."""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from suite.disk import crash
from suite.errors import machine_error


class Unfit(Exception):
    """The reason why a file is not read: it is not a regular file, or it is too long."""


def write(path: Path, contents: bytes) -> None:
    """Write `contents` to `path`, all or nothing: after a crash the file is the old one or the new one.

    The contents are synced to the disk before the file gets its name, and then the folder is synced. So this also
    holds for a power cut, on a local file system. The folder must exist. Raises `SuiteError` if the file cannot be
    written (3, or 2 for a name that is too long); the old file is then unchanged.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    half = len(contents) // 2
    crash.at("write:begin", path.name)
    try:
        with open(temporary, "xb") as file:
            crash.at("write:opened", path.name)
            file.write(contents[:half])
            file.flush()
            crash.at("write:half", path.name)
            file.write(contents[half:])
            file.flush()
            crash.at("write:before-sync", path.name)
            os.fsync(file.fileno())
        crash.at("write:before-replace", path.name)
        os.replace(temporary, path)
        crash.at("write:replaced", path.name)
        _sync_folder(path.parent)
        crash.at("write:end", path.name)
    except BaseException as error:  # also Ctrl-C must not leave the temporary file behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise machine_error(error, path, needed=len(contents)) from error
        raise


@contextlib.contextmanager
def opened(path: Path, most: int) -> Iterator[BufferedReader]:
    """A regular file of at most `most` bytes, open for reading; raises `Unfit` for anything else.

    It follows no symbolic link and does not block on a pipe. Raises `OSError` as `open` does.
    """
    try:
        opening = open(path, "rb", opener=_carefully)  # noqa: SIM115  closed below, by `with`
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise Unfit("it is not a regular file") from error
        raise
    with opening as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise Unfit("it is not a regular file")
        if facts.st_size > most:
            raise Unfit(f"it has {facts.st_size:,} bytes, more than any such file")
        yield file


def _carefully(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def read(path: Path, most: int) -> bytes:
    """The contents of a regular file of at most `most` bytes; raises `Unfit` and `OSError` as `opened` does."""
    with opened(path, most) as file:
        return file.read(most)


def sha256(path: Path, most: int) -> str:
    """The SHA-256 of a regular file, in hexadecimal, read in blocks; raises `Unfit` and `OSError` as `opened` does."""
    with opened(path, most) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written: its time in nanoseconds, and its size in bytes; None if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, and sync each parent so that the new names survive a power cut."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        _sync_folder(one.parent)


def publish(made: Path, folder: Path, *, last: str) -> None:
    """Move all files below `made` to the same names below `folder`, the file `last` at the end.

    Both must be on the same file system. After a crash each file is the old one or the new one, never a part.
    """
    names = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    for name in sorted(names, key=lambda name: str(name) == last):
        crash.at("publish:before", name.name)
        make_folder((folder / name).parent)
        os.replace(made / name, folder / name)
    for place in {(folder / name).parent for name in names}:
        _sync_folder(place)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that killed writers left in `folder`; the caller holds the folder's lock."""
    for leftover in folder.glob(".*.tmp"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)  # another user's only that user may empty; it does no harm
        else:
            remove(leftover)


def remove(path: Path) -> None:
    """Delete a file if it exists; raises `SuiteError` (3) if that fails."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise machine_error(error, path) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
