"""The user's cache of data sets: filled once from the first source that works, checked at every use."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from suite.data import frozen
from suite.data.catalog import data_set
from suite.data.contents import Unavailable, Wrong, check_file
from suite.data.dataset import FILES, DataSet
from suite.data.frozen import folder_of
from suite.data.locking import locked
from suite.data.sources.folder import copy, missing
from suite.disk import files
from suite.errors import MACHINE, SuiteError, one_line

if TYPE_CHECKING:
    from suite.data.sources.order import Fetch

Say = Callable[[str], None]
Sources = tuple[tuple[str, "Fetch"], ...]


def _say(line: str) -> None:
    print(one_line(line), file=sys.stderr)


def ensure(name: str, *, folder: Path | None = None, say: Say = _say) -> Path:
    """The folder with the four uncompressed IDX files of a data set, or its frozen arrays, every byte checked.

    If the cache is incomplete, it is filled from the first source that works: `folder` (--data-dir) is tried first, if
    given, then the known sources in turn. `say` gets a line for each. Several processes may call this at the same
    time: one fills the cache, the others wait.

    Raises `SuiteError`: 2 for an unknown name and for a file with wrong contents, which is not changed; 3 if a file
    cannot be read or written, or if no source works.
    """
    data = data_set(name)
    place = folder_of(name)
    if frozen.is_own(name):
        frozen.whole(place)  # `data_set` found its document
        return place
    sources = _users(data, folder, say) if folder else ()
    try:
        if not is_complete(data, place) or _leftovers(data, place):
            with _lock(data, place, say):
                if not is_complete(data, place):
                    _fill(data, place, sources, say)
    except OSError as error:
        raise SuiteError(
            f"{error.filename or place}: {(error.strerror or str(error)).lower()}.",
            "Free space, or let this user write there, or set XDG_CACHE_HOME to another folder, and run again.",
            code=MACHINE,
        ) from error
    return place


def cached(name: str) -> Path | None:
    """The folder of a data set if the cache has all its files, else None; the contents are not checked."""
    data, place = data_set(name), folder_of(name)
    return place if all((place / file).is_file() for file in files_of(data)) else None


def files_of(data: DataSet) -> tuple[str, ...]:
    """The names of a data set's files in the cache."""
    return (*frozen.ARRAYS, frozen.DOCUMENT) if data.frozen else FILES


def _users(data: DataSet, folder: Path, say: Say) -> Sources:
    """The user's folder as a source; no source, and a line to `say`, if a file is missing."""
    from suite.data.sources import archives

    absent = archives.missing(data, folder) if data.archived else missing(data, folder)
    if absent:
        say(f"{data.title}: {folder}: has no {', '.join(absent)}")
        return ()
    return ((str(folder), partial(archives.from_folder if data.archived else copy, folder=folder)),)


def is_complete(data: DataSet, place: Path) -> bool:
    """Whether the cache has all files; raises `SuiteError`: 2 for a damaged file, 3 for an unreadable one."""
    if data.archived:  # made by another version of the conversion, it is made again
        return frozen.made_of(place) == data.digest and frozen.whole(place)
    there = [file for file in FILES if (place / file).exists()]
    try:
        for file in there:
            check_file(data, file, place / file)
    except Wrong as wrong:
        raise SuiteError(f"{wrong}.", "Delete that file and run again.") from wrong
    except Unavailable as error:
        raise SuiteError(f"{error}.", "Make it readable and run again.", code=MACHINE) from error
    return len(there) == len(FILES)


@contextmanager
def _lock(data: DataSet, place: Path, say: Say) -> Iterator[None]:
    """Let one process at a time fill the cache.

    The kernel releases the lock of a process that dies, so the next holder removes its unfinished files.
    """
    place.mkdir(parents=True, exist_ok=True)
    waiting = f"{data.title}: waiting for another process that is fetching it"
    with locked(place.parent / f"{data.name}.lock", lambda: say(waiting)):
        files.remove_leftovers(place)
        for leftover in _leftovers(data, place):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _leftovers(data: DataSet, place: Path) -> list[Path]:
    """The unfinished folders that a killed process left for this set; other sets have their own locks."""
    return list(place.parent.glob(f".{data.name}.*.tmp"))


def _fill(data: DataSet, place: Path, users: Sources, say: Say) -> None:
    """Fill the cache from the first source that works."""
    from suite.data.sources.order import SOURCES

    reasons = []
    for label, source in users + SOURCES[data.name]:
        with tempfile.TemporaryDirectory(prefix=f".{data.name}.", suffix=".tmp", dir=place.parent) as given:
            try:
                source(data, Path(given))
            except Unavailable as reason:
                say(f"{data.title}: {label}: {reason}")
                reasons.append(f"{label}: {reason}")
                continue
            if data.archived:
                files.publish(Path(given), place, last=frozen.DOCUMENT)
            else:
                for file in FILES:
                    files.write(place / file, Path(given, file).read_bytes())
        say(f"{data.title}: {label}: checked, now in {place}")
        if data.archived:
            say(f"{data.title}: SHA-256 of its contents, pinned from now on: {frozen.described(place).digest}")
        return
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise SuiteError(f"{data.title}: no source has it{why}.", _remedy(data), code=MACHINE)


def _remedy(data: DataSet) -> str:
    if data.name == "digits":
        return "Install scikit-learn (python -m pip install scikit-learn) and run again."
    if data.archived:
        archives = ", ".join([*data.sha256, *data.md5])
        return (
            f"With a network, python -m suite data fetch {data.name}; without one, put {archives} in a folder and name"
            " that with --data-dir or SUITE_DATA."
        )
    return (
        f"With a network, python -m suite data fetch {data.name}; without one, put its four files in a folder and name"
        " that with --data-dir or SUITE_DATA,"
        " or use --data digits for a smoke run."
    )
