"""A Python file of one's own as a data set: its function `load()` returns arrays and the names of the classes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.data.freezing import MOST_CLASSES, Facts, Part
from suite.data.own.arrays import Held, classes_of, part, shape_of
from suite.data.own.request import Request
from suite.disk.script import is_interrupt, line_of, require_torch, run_file, undone, words_of
from suite.errors import SuiteError

if TYPE_CHECKING:
    import numpy as np

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def read(request: Request) -> tuple[Facts, Part, Part, list[str]]:
    """The facts and both parts of what `load()` returns; raises `SuiteError` (2) that names the file.

    `load()` takes no arguments and returns a dictionary of four arrays and `classes`.
    """
    path = request.path
    with _running(path):
        images, labels, test_images, test_labels, names = _loaded(path)
    shapes = {shape_of(f"{path}: {name}", one) for name, one in ((ARRAYS[0], images), (ARRAYS[2], test_images))}
    if len(shapes) > 1:
        raise SuiteError(f"{path}: images have the shapes {sorted(shapes)}.", "All must have the same one.")
    classes = classes_of(str(path), names, [])
    parts = part(str(path), [(images, labels)]), part(str(path), [(test_images, test_labels)])
    return Facts(path.stem, classes, shapes.pop()), *parts, []


def _loaded(path: Path) -> tuple[Held, Held, Held, Held, list[str]]:
    """The four arrays and the names of the classes, as plain values: nothing of the user's code runs after this."""
    load = getattr(run_file(path, "suite_user_datasets"), "load", None)
    if not callable(load):
        raise SuiteError(f"{path}: has no function load().", "See docs/data.md.")
    found = load()
    if not isinstance(found, Mapping) or not {*ARRAYS, "classes"} <= set(found):
        raise SuiteError(
            f"{path}: load() returned {type(found).__name__}.",
            f"It must return a dictionary with {', '.join(ARRAYS)} and classes.",
        )
    images, labels, test_images, test_labels = (_array(path, name, found[name]) for name in ARRAYS)
    if isinstance(found["classes"], str):
        raise SuiteError(f"{path}: classes must be several names, got {found['classes']!r:.60}.", "Write a list.")
    names = [str(name) for name in islice(found["classes"], MOST_CLASSES + 1)]  # it may never end
    return images, labels, test_images, test_labels, names


@contextmanager
def _running(path: Path) -> Iterator[None]:
    """Run the user's code: errors name the file, and its output goes to stderr: stdout may be a program's document."""
    with undone(), contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        except SuiteError as error:
            raise error if str(path) in str(error) else SuiteError(f"{path}: {error}", code=error.code) from error
        except BaseException as error:  # the user's code may raise anything, even call sys.exit
            if is_interrupt(error):
                raise
            require_torch(error)
            text = f"{type(error).__name__}: {words_of(error):.200}"
            raise SuiteError(f"{path}{line_of(error, path)}: load(): {text}.", "Fix the file.") from error


def _array(path: Path, name: str, value: Any) -> Held:
    import numpy as np

    array: np.ndarray = np.asarray(value)
    if not array.ndim or array.dtype.hasobject:
        raise SuiteError(f"{path}: {name}: must be an array of numbers.", "See docs/data.md.")
    return Held(array)
