"""What the user asks for: `folder:PATH?size=32`, `npz:FILE`, `hf:NAME`, `medmnist:NAME`, or a file in `datasets/`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from suite.errors import USER, SuiteError, machine_error
from suite.text import nearest

_PICTURES = ("test", "seed", "size", "colour", "background")
OPTIONS: dict[str, tuple[str, ...]] = {
    "folder": _PICTURES,
    "npz": (),
    "hf": (*_PICTURES, "image", "label", "config", "revision"),
    "medmnist": ("size",),
}
"""The kinds of one's own data, and the options that may stand behind the `?` of each."""
_WHAT = {"folder": "a folder", "hf": "a set of the Hub", "medmnist": "a MedMNIST set"}
WAYS = "folder:PATH, npz:FILE, hf:OWNER/NAME, medmnist:NAME, or the name of a file in datasets/"
MOST_FILES = 10_000_000
_places: list[Path] = []  # the folders of experiments of this process, each with its own `datasets/`


@dataclass(frozen=True)
class Request:
    """A way to read one's own data: the kind, the file or folder, and the options."""

    kind: str
    path: Path
    options: dict[str, str] = field(default_factory=dict)
    published: str = ""
    """The name at its publisher of what is no file or folder here; `path` has no meaning then."""

    @property
    def where(self) -> str:
        """The file, the folder or the published name, for errors."""
        return f"{self.kind}:{self.published}" if self.published else str(self.path)

    @property
    def text(self) -> str:
        """The same request with an absolute path, always written in the same way."""
        words = "&".join(f"{name}={value}" for name, value in sorted(self.options.items()))
        return f"{self.kind}:{self.published or self.path}{'?' if words else ''}{words}"

    def signature(self) -> str:
        """A digest of the names, sizes and times of the files, so that changed data is read again.

        What is published is read again only when the user says so: it must not change a study on its way.
        Raises `SuiteError`: 2 if there is no such file or folder, 3 if it cannot be read.
        """
        seen = hashlib.sha256()
        if self.published:
            return seen.hexdigest()
        try:
            if self.kind == "script":
                seen.update(self.path.read_bytes())
            for line in _walk(self.path) if self.kind in ("folder", "hf") else [_facts(self.path, self.path.stat())]:
                seen.update(line.encode("utf-8", "surrogateescape"))
        except FileNotFoundError as error:
            raise SuiteError(f"data: {error.filename}: there is no such file or folder.", "Check the path.") from error
        except OSError as error:
            raise machine_error(error, error.filename or self.path) from error
        return seen.hexdigest()


def parse(text: str) -> Request | None:
    """The request that a text is, or None if it is none; raises `SuiteError` (2) for wrong options."""
    kind, colon, rest = text.partition(":")
    if not colon:
        return _script(text)
    if kind not in OPTIONS:
        return None
    path, mark, words = rest.rpartition("?") if OPTIONS[kind] and "?" in rest else (rest, "", "")
    if not path:
        raise SuiteError(f"data: {text!r:.80} names no path.", f"Write {WAYS}.")
    options = dict(_option(kind, word) for word in words.split("&")) if mark else {}
    if kind == "medmnist" or (kind == "hf" and not path.startswith(("/", ".", "~"))):
        if kind == "hf" and not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", path):
            raise SuiteError(
                f"data: {path!r:.80} is no name of a set on the Hugging Face Hub.",
                "Write hf:OWNER/NAME, or hf:./FOLDER for a folder here.",
            )
        return Request(kind, Path(), options, published=path)
    return Request(kind, Path(os.path.abspath(os.path.expanduser(path))), options)


def look_in(folders: Iterable[Path]) -> None:
    """Let this process find data by the name of a file in the `datasets/` of these folders of experiments."""
    _places[:] = [folder / "datasets" for folder in folders]


def scripts() -> list[str]:
    """The names of the files in the `datasets/` of the user's folders."""
    return sorted({path.stem for place in _places for path in place.glob("*.py") if not path.name.startswith("_")})


def _script(name: str) -> Request | None:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        return None
    found = [place / f"{name}.py" for place in _places if (place / f"{name}.py").is_file()]
    if len(found) > 1:
        raise SuiteError(f"data: {name} is defined by {found[0]} and by {found[1]}.", "Rename one of them.", code=USER)
    return Request("script", found[0].absolute()) if found else None


def _option(kind: str, word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    rules = {
        "test": (r"0?\.\d{1,4}", "a share such as 0.2"),
        "seed": (r"\d{1,9}", "a whole number"),
        "size": (r"[1-9]\d{0,3}(x[1-9]\d{0,3})?", "pixels such as 32, or height x width such as 32x48"),
        "colour": (r"grey|rgb", "grey or rgb"),
        "background": (r"white|black", "white or black"),
        "image": (r"[^&=]{1,200}", "the name of a column"),
        "label": (r"[^&=]{1,200}", "the name of a column"),
        "config": (r"[\w.-]{1,200}", "the name of a part of the set"),
        "revision": (r"[\w./-]{1,200}", "a branch, a tag or a commit"),
    }
    if name not in OPTIONS[kind]:
        raise SuiteError(
            f"data: {name!r:.40} is no option of {_WHAT[kind]}{nearest(name, OPTIONS[kind])}",
            f"There are {', '.join(OPTIONS[kind])}.",
        )
    pattern, rule = rules[name]
    if not re.fullmatch(pattern, value) or (name == "test" and not float(value)):
        raise SuiteError(f"data: {name} must be {rule}, got {value!r:.40}.", "For example ?test=0.2&size=32.")
    return name, value


def _walk(root: Path) -> Iterator[str]:
    """A line for every file below a folder, in a fixed order. Links are not followed."""
    if not root.is_dir():
        raise SuiteError(f"data: {root}: there is no such folder.", "Check the path.")
    count = 0
    for at, folders, names in os.walk(root, onerror=_raise):
        folders.sort()
        for name in sorted(names):
            path = Path(at, name)
            count += 1
            if count > MOST_FILES:
                raise SuiteError(f"data: {root} has more than {MOST_FILES:,} files.", "Name a smaller folder.")
            yield _facts(path.relative_to(root), path.lstat())


def _facts(path: Path, found: os.stat_result) -> str:
    return f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n"


def _raise(error: OSError) -> None:
    raise error
