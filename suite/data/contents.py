"""Checked contents of data files: bytes from any source, read up to the expected size and compared by SHA-256."""

import hashlib
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from suite.data.catalog import CATALOG
from suite.data.dataset import DataSet

BLOCK = 1 << 18
GZIP_ROOM = 1 << 16  # bytes that gzip may add to contents that it cannot compress


class Unavailable(Exception):
    """The reason why a source cannot provide a data set, as one line of printable text."""

    def __init__(self, reason: str) -> None:
        text = "".join(letter if letter.isprintable() else " " for letter in reason)
        super().__init__(" ".join(text.split()))


class Wrong(Unavailable):
    """A file exists, but its contents are not those of the data set."""


def read(path: Path, size: int) -> Iterator[bytes]:
    """The contents of a file in blocks, unpacked if its name ends in .gz; `size` is the expected unpacked size."""
    blocks = _blocks(path)
    return unpacked(blocks, size) if path.suffix == ".gz" else blocks


def unpacked(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The unpacked contents of one gzip member, in blocks of at most `BLOCK` bytes, however far it expands.

    Ends early without an error if the member is cut off, damaged, or much longer than `size` bytes: the caller's
    check of the SHA-256 then fails.
    """
    gunzip = zlib.decompressobj(wbits=31)
    room = size + GZIP_ROOM
    for block in blocks:
        room -= len(block)
        packed = block
        while packed and not gunzip.eof:
            try:
                contents = gunzip.decompress(packed, BLOCK)
            except zlib.error:
                return
            yield contents
            packed = gunzip.unconsumed_tail
        if gunzip.eof or room < 0:
            return


def check(
    data: DataSet,
    file: str,
    blocks: Iterable[bytes],
    origin: object,
    *,
    keep: Callable[[bytes], object] = lambda _: None,
) -> None:
    """Raise `Wrong` unless `blocks` are the contents of `file`; each block is also passed to `keep`.

    Reads at most size + 1 bytes, enough to detect contents that are too long.
    """
    size = data.size(file)
    seen = hashlib.sha256()
    room = size + 1
    for block in blocks:
        part = block[:room]
        seen.update(part)
        keep(part)
        room -= len(part)
        if not room:
            break
    found, wanted = seen.hexdigest(), data.sha256[file]
    if found != wanted:
        remark = _remark(found, size, size + 1 - room)
        raise Wrong(f"{origin}: expected SHA-256 {wanted}, found {found}{remark}")


def check_file(data: DataSet, file: str, path: Path, *, keep: Callable[[bytes], object] = lambda _: None) -> None:
    """`check` for a file on the disk, plain or .gz; anything but a regular file is refused without opening it.

    Raises `Unavailable` if the file cannot be read.
    """
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error
    if not regular:
        raise Wrong(f"{path}: expected SHA-256 {data.sha256[file]}, found none: not a regular file")
    check(data, file, read(path, data.size(file)), path, keep=keep)


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}") from error


def _remark(found: str, size: int, length: int) -> str:
    """A hint for the user: which other file this is, or that its length is wrong; else an empty text."""
    for data in CATALOG.values():
        for file, digest in data.sha256.items():
            if digest == found:
                return f", which is {data.title}'s {file}"
    if length > size:
        return f" in the first {length:,} bytes of more than {size:,}"
    return f" in {length:,} bytes instead of {size:,}" if length < size else ""
