"""Check 7: damaged data files are refused before any training, with both hashes, and are not changed."""

import gzip
import hashlib
import random
import shutil
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from suite.data import CATALOG, cached, ensure
from suite.data.dataset import FILES
from suite.errors import SuiteError
from tests.conftest import Workspace, assert_refused
from tests.promises.conftest import Check
from tests.promises.damage import cut_short, flip_a_bit, tree

pytestmark = pytest.mark.promise
TITLE = "damaged data files refused with both hashes"
PLACES = ("--data-dir", "cache")

Contents = dict[str, bytes]
Shape = tuple[str, str, bytes]  # data set, file's name, its contents


def contents(folder: Path | None) -> Contents:
    return {file: (folder / file).read_bytes() for file in FILES} if folder else {}


@pytest.fixture(scope="module")
def published(digits: Path) -> dict[str, Contents]:
    """The files of the digits, and of the real data sets that this machine already has."""
    found = {
        "digits": contents(digits),
        "mnist": contents(cached("mnist")),
        "fashion-mnist": contents(cached("fashion-mnist")),
    }
    return {name: files for name, files in found.items() if files}


def header_flipped(body: bytes, chance: random.Random) -> bytes:
    return flip_a_bit(body[:8], chance) + body[8:]


def header_says_fewer(body: bytes, _chance: random.Random) -> bytes:
    """One image less, in the header and in the file; the file is well-formed."""
    row = 784 if body[3] == 3 else 1
    return body[:4] + (int.from_bytes(body[4:8], "big") - 1).to_bytes(4, "big") + body[8:-row]


def one_value_changed(body: bytes, chance: random.Random) -> bytes:
    """One pixel or label is changed; the file is well-formed."""
    at = chance.randrange(16, len(body))
    return body[:at] + bytes([(body[at] + 9) % 10 if body[3] == 1 else (body[at] - 1) % 256]) + body[at + 1 :]


def two_values_exchanged(body: bytes, _chance: random.Random) -> bytes:
    """Exchange the first two images or labels that differ."""
    row, start = (784, 16) if body[3] == 3 else (1, 8)
    first = body[start : start + row]
    at = next(at for at in range(start, len(body), row) if body[at : at + row] != first)
    return body[:start] + body[at : at + row] + body[start + row : at] + first + body[at + row :]


def longer(body: bytes, chance: random.Random) -> bytes:
    return body + chance.randbytes(chance.randrange(1, 2_000))


def empty(_body: bytes, _chance: random.Random) -> bytes:
    return b""


PLAIN = [
    header_flipped, header_says_fewer, one_value_changed, one_value_changed, two_values_exchanged, flip_a_bit,
    longer, cut_short, empty,
]  # fmt: skip


@cache
def bomb() -> bytes:
    """200 kB that become 200 MB when they are unpacked."""
    pack = zlib.compressobj(9, wbits=31)
    return b"".join(pack.compress(bytes(1 << 20)) for _ in range(200)) + pack.flush()


def shapes(published: dict[str, Contents], chance: random.Random) -> Iterable[Shape]:
    """Every damage to every file of the digits, and a few to the real sets; repeats without end."""
    while True:
        for name, files in published.items():
            rounds = FILES if name == "digits" else chance.sample(FILES, 1)
            for file in rounds:
                body = files[file]
                for damage in PLAIN if name == "digits" else chance.sample(PLAIN, 1):
                    yield name, file, damage(body, chance)
                for other, theirs in published.items():
                    if other != name:
                        yield name, file, theirs[file]
                if name == "digits":
                    yield name, f"{file}.gz", gzip.compress(one_value_changed(body, chance), 1)
                    packed = gzip.compress(body, 1)
                    yield name, f"{file}.gz", packed[: chance.randrange(len(packed) // 2)]
                    yield name, f"{file}.gz", bomb()


def seen(shape: Shape) -> str:
    """The SHA-256 of the bytes that the suite reads: the unpacked contents, at most one byte more than expected."""
    name, file, body = shape
    room = CATALOG[name].size(file.removesuffix(".gz")) + 1
    if file.endswith(".gz"):
        body = zlib.decompressobj(wbits=31).decompress(body, room)
    return hashlib.sha256(body[:room]).hexdigest()


def put(files: Contents, shape: Shape, folder: Path) -> Path:
    """Write the four files of a set into a folder, one of them damaged as `shape` says."""
    folder.mkdir(parents=True)
    for file, body in files.items():
        if file != shape[1].removesuffix(".gz"):
            (folder / file).write_bytes(body)
    (folder / shape[1]).write_bytes(shape[2])
    return folder / shape[1]


@pytest.mark.check(7, TITLE)
def test_a_damaged_file_is_refused_with_both_hashes_and_left_as_it_is(
    check: Check, chance: random.Random, published: dict[str, Contents], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo = shapes(published, chance)
    for number in range(check.times(200, 40)):
        shape = next(todo)
        name, file, _ = shape
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(number) / "cache"))
        in_cache = number % 2 == 0 and not file.endswith(".gz")
        usual = tmp_path / str(number) / "cache" / "suite-benchmark" / "data" / name
        folder = usual if in_cache else tmp_path / str(number) / "mine"
        path = put(published[name], shape, folder)
        before = tree(tmp_path / str(number))

        with check.case():
            with pytest.raises(SuiteError) as refused:
                ensure(name, folder=None if in_cache else folder, say=lambda line: pytest.fail(line))

            wanted = CATALOG[name].sha256[file.removesuffix(".gz")]
            assert f"{path}: expected SHA-256 {wanted}, found {seen(shape)}" in str(refused.value)
            assert (refused.value.code, str(refused.value).isprintable()) == (2, True)
            assert tree(tmp_path / str(number)) == before
        shutil.rmtree(tmp_path / str(number))


@pytest.mark.check(7, TITLE)
@pytest.mark.parametrize("place", PLACES)
def test_the_command_refuses_damaged_data_before_training(
    place: str, check: Check, chance: random.Random, published: dict[str, Contents], tmp_path: Path,
    commands: Callable[..., Workspace],
) -> None:  # fmt: skip
    user = tmp_path / "cache"
    workspace = replace(commands(XDG_CACHE_HOME=str(user)), bare=True)
    folder = user / "suite-benchmark" / "data" / "digits" if place == "cache" else tmp_path / "mine"
    for damage in chance.sample(PLAIN, check.times(4, 2)):
        file = chance.choice(FILES)
        shape = ("digits", file, damage(published["digits"][file], chance))
        path = put(published["digits"], shape, folder)
        before = tree(user, folder)

        with check.case():
            options = () if place == "cache" else ("--data-dir", str(folder))
            answer = workspace.suite("run", "plain", *options)

            assert_refused(answer, 2, str(path), CATALOG["digits"].sha256[file], seen(shape))
            assert tree(user, folder) == before
            assert not [path for path in workspace.home.rglob("*") if path.is_file()]
        shutil.rmtree(folder)


@pytest.mark.check(7, TITLE)
def test_every_byte_is_hashed_each_time_and_that_is_cheap(check: Check, published: dict[str, Contents]) -> None:
    """The remark shows the time for the largest set of this machine. No limit is tested, because disks differ."""
    name = max(published, key=lambda name: sum(map(len, published[name].values())))
    megabytes = sum(map(len, published[name].values())) / 1e6

    with check.case():
        begun = time.perf_counter()
        ensure(name, say=lambda line: pytest.fail(line))
        check.remarks.append(f"hashing {name} ({megabytes:.0f} MB) took {time.perf_counter() - begun:.2f} s")
