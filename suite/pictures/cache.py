"""A cache of pictures, by the numbers they show, because drawing takes nearly all of a large report's time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.disk import files
from suite.pictures import canvas
from suite.pictures.drawing import KINDS, Images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 1 << 26
DIGEST = 64  # each entry begins with the SHA-256 of its contents, in so many hexadecimal digits


class Kept:
    """A folder of pictures; the key is the SHA-256 of their numbers and of the code and libraries that draw them.

    A picture from the cache has the same bytes as a newly drawn one. Without a folder nothing is kept. Only one
    process may use the folder at a time.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._used: set[str] = set()

    def find(self, key: str, kinds: Sequence[str] = KINDS) -> Images | None:
        """The picture of this key; None unless its files of all these kinds are there and undamaged."""
        if self._folder is None:
            return None
        names = _names(key, kinds)
        self._used.update(names.values())
        found = {kind: image for kind, name in names.items() if (image := _read(self._folder / name)) is not None}
        return found if len(found) == len(kinds) else None

    def keep(self, key: str, images: Images) -> None:
        """Store the picture of this key."""
        if self._folder is not None:
            files.make_folder(self._folder)
            for kind, name in _names(key, list(images)).items():
                files.write(self._folder / name, sha256(images[kind]).hexdigest().encode() + images[kind])

    def forget_unused(self) -> None:
        """Delete pictures that this object was not asked for, and files that killed writers left."""
        if self._folder is not None and self._folder.is_dir():
            files.remove_leftovers(self._folder)
            for path in self._folder.iterdir():
                if path.name not in self._used and path.suffix[1:] in KINDS:
                    files.remove(path)

    def key(self, draw: Callable[..., "Figure"], numbers: Sequence[Any]) -> str:
        """The cache key of `draw(*numbers)`: a digest of everything that determines the picture."""
        drawer = [*self._drawer, _code(draw.__module__), draw.__name__]
        return sha256(json.dumps([drawer, numbers], sort_keys=True, default=_plain).encode()).hexdigest()

    @cached_property
    def _drawer(self) -> list[str]:
        """What every picture depends on besides its numbers: our style and the libraries, and nothing of the user's."""
        return [_code(canvas.__name__), *map(version, ("matplotlib", "numpy", "pillow"))]


def _names(key: str, kinds: Sequence[str]) -> dict[str, str]:
    """The file name for each file type of a picture."""
    return {kind: f"{key}.{kind}" for kind in kinds}


def _code(module: str) -> str:
    """The SHA-256 of a module's text, in hexadecimal."""
    package, _, name = module.rpartition(".")
    return sha256(resources(package).joinpath(f"{name}.py").read_bytes()).hexdigest()


def _read(path: Path) -> bytes | None:
    """A stored picture; None if it is missing or damaged."""
    try:
        contents = files.read(path, LARGEST)
    except (OSError, files.Unfit):
        return None
    image = contents[DIGEST:]
    return image if sha256(image).hexdigest().encode() == contents[:DIGEST] else None


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value.tolist()  # a numpy array
