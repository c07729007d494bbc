"""Augmentation: bytes in, bytes out, and the same draws for the same seed, epoch and batch."""

import pytest
import torch

from suite.engine.augment import augmenting, crop, erase, flip, rotate
from suite.engine.batches import batches
from suite.engine.sets import Labelled

SHAPES = [(7, 28, 28), (7, 1, 28, 28), (7, 3, 20, 32)]


def images(shape=(64, 3, 12, 10)):
    return torch.randint(1, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("words", ["crop4", "flip", "rotate15", "erase8", "crop4,flip,rotate180,erase3"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_batch_is_a_function_of_seed_epoch_and_batch(experiment, words, shape):
    recipe, given = experiment(augment=words).recipe, images(shape)
    kept = given.clone()

    found = augmenting(recipe, {}, 1, 2)(3, given)

    assert (found.shape, found.dtype) == (given.shape, torch.uint8)
    assert torch.equal(found, augmenting(recipe, {}, 1, 2)(3, given))
    assert torch.equal(given, kept)
    others = [
        augmenting(recipe, {}, *key)(batch, given) for *key, batch in ((0, 2, 3), (1, 0, 3), (1, 2, 0), (1, 3, 2))
    ]
    assert not any(torch.equal(other, found) for other in others)


def test_a_crop_moves_each_image_and_fills_with_0():
    given = images()
    found = crop(given, 2, drawn())

    padded = torch.nn.functional.pad(given, (2, 2, 2, 2))
    windows = [[padded[:, :, y : y + 12, x : x + 10] for x in range(5)] for y in range(5)]
    places = [
        [(y, x) for y in range(5) for x in range(5) if torch.equal(found[n], windows[y][x][n])] for n in range(64)
    ]
    assert all(len(place) == 1 for place in places)
    assert len({place[0] for place in places}) > 15


def test_about_half_of_the_images_are_mirrored():
    given = images((400, 1, 5, 5))
    found = flip(given, 0, drawn())

    mirrored = [torch.equal(one, other.flip(-1)) for one, other in zip(found, given, strict=True)]
    as_given = [torch.equal(one, other) for one, other in zip(found, given, strict=True)]
    assert all(one or other for one, other in zip(mirrored, as_given, strict=True))
    assert 150 < sum(mirrored) < 250


def test_a_square_is_erased_at_any_place_cut_at_the_border():
    found = erase(images(), 4, drawn())

    gone = (found == 0).all(1)
    areas = gone.flatten(1).sum(1)
    assert areas.max() == 16
    assert areas.min() >= 4
    assert all(torch.equal(one[0] == 0, one[1] == 0) for one in found)


def test_a_turn_keeps_the_middle_and_a_turn_by_nothing_keeps_all(monkeypatch):
    given = torch.zeros(20, 1, 21, 41, dtype=torch.uint8)
    given[:, :, 10, 10:31] = 200  # a level line through the middle

    found = rotate(given, 90, drawn())

    lengths = (found > 50).flatten(1).sum(1)
    assert (found[:, 0, 10, 20] == 200).all()
    assert ((lengths >= 17) & (lengths <= 45)).all()  # an oblong image is turned, not sheared
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.full((20,), 0.5))
    assert torch.equal(rotate(given, 90, drawn()), given)


def test_only_batches_with_a_change_are_changed():
    given = images((10, 1, 28, 28))
    labels = torch.arange(10)

    numbers, ten = [], Labelled(given, labels)
    found = list(batches(ten, 4, change=lambda number, one: numbers.append(number) or one // 2))

    assert numbers == [0, 1, 2]
    assert torch.equal(torch.cat([one for one, _ in found]), given // 2)
