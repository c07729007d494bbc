"""Files that are written whole or not at all."""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from suite.errors import machine_error


def write(path: Path, contents: bytes) -> None:
    """Put `contents` at `path`: after a crash the file is the old one or the new one, never a part.

    Synced to the disk before it gets its name, and the name is synced too, so the order survives a power cut
    on a local file system. Raises `SuiteError` (3) when the machine refuses; the old file is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException as error:  # an interruption leaves nothing behind either
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise machine_error(error, path) from error
        raise


def remove_leftovers(folder: Path) -> None:
    """Delete what killed writers left half done in `folder`; the caller holds the folder's lock."""
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's contents, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
