"""Batches are the stored bytes, in the order asked for, as the recipe normalises them."""

import torch

from suite.engine.batches import batches, normalised
from suite.engine.sets import Labelled


def test_pixels_are_divided_by_255_and_normalised_only_where_asked(experiment):
    images = torch.tensor([[[[0, 51], [102, 255]]]], dtype=torch.uint8)

    plain = normalised(images, experiment().recipe)
    shifted = normalised(images, experiment(normalize=(0.2, 0.5)).recipe)

    assert plain.shape == (1, 1, 2, 2)
    assert torch.allclose(plain.flatten(), torch.tensor([0.0, 0.2, 0.4, 1.0]))
    assert torch.allclose(shifted.flatten(), torch.tensor([-0.4, 0.0, 0.4, 1.6]))
    assert images.max() == 255


def test_every_image_comes_once_and_the_last_batch_may_be_smaller():
    images, labels = torch.zeros(7, 1, 28, 28, dtype=torch.uint8), torch.arange(7)

    found = [batch.tolist() for _, batch in batches(Labelled(images, labels), 3)]

    assert found == [[0, 1, 2], [3, 4, 5], [6]]


def test_an_order_is_followed_for_images_and_labels_alike():
    labels = torch.arange(5)
    images = (labels * 10).to(torch.uint8).reshape(5, 1, 1, 1).expand(5, 1, 28, 28)

    [(given, found)] = batches(Labelled(images, labels), 5, torch.tensor([3, 1, 4, 0, 2]))

    assert found.tolist() == [3, 1, 4, 0, 2]
    assert (given[:, 0, 0, 0] // 10).tolist() == [3, 1, 4, 0, 2]
