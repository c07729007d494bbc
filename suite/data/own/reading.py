"""Reads one's own data once and freezes it in the cache; later uses find it by the names and times of its files."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.data import frozen
from suite.data.catalog import CATALOG
from suite.data.freezing import Facts, Part, freeze
from suite.data.locking import locked
from suite.data.own import folder, hugging_face, medmnist, npz, script
from suite.data.own.request import WAYS, Request, parse, scripts
from suite.disk import files
from suite.errors import SuiteError, machine_error, one_line
from suite.text import nearest

Say = Callable[[str], None]
_LARGEST = 1 << 16


def _say(line: str) -> None:
    print(one_line(line), file=sys.stderr)


def resolve(name: Any, *, again: bool = False, say: Say = _say) -> str:
    """The name by which a recipe knows a data set: one's own data by its contents, never by its path.

    Data that this user's cache does not have yet, or whose files have changed, is read and frozen; `say` gets a line
    about it. `again` reads it in any case. Several processes may call this at once: one reads, the others wait.

    Raises `SuiteError`: 2 for a name that is none, and for data that cannot be used; 3 for a disk that cannot.
    """
    if isinstance(name, str) and name in CATALOG:
        return name
    if frozen.is_own(name):
        return frozen.own(name).name
    request = parse(name) if isinstance(name, str) else None
    if request is None:
        known = nearest(str(name), [*CATALOG, *scripts()])
        raise SuiteError(
            f"data must be the name of a data set, got {name!r:.80}.",
            f"See python -m suite data{known} Or give {WAYS}.",
        )
    found = None if again else _known(request)
    try:
        return found or _read(request, say, again)
    except OSError as error:
        raise machine_error(error, error.filename or frozen.folder_of("")) from error


def _known(request: Request) -> str | None:
    """The name that the same files got before, if the cache still has it."""
    note = _note(request)
    try:
        known = json.loads(files.read(note, _LARGEST))
        name, signature = known["name"], known["signature"]
    except (OSError, files.Unfit, ValueError, KeyError, TypeError):
        request.signature()  # a wrong path is said before anything else
        return None  # a damaged note is written again: the data itself is the truth
    if signature == request.signature() and frozen.is_own(name) and frozen.is_here(name):
        return str(name)
    return None


def _read(request: Request, say: Say, again: bool) -> str:
    note = _note(request)
    files.make_folder(note.parent)
    with locked(note.with_suffix(".lock"), lambda: say(f"{request.text}: waiting for another process that reads it")):
        if not again and (found := _known(request)):
            return found
        signature = request.signature()
        root, start = note.parent.parent, f".own.{note.stem}."
        _remove_leftovers(note, root, start)
        with tempfile.TemporaryDirectory(prefix=start, suffix=".tmp", dir=root) as given:
            fetched, made = Path(given, "fetched"), Path(given, "made")
            fetched.mkdir()
            made.mkdir()
            facts, train, test, notes = _opened(request, fetched)
            data = freeze(facts, train, test, made)
            _publish(made, frozen.folder_of(data.name))
        files.write(note, json.dumps({"name": data.name, "signature": signature, "request": request.text}).encode())
    channels, height, width = data.shape
    say(
        f"{data.title}: {data.train:,} training and {data.test:,} test images of {height} × {width} in "
        f"{'grey' if channels == 1 else 'colour'}, {len(data.classes):,} classes, now in the cache as {data.name}"
    )
    for line in (*notes, *_doubles(frozen.folder_of(data.name))):
        say(f"{data.title}: {line}")
    return data.name


def _opened(request: Request, into: Path) -> tuple[Facts, Part, Part, list[str]]:
    """What the reader of this kind of data finds; it may fetch files into the empty folder `into`."""
    match request.kind:
        case "folder":
            return folder.read(request)
        case "npz":
            return npz.read(request)
        case "hf":
            return hugging_face.read(request)
        case "medmnist":
            return medmnist.read(request, into)
    return script.read(request)


def _remove_leftovers(note: Path, root: Path, start: str) -> None:
    """Delete what a process left that was killed while it read the same data; the caller holds the lock."""
    for unfinished in root.glob(f"{start}*.tmp"):
        shutil.rmtree(unfinished, ignore_errors=True)
    for file in note.parent.glob(f".{note.name}.*.tmp"):
        files.remove(file)


def _publish(made: Path, place: Path) -> None:
    """Give the folder its name, unless the same contents are there already, whole."""
    with locked(place.with_suffix(".lock"), lambda: None):
        if frozen.whole(place):
            return
        os.makedirs(place, exist_ok=True)
        files.publish(made, place, last=frozen.DOCUMENT)


def _doubles(place: Path) -> list[str]:
    """A line if test images are also training images."""
    count = json.loads(files.read(place / frozen.DOCUMENT, 1 << 26))["test_images_in_training"]
    return [f"{count:,} test images are also training images, so its accuracy is too high"] if count else []


def _note(request: Request) -> Path:
    name = hashlib.sha256(request.text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return frozen.folder_of("own") / f"{name}.json"
