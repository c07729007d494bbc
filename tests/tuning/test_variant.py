"""A tuned variant is a normal experiment file: the same network with the tuned values. No file is overwritten."""

from dataclasses import replace

import pytest

from suite.errors import SuiteError
from suite.recipe import registry
from suite.tuning.variant import remark_of, variant_path, write_variant
from tests.promises.conftest import CHOOSY, PLAIN

HELPED = '''"""A network that leans on definitions around it."""

import math

from suite.recipe import Recipe, Source

WIDTHS = [16]
WIDTHS.append(8)


def block(inside, outside):
    """A layer and what follows it."""
    from torch import nn

    return nn.Sequential(nn.Linear(inside, outside), nn.ReLU())


recipe = Recipe(
    data="digits", loss="mse-one-hot", optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=1e-4, batch_size=100,
    epochs=3, normalize=(0.1307, 0.3081), shuffle=False, holdout=0.2, keep="best", init_std=0.05, test_images=100,
    probe_every=5, probe_images=50, source=Source(title="Somewhere", parameters=10, accuracy=0.5),
    space={"lr": "0.01..1"},
)


def network():
    """Map images to scores."""
    from torch import nn

    # what comes in is the square of 28
    return nn.Sequential(nn.Flatten(), block(int(math.pow(28, 2)), WIDTHS[0]), nn.Linear(WIDTHS[0], 10))
'''
VALUES = {"lr": 0.012345678901234567, "batch_size": 64}


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for name, text in (("plain", PLAIN), ("choosy", CHOOSY), ("helped", HELPED)):
        (folder / f"{name}.py").write_text(text)
    return folder


def saved(own, name, values, remark="As a study found it."):
    """Save a variant. Returns the original, the original with tuned values, and the variant loaded from its file."""
    original = registry.load([own]).choose([name])[0]
    tuned = original.changed(values)
    path = variant_path(original)
    write_variant(path, replace(tuned, path=path), remark)
    found = registry.load([own])
    assert found.errors == ()
    return original, tuned, found.choose([f"{name}_tuned"])[0]


@pytest.mark.parametrize("name", ["plain", "choosy", "helped"])
def test_a_variant_is_an_experiment_with_the_tuned_values_and_the_same_network(own, name):
    original, tuned, variant = saved(own, name, VALUES)

    assert {field: getattr(variant.recipe, field) for field in VALUES} == VALUES
    assert variant.network_text == original.network_text
    assert variant.overrides == {}
    assert variant.identity == tuned.identity != original.identity


@pytest.mark.parametrize("name", ["lenet", "mlp", "cnn", "lenet_gaussian", "lenet_avgpool"])
def test_a_variant_of_each_of_ours_is_the_tuned_original(own, name):
    ours = registry.load([own]).choose([name])[0]
    tuned = ours.changed(VALUES)
    path = own / f"{name}_tuned.py"

    write_variant(path, tuned, "As a study found it.")

    variant = registry.load([own]).choose([f"{name}_tuned"])[0]
    assert variant.identity == tuned.identity
    assert variant.recipe.space == ours.recipe.space


@pytest.mark.parametrize(
    "values",
    [
        {"normalize": (0.1307, 0.3081)}, {"init_std": None}, {"shuffle": True}, {"weight_decay": 1e-12},
        {"lr": 0.1 + 0.2}, {"epochs": 7}, {"optimizer": "adam", "momentum": 0.0}, {"holdout": 0.0, "keep": "last"},
    ],
)  # fmt: skip
def test_any_value_survives_its_way_through_the_file(own, values):
    _, tuned, variant = saved(own, "helped", values)

    assert variant.recipe.protocol() == tuned.recipe.protocol()
    assert variant.identity == tuned.identity


def test_a_variant_has_the_space_and_no_source_that_never_printed_its_values(own):
    original, _, variant = saved(own, "helped", VALUES)

    assert variant.recipe.space == original.recipe.space
    assert variant.recipe.source is None


def test_a_variant_builds_the_layers_of_the_original(own):
    original, _, variant = saved(own, "helped", VALUES)

    assert str(variant.network()) == str(original.network())


def test_a_variant_says_what_it_is_and_where_it_comes_from(own):
    saved(own, "plain", VALUES, "Study plain, trial 7 of 40.")

    text = (own / "plain_tuned.py").read_text()
    assert text.startswith('"""plain with batch_size=64 lr=0.01235, as a study found it.\n\n')
    assert "\nStudy plain, trial 7 of 40.\n" in text
    assert "batch_size=64," in text


def test_a_variant_can_be_tuned_and_saved_again(own):
    saved(own, "plain", VALUES)

    _, tuned, variant = saved(own, "plain_tuned", {"lr": 0.5})

    assert (variant.name, variant.recipe.lr, variant.identity) == ("plain_tuned_tuned", 0.5, tuned.identity)


def test_a_file_that_is_there_is_never_overwritten(own):
    (own / "plain_tuned.py").write_text("mine")

    with pytest.raises(SuiteError, match=r"plain_tuned\.py exists already\.") as refused:
        saved(own, "plain", VALUES)

    assert refused.value.code == 2
    assert (own / "plain_tuned.py").read_text() == "mine"


def test_a_name_that_would_be_too_long_is_refused_before_anything_is_trained(own):
    name = "a" * 35
    (own / f"{name}.py").write_text(PLAIN)

    with pytest.raises(SuiteError, match="too long a name"):
        variant_path(registry.load([own]).choose([name])[0])


def test_a_network_that_reads_its_own_recipe_is_saved_with_the_tuned_values_or_refused(own):
    (own / "reader.py").write_text(PLAIN.replace("nn.Linear(784, 10)", "nn.Linear(784, 10, bias=recipe.lr > 0.05)"))

    try:
        _, _, variant = saved(own, "reader", VALUES)
    except SuiteError:
        assert not (own / "reader_tuned.py").exists()
    else:
        assert variant.recipe.lr == VALUES["lr"]


# --- the remark ---------------------------------------------------------------------------------------------------


def study_of(**verdict):
    row = {"trial": 7, "search": 0.875, "mean": 0.865, "fresh": [0.86, 0.865, 0.87]}
    return {"study": "quick", "trials": [{}] * 40, "outcome": {"rows": [row], "verdict": {"word": "better", **verdict}}}


def test_the_remark_tells_the_search_value_the_fresh_one_and_the_difference():
    remark = " ".join(remark_of(study_of(difference=0.02, interval=[0.01, 0.03])).split())

    assert remark == (
        "Study quick, trial 7 of 40: 0.8750 on the validation images in the search, 0.8650 under 3 fresh seeds. Against"
        " the published setting: better, +0.0200 (95 % +0.0100 to +0.0300, paired)."
    )


def test_the_remark_on_a_winner_whose_rival_diverged_has_no_difference():
    remark = " ".join(remark_of(study_of()).split())

    assert "Against the published setting: better" in remark
    assert "diverged" in remark
