"""A MedMNIST set by name: its .npz file from the publisher, checked by MD5 while it comes, then read as any other.

The `medmnist` package is not needed for that: it would bring scikit-image and six more packages for one download.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from suite.data.contents import Unavailable
from suite.data.freezing import Facts, Part
from suite.data.own import npz
from suite.data.own.medmnist_sets import ADDRESS, OTHERS, SETS, SIZES
from suite.data.own.request import Request
from suite.data.sources.mirrors import downloading
from suite.errors import MACHINE, SuiteError
from suite.text import nearest

LONGEST = 6 * 3600.0
"""Seconds for one file: the largest has 12 GB."""


def read(request: Request, into: Path) -> tuple[Facts, Part, Part, list[str]]:
    """The facts and both parts of a MedMNIST set, and lines to say. The file is downloaded into the folder `into`.

    Raises `SuiteError`: 2 for a name or size that there is not, 3 if the file cannot be had.
    """
    name, size = request.published, _size(request)
    found = SETS[name]
    file = f"{name}.npz" if size == SIZES[0] else f"{name}_{size}.npz"
    _download(file, found.md5[size], into / file)
    facts, train, test, notes = npz.read(Request("npz", into / file))
    title = found.title if size == SIZES[0] else f"{found.title} {size} × {size}"
    return replace(facts, title=title, classes=found.classes, licence=found.licence), train, test, notes


def _size(request: Request) -> int:
    """The size that is asked for, after checking that there is such a set."""
    name, size = request.published, request.options.get("size", str(SIZES[0]))
    if name in OTHERS:
        raise SuiteError(f"data: medmnist:{name} {OTHERS[name]}.", f"There are {', '.join(SETS)}.")
    if name not in SETS:
        raise SuiteError(
            f"data: medmnist: unknown set {name!r:.80}{nearest(name, SETS)}", f"There are {', '.join(SETS)}."
        )
    if size not in map(str, SIZES):
        raise SuiteError(f"data: medmnist: size must be one of {', '.join(map(str, SIZES))}, got {size}.")
    return int(size)


def _download(file: str, md5: str, path: Path) -> None:
    url = f"{ADDRESS}{file}?download=1"
    remedy = f"Download {ADDRESS}{file} elsewhere and give it as npz:FILE, or try again."
    seen = hashlib.md5(usedforsecurity=False)
    try:
        with downloading(url, file, longest=LONGEST) as pieces, path.open("wb") as target:
            for piece in pieces:
                seen.update(piece)
                target.write(piece)
    except Unavailable as fault:
        raise SuiteError(f"data: {file}: {fault}.", remedy, code=MACHINE) from fault
    if seen.hexdigest() != md5:
        raise SuiteError(
            f"data: {url}: expected MD5 {md5}, found {seen.hexdigest()} in {path.stat().st_size:,} bytes.",
            remedy,
            code=MACHINE,
        )
