"""A data set sent to another machine: its files as bytes, checked there before they are in the cache."""

import tempfile
from pathlib import Path

from suite.data import frozen
from suite.data.cache import files_of, is_complete
from suite.data.catalog import CATALOG, data_set
from suite.data.dataset import FILES
from suite.data.frozen import folder_of
from suite.data.locking import locked
from suite.disk import files
from suite.errors import MACHINE, SuiteError, machine_error

Contents = dict[str, bytes]  # by the names of the files in the cache


def contents_of(name: str, folder: Path) -> Contents:
    """All files of a data set, from the folder that `ensure` returned; raises `SuiteError` (3) if one is unreadable."""
    try:
        return {file: (folder / file).read_bytes() for file in files_of(data_set(name))}
    except OSError as error:
        raise machine_error(error, error.filename or folder) from error


def is_here(name: str) -> bool:
    """Whether this machine's cache has the whole data set, every byte checked; raises `SuiteError` for damage."""
    if name in CATALOG:
        return is_complete(CATALOG[name], folder_of(name))
    return frozen.is_own(name) and frozen.whole(folder_of(name))


def keep(name: str, contents: Contents) -> None:
    """Put the files of a data set into this machine's cache; those that are already there stay.

    Raises `SuiteError`: 2 for contents that are not those of this data set, 3 if they cannot be written.
    """
    place = folder_of(name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with locked(place.parent / f"{name}.lock", lambda: None):
            if not is_here(name):
                with tempfile.TemporaryDirectory(prefix=f".{name}.", suffix=".tmp", dir=place.parent) as given:
                    _check_and_move(name, contents, Path(given), place)
    except OSError as error:
        raise machine_error(error, error.filename or place) from error


def _check_and_move(name: str, contents: Contents, given: Path, place: Path) -> None:
    """Write the files beside their place, check them there, and give them their names."""
    made = given / name
    made.mkdir()
    for file, data in contents.items():
        if file not in (*FILES, *frozen.ARRAYS, frozen.DOCUMENT):
            raise SuiteError(f"{name}: {file!r:.80} is no file of a data set.")
        files.write(made / file, data)
    whole = is_complete(CATALOG[name], made) if name in CATALOG else frozen.described(made, name) and frozen.whole(made)
    if not whole:
        raise SuiteError(f"{name}: what was sent is not the whole data set.", "Send it again.", code=MACHINE)
    files.publish(made, place, last=frozen.DOCUMENT if (made / frozen.DOCUMENT).exists() else FILES[-1])
