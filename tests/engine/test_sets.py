"""Which images train and which validate: an ordinary run's as its source has them, a trial's by classes, for good."""

import hashlib
import os
import subprocess
import sys

import pytest
import torch

from suite.engine.sets import published, stratified
from tests.conftest import ROOT


def numbered(labels):
    """Images that carry their own number, so that a set can say which ones it has."""
    numbers = torch.arange(len(labels))
    return torch.stack([numbers // 256, numbers % 256], 1).to(torch.uint8).reshape(-1, 1, 2), torch.as_tensor(labels)


def numbers_of(labelled):
    images = labelled.pick(None, 0, len(labelled.labels))[0].reshape(-1, 2).long()
    return (images[:, 0] * 256 + images[:, 1]).tolist()


def drawn(images, classes=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return numbered(torch.randint(classes, (images,), generator=generator))


# --- a trial's ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("images", [6, 7, 11, 100, 1_499, 1_500, 60_000])
def test_one_image_in_six_validates(images):
    sets = stratified("some data", drawn(images))

    assert len(sets.validation.rows) == len(sets.validation.labels) == images // 6
    assert len(sets.training.rows) == len(sets.training.labels) == images - images // 6


@pytest.mark.parametrize("images", [100, 1_500])
def test_every_image_is_in_one_of_the_two_and_in_no_more(images):
    sets = stratified("some data", drawn(images))

    training, validation = numbers_of(sets.training), numbers_of(sets.validation)
    assert sorted([*training, *validation]) == list(range(images))
    assert not set(training) & set(validation)


def test_both_parts_keep_the_order_and_every_image_its_label():
    training = drawn(1_500)

    sets = stratified("some data", training)

    for part in (sets.training, sets.validation):
        assert numbers_of(part) == sorted(numbers_of(part))
        assert torch.equal(part[1], training[1][numbers_of(part)])


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("images", [60, 997, 1_500])
def test_each_class_validates_by_its_share_to_within_one_image(classes, images):
    weights = torch.arange(1.0, classes + 1)  # the last class is the largest by far
    labels = torch.multinomial(weights, images, replacement=True, generator=torch.Generator().manual_seed(classes))

    sets = stratified("some data", numbered(labels))

    members = torch.bincount(labels, minlength=classes)
    found = torch.bincount(sets.validation[1], minlength=classes)
    assert found.sum() == images // 6
    assert ((found - members * (images // 6) / images).abs() < 1).all()


def test_a_class_that_is_missing_validates_nothing():
    labels = torch.tensor([0, 2] * 30)

    sets = stratified("some data", numbered(labels))

    assert torch.bincount(sets.validation[1]).tolist() == [5, 0, 5]


def test_the_digits_shares_are_those_of_all_of_them(digits):
    sets = stratified("digits", (digits.train_images, digits.train_labels))

    exact = torch.bincount(digits.train_labels) / 6
    assert (len(sets.training[1]), len(sets.validation[1])) == (1_250, 250)
    assert ((torch.bincount(sets.validation[1]) - exact).abs() < 1).all()


def test_which_validate_are_not_the_last_or_first_ones_but_drawn(digits):
    sets = stratified("digits", numbered(digits.train_labels))

    numbers = torch.tensor(numbers_of(sets.validation)).double()
    assert abs(numbers.mean() - 750) < 4 * 1_500 / (12 * 250) ** 0.5
    assert numbers.diff().unique().numel() > 5


def test_a_trial_watches_no_probe(digits):
    assert stratified("digits", (digits.train_images, digits.train_labels)).probes is None


def test_the_images_are_the_same_at_every_call_whatever_was_drawn_before():
    training = drawn(1_500)
    first = stratified("some data", training)

    torch.manual_seed(5)
    torch.rand(100)
    state = torch.get_rng_state()
    again = stratified("some data", training)

    assert numbers_of(again.validation) == numbers_of(first.validation)
    assert torch.equal(torch.get_rng_state(), state), "the draw of images draws from nobody else"


def test_other_data_have_other_images():
    training = drawn(1_500)

    one, other = stratified("mnist", training), stratified("fashion-mnist", training)

    assert numbers_of(one.validation) != numbers_of(other.validation)


@pytest.mark.commands
def test_the_images_are_the_same_in_every_process(digits):
    program = (
        "import hashlib, sys; from pathlib import Path; from suite.data import ensure, load_training\n"
        "from suite.engine.sets import stratified\n"
        "sets = stratified('digits', load_training('digits', ensure('digits')))\n"
        "print(hashlib.sha256(sets.validation.rows.numpy().tobytes()).hexdigest())"
    )
    here = stratified("digits", (digits.train_images, digits.train_labels)).validation.rows

    there = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": n},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for seed, n in (("1", "1"), ("2", "2"))
    ]  # fmt: skip

    assert there == [hashlib.sha256(here.numpy().tobytes()).hexdigest()] * 2


# --- an ordinary run's --------------------------------------------------------------------------------------------


def test_without_a_holdout_all_training_images_train(experiment, digits):
    sets = published(experiment().recipe, digits)

    assert torch.equal(sets.training[0], digits.train_images)
    assert torch.equal(sets.training[1], digits.train_labels)
    assert sets.validation is None
    assert sets.probes is None


def test_a_holdout_is_the_last_batches_in_the_published_order(experiment, digits):
    recipe = experiment(holdout=0.2, batch_size=100).recipe

    sets = published(recipe, digits)

    assert torch.equal(sets.training[0], digits.train_images[:1_200])
    assert torch.equal(sets.training[1], digits.train_labels[:1_200])
    assert torch.equal(sets.validation[0], digits.train_images[1_200:])
    assert torch.equal(sets.validation[1], digits.train_labels[1_200:])


def test_probes_are_the_first_test_images(experiment, digits):
    sets = published(experiment(probe_every=5, probe_images=50).recipe, digits)

    assert torch.equal(sets.probes[0], digits.test_images[:50])
    assert torch.equal(sets.probes[1], digits.test_labels[:50])
