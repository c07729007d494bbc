"""Bytes from anywhere, read no further than a data set's file goes, and judged by their SHA-256."""

import hashlib
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from suite.data.catalog import CATALOG, DataSet

BLOCK = 1 << 18
GZIP_ROOM = 1 << 16  # what gzip may add to contents that it cannot make smaller


class Unavailable(Exception):
    """Why a source cannot give a data set, in one line of printable text."""

    def __init__(self, reason: str) -> None:
        text = "".join(letter if letter.isprintable() else " " for letter in reason)
        super().__init__(" ".join(text.split()))


class Wrong(Unavailable):
    """A file is there, but its contents are not the data set's."""


def read(path: Path, size: int) -> Iterator[bytes]:
    """The contents of a file of `size` bytes in blocks, unpacked if its name ends in .gz."""
    blocks = _blocks(path)
    return unpacked(blocks, size) if path.suffix == ".gz" else blocks


def unpacked(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """What is in one gzip member of about `size` bytes, in small blocks whatever it would unpack to.

    Ends early where the member is cut, damaged or too long: the SHA-256 of what came out tells.
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
    """Raise `Wrong` unless `blocks` are the file's contents; `keep` gets each as it passes.

    Takes one byte more than the file has, never the rest, so nothing that is offered is too long to judge.
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
    """`check` for a file on the disk, plain or .gz; what is no regular file is not even opened."""
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
    """What the user may not see from two digests: whose the file is, or that its length is wrong."""
    for data in CATALOG.values():
        for file, digest in data.sha256.items():
            if digest == found:
                return f", which is {data.title}'s {file}"
    if length > size:
        return f" in the first {length:,} bytes of more than {size:,}"
    return f" in {length:,} bytes instead of {size:,}" if length < size else ""
