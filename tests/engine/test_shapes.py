"""Images of any shape and any number of classes: a run's numbers, its files and its refusals."""

import warnings

import pytest
import torch
from safetensors.numpy import load_file
from sklearn.metrics import balanced_accuracy_score, f1_score
from torch import nn

from suite import data as sets
from suite.benching.loops import picture_loader
from suite.data import load
from suite.data.catalog import CATALOG
from suite.data.dataset import DataSet
from suite.engine.batches import normalised
from suite.engine.build import build_loss, build_model, call
from suite.engine.evaluate import Evaluation, evaluate
from suite.engine.events import EpochEnded
from suite.engine.layers import describe
from suite.engine.rewrite import rewrite
from suite.engine.sets import Labelled
from suite.engine.train import train
from suite.errors import SuiteError
from tests import synthetic
from tests.synthetic import COLOUR


def of_any_shape(shape, classes):
    return nn.Sequential(
        nn.Conv2d(shape[0], 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * (shape[1] // 2) * (shape[2] // 2), classes),
    )  # fmt: skip


def grey_alone():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def lazy_of_any_shape(classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))


@pytest.fixture
def register(monkeypatch):
    """Put a data set into the catalog for this test."""

    def add(data: DataSet) -> DataSet:
        monkeypatch.setitem(CATALOG, data.name, data)
        return data

    return add


@pytest.fixture
def colour(register, tmp_path):
    folder = tmp_path / "colour"
    folder.mkdir()
    register(synthetic.on_disk("colour", COLOUR, 3, folder))
    return folder


def many(register, classes, shape=(1, 4, 4)):
    files = dict.fromkeys(CATALOG["digits"].sha256, "0" * 64)
    register(DataSet("many", "Many", synthetic.names(classes), 2 * classes, classes, files, shape))
    return synthetic.in_memory(shape, classes, 2 * classes, classes)


def test_images_in_colour_come_from_their_files_with_channels_and_names(colour):
    data, expected = load("colour", colour), synthetic.in_memory(COLOUR, 3)

    for part in ("train_images", "train_labels", "test_images", "test_labels"):
        assert torch.equal(getattr(data, part), getattr(expected, part)), part
    assert data.names == ("kind 0", "kind 1", "kind 2")
    assert (sets.test_images("colour", colour) == expected.test_images.numpy()).all()


@pytest.mark.parametrize("loss", ["cross-entropy", "mse-one-hot"])
def test_a_run_in_colour_learns_and_is_equal_each_time(colour, experiment, run_of, loss):
    made = experiment(of_any_shape, data="colour", batch_size=10, loss=loss, epochs=4)
    results = []
    for under in ("one", "other"):
        run = run_of(made, under=under)
        with run.claim():
            results.append(train(run, made, load("colour", colour), lambda _: None))

    assert results[0]["metrics"]["test/accuracy"] > 0.9
    assert results[0]["weights_sha256"] == results[1]["weights_sha256"]
    assert results[0]["network"]["layers"][0]["shape"] == (8, 16, 20)


@pytest.mark.parametrize(("classes", "kind"), [(100, "uint8"), (256, "uint8"), (257, "uint16"), (1_000, "uint16")])
def test_predictions_hold_every_class(register, experiment, run_of, classes, kind):
    data = many(register, classes)
    made = experiment(of_any_shape, data="many", batch_size=50, epochs=1)
    run = run_of(made)
    with run.claim():
        train(run, made, data, lambda _: None)

    stored = load_file(run.folder / "predictions.safetensors")

    assert (str(stored["predicted"].dtype), str(stored["label"].dtype)) == (kind, kind)
    assert stored["label"].tolist() == data.test_labels.tolist()
    assert stored["predicted"].max() < classes


def test_only_what_a_network_asks_for_is_given():
    assert call(lambda: "nothing", COLOUR, 3, {}) == "nothing"
    assert call(lambda shape: shape, COLOUR, 3, {}) == COLOUR
    assert call(lambda classes=10, shape=None: (shape, classes), COLOUR, 3, {}) == (COLOUR, 3)


@pytest.mark.usefixtures("colour")
def test_a_network_for_other_images_is_refused_with_its_file_and_the_datas_shape(experiment):
    with pytest.raises(SuiteError) as refused:
        build_model(experiment(data="colour").recipe, grey_alone, seed=0)

    text = str(refused.value)
    assert __file__ in text
    assert "for images (3, 16, 20) of colour" in text
    assert "2x960 and 784x10" in text
    assert "network(shape, classes)" in text
    assert "\n" not in text
    assert refused.value.code == 2


@pytest.mark.usefixtures("colour")
def test_a_network_for_other_classes_is_refused(experiment):
    with pytest.raises(SuiteError, match=r"\(2, 3, 16, 20\) to \(2, 10\), not to \(2, 3\).*must have 3 outputs"):
        build_model(experiment(data="colour").recipe, lambda shape: of_any_shape(shape, 10), seed=0)


@pytest.mark.usefixtures("colour")
def test_lazy_layers_get_the_sizes_of_the_data(experiment):
    model = build_model(experiment(data="colour").recipe, lazy_of_any_shape, seed=0)

    assert model[1].weight.shape == (3, 960)
    assert [layer["shape"] for layer in describe(model, COLOUR)["layers"]] == [(960,), (3,)]


@pytest.mark.usefixtures("colour")
def test_the_squared_error_is_of_as_many_classes(experiment):
    loss = build_loss(experiment(data="colour", loss="mse-one-hot").recipe)

    assert loss(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([2])) == 0


def test_images_in_colour_go_the_channels_last_way():
    model = of_any_shape(COLOUR, 3)
    images = torch.rand(5, *COLOUR)
    seen = []
    model[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    way = nn.Sequential(rewrite(of_any_shape(COLOUR, 3))[0], model[0])

    way(images)

    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(seen[0], images)
    assert torch.allclose(rewrite(model)(images), model(images), atol=1e-6)


def test_a_run_in_colour_goes_on_from_its_checkpoint_with_the_same_bits(colour, experiment, run_of):
    made, data = experiment(of_any_shape, data="colour", batch_size=10), load("colour", colour)

    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    whole, broken = run_of(made, under="whole"), run_of(made, under="broken")
    with whole.claim():
        expected = train(whole, made, data, lambda _: None)
    for _ in range(made.recipe.epochs):
        with broken.claim(), pytest.raises(KeyboardInterrupt):
            train(broken, made, data, stop)
    with broken.claim():
        found = train(broken, made, data, lambda _: None)

    assert found["weights_sha256"] == expected["weights_sha256"]
    assert found["predictions_sha256"] == expected["predictions_sha256"]


@pytest.mark.parametrize("seed", range(5))
def test_averages_over_classes_are_scikit_learns(seed):
    draw = torch.Generator().manual_seed(seed)
    labels, predicted = torch.randint(2, 9, (40,), generator=draw), torch.randint(0, 12, (40,), generator=draw)
    labels[:20] = predicted[:20]

    found = Evaluation(0.0, predicted, torch.ones(40), labels).averages()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted and are no labels
        expected = balanced_accuracy_score(labels, predicted), f1_score(labels, predicted, average="macro")
    assert found == pytest.approx(expected)


def test_the_first_five_scores_are_counted_from_twenty_classes_on(register, experiment):
    few, data = experiment().recipe, many(register, 20)
    recipe = experiment(data="many").recipe
    ranked = torch.arange(20.0, 0, -1).expand(20, 20)  # class 0 has the highest score for every image

    found = evaluate(Fixed(ranked), Labelled(data.test_images, data.test_labels), recipe, build_loss(recipe))

    assert found.top == 5 / 20
    assert found.accuracy() == 1 / 20
    images = torch.zeros(20, 1, 28, 28, dtype=torch.uint8)
    assert evaluate(Fixed(ranked[:, :10]), Labelled(images, data.test_labels % 10), few, build_loss(few)).top is None


class Fixed(nn.Module):
    """Gives the same scores, whatever the images are."""

    def __init__(self, scores):
        super().__init__()
        self.scores = scores

    def forward(self, images):
        return self.scores[: len(images)]


def test_the_loops_of_others_see_the_same_colours(colour, experiment):
    recipe = experiment(data="colour", normalize=(0.3, 0.2), batch_size=7).recipe
    data = load("colour", colour)

    loader = picture_loader(recipe, Labelled(data.test_images, data.test_labels), shuffle=False)
    pixels = torch.cat([batch for batch, _ in loader])

    assert torch.allclose(pixels, normalised(data.test_images, recipe), atol=1e-6)


@pytest.mark.usefixtures("colour")
def test_images_that_are_too_small_are_refused_with_their_shape(experiment):
    def deep(shape, classes):
        return nn.Sequential(nn.Conv2d(shape[0], 4, 17), nn.Flatten(), nn.LazyLinear(classes))

    with pytest.raises(SuiteError, match=r"for images \(3, 16, 20\) of colour\. Choose data with images that it can"):
        build_model(experiment(data="colour").recipe, deep, seed=0)
