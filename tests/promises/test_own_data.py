"""Check 33: the user's own data: freezing is killed, done by several processes, or on a full disk; damaged files."""

import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suite.data import ensure, frozen
from suite.data.catalog import data_set
from suite.data.own.pictures import header, pixels
from suite.data.own.reading import _note, resolve
from suite.data.own.request import parse
from suite.errors import USER, SuiteError
from tests.conftest import ROOT
from tests.promises.conftest import Check
from tests.promises.damage import cut_short, flip_a_bit

TITLE = "one's own data frozen whole or not at all, damage and hostile pictures refused"
pytestmark = [pytest.mark.promise, pytest.mark.check(33, TITLE)]
READ = "import sys; from suite.data.own.reading import resolve; print(resolve(sys.argv[1]))"
STEPS = [
    *(f"write:{step}@document.json" for step in ("begin", "half", "before-replace", "end")),
    *(f"publish:before@{file}" for file in (*frozen.ARRAYS, frozen.DOCUMENT)),
    *(f"write:{step}@NOTE" for step in ("begin", "half", "before-replace", "end")),  # NOTE: the list of its files
]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "suite-benchmark" / "data"


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A folder with two classes of 12 pictures each, 6 × 8 pixels."""
    generator = np.random.default_rng(0)
    for name in ("rose", "tulip"):
        (tmp_path / "flowers" / name).mkdir(parents=True)
        for number in range(12):
            picture = Image.fromarray(generator.integers(0, 256, (6, 8, 3), np.uint8))
            picture.save(tmp_path / "flowers" / name / f"{number}.png")
    return tmp_path / "flowers"


def start(flowers: Path, before: Callable[[], None] | None = None, **variables: str) -> subprocess.Popen[str]:
    """Start a process that reads the folder and prints the name of the data set."""
    return subprocess.Popen(
        [sys.executable, "-c", READ, f"folder:{flowers}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables}, preexec_fn=before,
    )  # fmt: skip


def assert_whole(name: str, cache: Path) -> None:
    """The data set is complete, and no unfinished file is left."""
    assert ensure(name) == cache / name
    assert sorted(path.name for path in (cache / name).iterdir()) == sorted([*frozen.ARRAYS, frozen.DOCUMENT])
    assert not list(cache.glob(".*"))
    assert not list(cache.glob("own/.*"))


def test_killed_at_any_step_it_is_whole_after_the_next_reading(check: Check, flowers, tmp_path, chance, monkeypatch):
    steps = STEPS if check.full else chance.sample(STEPS, 2)
    names, note = set(), _note(parse(f"folder:{flowers}")).name
    for number, step in enumerate(steps):
        cache = tmp_path / f"cache{number}" / "suite-benchmark" / "data"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache{number}"))
        with check.case():
            killed = start(flowers, SUITE_CRASH_AT=step.replace("NOTE", note))
            killed.communicate(timeout=60)

            assert killed.returncode == -9, step
            names.add(resolve(f"folder:{flowers}", say=lambda _: None))
            assert_whole(*names, cache)


def test_several_processes_at_once_make_one_set(check: Check, flowers, tmp_path, monkeypatch):
    for number in range(check.times(20, 1)):
        cache = tmp_path / f"cache{number}" / "suite-benchmark" / "data"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache{number}"))
        with check.case():
            crowd = [start(flowers) for _ in range(4)]
            answers = [one.communicate(timeout=60) for one in crowd]

            assert {one.returncode for one in crowd} == {0}, answers
            [name] = {out.strip() for out, _ in answers}
            assert sum("now in the cache as" in err for _, err in answers) == 1
            assert_whole(name, cache)


def test_without_disk_one_line_says_so_and_it_works_later(check: Check, flowers, cache, chance):
    for most in [0, *chance.sample(range(1, 1_500), check.times(10, 1))]:

        def limit(most: int = most) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        with check.case():
            failed = start(flowers, limit)
            _, said = failed.communicate(timeout=60)

            assert failed.returncode == 1
            assert "file too large" in said
            assert not list(cache.glob("own-*/*"))
    assert_whole(resolve(f"folder:{flowers}", say=lambda _: None), cache)


def emptied(_contents: bytes, _chance: random.Random) -> bytes:
    return b""


def exchanged(contents: bytes, _chance: random.Random) -> bytes:
    """Exchange the last two neighbouring bytes that differ. So the header of an array stays undamaged."""
    at = next(at for at in range(len(contents) - 1, 0, -1) if contents[at] != contents[at - 1])
    return contents[: at - 1] + contents[at : at + 1] + contents[at - 1 : at] + contents[at + 1 :]


def test_damage_in_the_cache_is_refused_and_left_as_it_was(check: Check, flowers, cache, chance):
    name = resolve(f"folder:{flowers}", say=lambda _: None)
    for _ in range(check.times(200, 15)):
        path = cache / name / chance.choice([*frozen.ARRAYS, frozen.DOCUMENT])
        before = path.read_bytes()
        damaged = chance.choice([flip_a_bit, cut_short, emptied, exchanged])(before, chance)
        path.write_bytes(damaged)
        os.utime(path, ns=(chance.randrange(1 << 60),) * 2)
        with check.case():
            with pytest.raises(SuiteError) as refused:
                ensure(name)

            assert str(path) in str(refused.value)
            assert path.read_bytes() == damaged
        path.write_bytes(before)
    assert_whole(name, cache)


def noise(contents: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(contents))
    return contents[:at] + chance.randbytes(chance.randrange(1, 40)) + contents[at + 20 :]


def two_of(contents: bytes, chance: random.Random) -> bytes:
    return flip_a_bit(flip_a_bit(contents, chance), chance)


@pytest.mark.parametrize("end", ["png", "jpg"])
def test_a_hostile_picture_is_read_or_refused_by_its_name(check: Check, tmp_path, chance, end):
    path = tmp_path / f"picture.{end}"
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, exif=exif)
    whole = path.read_bytes()
    refusals = 0
    for _ in range(check.times(500, 40)):
        path.write_bytes(chance.choice([flip_a_bit, cut_short, noise, two_of])(whole, chance))
        with check.case():
            shape, refusal = None, None
            try:
                header(path)
                shape = pixels(path, (3, 6, 8), "white").shape
            except SuiteError as error:
                refusal = error

            refusals += refusal is not None
            assert shape == (3, 6, 8) or (str(path) in str(refusal) and refusal.code == USER)
            assert "\n" not in str(refusal)
    assert refusals


@pytest.mark.usefixtures("cache")
def test_damaged_arrays_of_ones_own_are_refused_or_read_whole(check: Check, tmp_path, chance):
    labels = np.arange(20) % 2
    images = np.random.default_rng(2).integers(0, 256, (20, 4, 4), np.uint8)
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, x_train=images, y_train=labels, x_test=images[:6], y_test=labels[:6])
    contents, whole = path.read_bytes(), resolve(f"npz:{path}", say=lambda _: None)
    for _ in range(check.times(200, 20)):
        path.write_bytes(chance.choice([flip_a_bit, cut_short, noise, two_of])(contents, chance))
        with check.case():
            try:
                found = resolve(f"npz:{path}", again=True, say=lambda _: None)
            except SuiteError as refused:
                found = str(refused)
            assert found == whole or str(path) in found
    assert data_set(whole).test == 6
