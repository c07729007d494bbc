"""Folders of small pictures, made by a seed."""

import random

import pytest
from PIL import Image

from suite.data.own import reading


def picture(path, colour, size=(8, 6), mode="RGB", **options):
    """Write a picture of one colour; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)
    return path


@pytest.fixture
def flowers(tmp_path):
    """A folder with two classes of 10 different pictures of 6 × 8 each."""
    draw = random.Random(0)
    for name in ("rose", "tulip"):
        for number in range(10):
            picture(tmp_path / "flowers" / name / f"{number}.png", tuple(draw.randbytes(3)))
    return tmp_path / "flowers"


@pytest.fixture
def resolved():
    """Resolve a name and return it with what was said."""

    def resolve(name, **options):
        said = []
        return reading.resolve(name, say=said.append, **options), said

    return resolve
