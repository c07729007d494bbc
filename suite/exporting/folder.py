"""The folder of an export: new or empty before, complete afterwards, and never half of it."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from suite.disk import files
from suite.errors import SuiteError, machine_error
from suite.exporting.reloading import Compared

CONFIG, CARD = "config.json", "README.md"
PROGRAM = Path(__file__).with_name("load.py")  # goes with each export, and checks it
SCRATCH = ".export.tmp"
LARGEST, LARGEST_CONFIG = 1 << 34, 1 << 24  # bytes


def found_in(folder: Path) -> dict[str, Any] | None:
    """What config.json says of the whole export in a folder; None if the folder is new or empty.

    Raises `SuiteError`: 2 for a folder with anything else in it and for a changed file, 3 if it cannot be read.
    """
    try:
        names = {*os.listdir(folder)} - {SCRATCH}
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise SuiteError(f"--to: {folder} is a file.", "Name a new or an empty folder.") from error
    except ValueError as error:  # a name that no file can have
        raise SuiteError(f"--to: {str(folder)!r:.80}: {error}.", "Name a new or an empty folder.") from error
    except OSError as error:
        raise machine_error(error, folder) from error
    return _whole(folder) if names else None


def _whole(folder: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(files.read(folder / CONFIG, LARGEST_CONFIG))
        digests = {str(name): str(digest) for name, digest in facts["files"].items()}
        Compared(**facts["check"])
        changed = [name for name, digest in digests.items() if files.sha256(folder / name, LARGEST) != digest]
    except (files.Unfit, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SuiteError(f"--to: {folder} is not empty, and has no whole export.", "Name a new folder.") from None
    if changed:
        raise SuiteError(f"--to: {folder / changed[0]} was changed after the export.", "Name a new folder.")
    return facts


def prepare(made: Path, facts: Mapping[str, Any]) -> None:
    """Put beside the model's files what the loading program needs: itself, and config.json."""
    files.write(made / PROGRAM.name, PROGRAM.read_bytes())
    files.write(made / CONFIG, _document(facts))


def complete(made: Path, facts: Mapping[str, Any], card: str, checked: Mapping[str, Any]) -> tuple[str, ...]:
    """Write the card, and config.json with the check's result and every file's SHA-256; returns all files' names."""
    files.write(made / CARD, card.encode())
    names = sorted({*os.listdir(made)} - {CONFIG})
    digests = {name: files.sha256(made / name, LARGEST) for name in names}
    files.write(made / CONFIG, _document({**facts, "check": checked, "files": digests}))
    return (CONFIG, *names)


def _document(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=False, indent=1).encode() + b"\n"


@contextmanager
def begun(folder: Path) -> Iterator[Path]:
    """A place to write an export into, which becomes the contents of `folder` at the end, config.json last.

    If anything is raised, `folder` is as it was. Raises `SuiteError`: 2 if something lies there by now, 3 if it cannot
    be written.
    """
    scratch = folder / SCRATCH
    new = [one for one in (folder, *folder.absolute().parents) if not one.exists()]
    lock = FileLock(scratch / "lock", timeout=0)
    try:
        files.make_folder(scratch)
        with lock:
            made = scratch / "made"
            shutil.rmtree(made, ignore_errors=True)  # of a command that was killed
            made.mkdir()
            yield made
            if found_in(folder):
                raise SuiteError(f"--to: {folder} was filled meanwhile.", "Name a new folder.")
            _publish(made, folder)
            _remove(scratch, [])
    except Timeout:
        raise SuiteError(f"--to: another command exports to {folder}.", "Wait for it, or name a new folder.") from None
    except BaseException as error:  # also Ctrl-C
        _remove(scratch, new)
        if isinstance(error, OSError):
            raise machine_error(error, error.filename or folder) from error
        raise


def _remove(scratch: Path, new: Iterable[Path]) -> None:
    """Remove what is no export: the place where one was made, and those of the new folders that are empty."""
    shutil.rmtree(scratch, ignore_errors=True)
    with suppress(OSError):  # not empty, or removed already
        for one in new:
            one.rmdir()


def _publish(made: Path, folder: Path) -> None:
    """Move the files up; what was moved before an interrupt is removed again."""
    names = os.listdir(made)
    try:
        files.publish(made, folder, last=CONFIG)
    except BaseException:
        if not (folder / CONFIG).exists():
            for name in names:
                (folder / name).unlink(missing_ok=True)
        raise
