"""A data set larger than the memory: when it is frozen and trained on, its images are never all in memory at once."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from suite.benching import loops
from suite.data import ensure, load
from suite.data.own import reading
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment
from suite.recipe.registry import load as load_experiments

pytestmark = pytest.mark.promise

IMAGES, SIDE = 20_000, 64
BYTES = IMAGES * 3 * SIDE * SIDE  # 246 MB; docs/data.md has the measurement with 4 GB of data and a limit of 2 GB


class _Enough(Exception):
    pass


def own_memory():
    """The memory of this process in bytes, without mapped pages of files."""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024


def write(path):
    """An .npz file, written in pieces."""
    chance = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for part, count in (("train", IMAGES), ("test", 100)):
            with archive.open(f"{part}_images.npy", "w", force_zip64=True) as file:
                facts = {"descr": "|u1", "fortran_order": False, "shape": (count, 3, SIDE, SIDE)}
                np.lib.format.write_array_header_1_0(file, facts)
                for _ in range(count // 100):
                    file.write(chance.bytes(100 * 3 * SIDE * SIDE))
            with archive.open(f"{part}_labels.npy", "w") as file:
                np.lib.format.write_array(file, np.arange(count) % 10)


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells which pages are a file's")
def test_a_set_is_frozen_and_trained_on_without_a_copy_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write(tmp_path / "large.npz")
    experiment = load_experiments().choose(["mlp"])[0]
    before, seen, steps = own_memory(), [], 0
    freeze_one = reading.freeze

    def freeze(facts, train, test, into):
        def watched(blocks):
            for block in blocks:
                seen.append(own_memory())
                yield block

        return freeze_one(facts, type(train)(train.images, watched(train.blocks)), test, into)

    monkeypatch.setattr(reading, "freeze", freeze)
    name = reading.resolve(f"npz:{tmp_path / 'large.npz'}")
    frozen_in = max(seen) - before
    changed: Experiment = experiment.changed({"data": name})
    assert isinstance(changed.recipe, Recipe)
    before = own_memory()
    data, total = load(name, ensure(name)), []

    def after(images):
        nonlocal steps
        steps += images
        total.append(own_memory() - before)
        if steps >= IMAGES:
            raise _Enough

    with pytest.raises(_Enough):
        loops.suite(changed, data, after)

    assert len(seen) > 20
    assert frozen_in < BYTES / 4
    assert max(total) < BYTES  # network, optimiser and torch take 209 MB; a copy of all images would come on top
