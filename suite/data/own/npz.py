"""An .npz file of arrays as a data set, streamed: MedMNIST's six arrays or Keras' four, never a pickle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from suite.data.freezing import Facts, Part
from suite.data.own.arrays import Rows, classes_of, part, shape_of
from suite.data.own.request import Request
from suite.errors import SuiteError
from suite.text import printable

if TYPE_CHECKING:
    import numpy as np

MEDMNIST = ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels")
KERAS = ("x_train", "y_train", "x_test", "y_test")
NAMED = ("train_images", "train_labels", "test_images", "test_labels")
HEADER = 1 << 16


def read(request: Request) -> tuple[Facts, Part, Part, list[str]]:
    """The facts and both parts of an .npz file, and lines to say. The arrays are read when their blocks are.

    Raises `SuiteError` (2) that names the file and the array.
    """
    path, notes = request.path, []
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SuiteError(f"{path}: is no .npz file: {error}.", "Write it with numpy.savez.") from error
    layout = next((one for one in (MEDMNIST, NAMED, KERAS) if names.issuperset(one)), None)
    if not layout:
        raise SuiteError(
            f"{path}: has the arrays {', '.join(sorted(names)) or 'none':.200}.",
            f"It must have {', '.join(NAMED)}, or {', '.join(KERAS)}.",
        )
    arrays = [_Member(request, name) for name in layout]
    train, test = [(arrays[0], arrays[1])], [(arrays[-2], arrays[-1])]
    if layout == MEDMNIST:
        train.append((arrays[2], arrays[3]))
        notes.append(f"its {arrays[2].shape[0]:,} validation images are the last training images")
    shapes = {shape_of(f"{path}: {one.name}", one) for one, _ in (*train, *test)}
    if len(shapes) > 1:
        raise SuiteError(f"{path}: images have the shapes {sorted(shapes)}.", "All must have the same one.")
    given = _Member(request, "classes") if "classes" in names else None
    classes = classes_of(str(path), given.texts() if given else None, [labels for _, labels in (*train, *test)])
    return Facts(printable(path.stem), classes, shapes.pop()), part(str(path), train), part(str(path), test), notes


class _Member(Rows):
    """One array of the file, read by rows from the compressed stream."""

    def __init__(self, request: Request, name: str) -> None:
        self._path, self.name = request.path, name
        with self._opened() as (_, shape, dtype):
            if not shape:
                raise SuiteError(f"{self._path}: {name}: is no array but one value.", "See docs/data.md.")
            self.shape, self.kind, self._dtype = shape, str(dtype), dtype

    def blocks(self, step: int) -> Iterator[np.ndarray]:
        """The array in blocks of at most `step` rows."""
        import numpy as np

        with self._opened() as (file, _, dtype):
            rest, size = self.shape[1:], int(np.prod(self.shape[1:], dtype=np.int64)) * dtype.itemsize
            for start in range(0, self.shape[0], step):
                count = min(step, self.shape[0] - start)
                contents = file.read(count * size)
                if len(contents) < count * size:
                    raise SuiteError(f"{self._path}: {self.name}: is cut off.", "Write the file again.")
                yield np.frombuffer(contents, dtype).reshape(count, *rest)

    def texts(self) -> list[str]:
        """All texts of an array of texts."""
        if not self.kind.startswith("<U") or len(self.shape) != 1:
            raise SuiteError(f"{self._path}: {self.name}: must be an array of texts (n,), got {self.kind}.")
        return [str(name) for block in self.blocks(1 << 16) for name in block]

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype]]:
        """The stream behind the array's header, its shape and its type."""
        from numpy.lib import format as npy

        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(f"{self.name}.npy") as file:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, fortran, dtype = read(file, max_header_size=HEADER)
                if dtype.hasobject:
                    raise SuiteError(f"{self._path}: {self.name}: holds Python objects, which are not read.", REMEDY)
                if fortran and len(shape) > 1:
                    raise SuiteError(f"{self._path}: {self.name}: is in Fortran's order.", REMEDY)
                yield file, shape, dtype
        except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise SuiteError(f"{self._path}: {self.name}: cannot be read: {error}.", "Write the file again.") from error


REMEDY = "Write numpy.ascontiguousarray(…) of numbers."
