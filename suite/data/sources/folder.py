"""The user's folder as a source of data sets, in any of the usual layouts."""

from pathlib import Path

from suite.data.contents import Unavailable, Wrong, check_file
from suite.data.dataset import FILES, DataSet
from suite.errors import MACHINE, SuiteError


def missing(data: DataSet, folder: Path) -> list[str]:
    """The files that are missing in the user's folder, after checking those that are there.

    Raises `SuiteError`: 2 for a file with wrong contents, even if the cache is complete, because the user named this
    folder; 3 for a file that cannot be read.
    """
    found = _find(data, folder)
    try:
        for file, path in found.items():
            check_file(data, file, path)
    except Wrong as wrong:
        raise SuiteError(
            f"{wrong}.",
            f"Put {data.title}'s own file there or in {folder / data.name}, or leave out --data-dir and SUITE_DATA.",
        ) from wrong
    except Unavailable as error:
        raise SuiteError(
            f"{error}.", "Make it readable, or leave out --data-dir and SUITE_DATA.", code=MACHINE
        ) from error
    return [file for file in FILES if file not in found]


def copy(data: DataSet, into: Path, folder: Path) -> None:
    """Check the four files in `folder` and write them, unpacked, to `into`; raises `Unavailable` if one is missing."""
    found = _find(data, folder)
    for file in FILES:
        if file not in found:
            raise Unavailable(f"{folder} has no {file}")
        with (into / file).open("wb") as copied:
            check_file(data, file, found[file], keep=copied.write)


def _find(data: DataSet, folder: Path) -> dict[str, Path]:
    """The path of each file that exists; subfolders of the set come first, so one folder can hold several sets."""
    folders = [folder / data.name, folder]
    if data.torchvision:
        folders.insert(1, folder / data.torchvision / "raw")
    found = {}
    try:
        for file in FILES:
            names = [place / (file + end) for place in folders for end in ("", ".gz")]
            there = next((path for path in names if path.exists()), None)
            if there:
                found[file] = there
    except OSError as error:
        raise SuiteError(f"{folder}: {error.strerror}.", "Make it readable.", code=MACHINE) from error
    return found
