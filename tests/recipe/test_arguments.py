"""A function's arguments are fields of the recipe: checked by their defaults, searched, and part of the identity."""

from dataclasses import replace

import pytest

from suite.errors import SuiteError
from suite.recipe import registry
from suite.tuning.asking import distributions, to_params, to_values
from suite.tuning.request import Request
from suite.tuning.variant import write_variant

FILE = '''"""A network with hyper-parameters."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=100, epochs=1)


def network(shape, classes, width=16, dropout=0.0, kind="relu", biased=True, scale=None):
    """Map images to scores."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10))
'''
DEFAULTS = {"width": 16, "dropout": 0.0, "kind": "relu", "biased": True, "scale": None}


@pytest.fixture
def load(tmp_path):
    """The experiment whose file says `text`, or the error of its file."""

    def load(text=FILE):
        (tmp_path / "one.py").write_text(text, encoding="utf-8")
        found = registry.load([tmp_path])
        return found.errors[0] if found.errors else found.experiments["one"]

    return load


def test_every_argument_with_a_default_is_a_field_and_what_the_suite_gives_is_none(load):
    one = load()

    assert dict(one.recipe.arguments) == DEFAULTS
    assert one.recipe.protocol().items() >= DEFAULTS.items()
    assert one.recipe.values().items() >= DEFAULTS.items()


@pytest.mark.parametrize(
    ("name", "value"), [("width", 32), ("dropout", 0.5), ("kind", "tanh"), ("biased", False), ("scale", 2)]
)
def test_a_changed_argument_is_an_override_and_another_identity(load, name, value):
    one = load()
    changed = one.changed({name: value, "lr": 0.2})

    assert changed.recipe[name] == value
    assert changed.overrides == {name: value, "lr": 0.2}
    assert changed.identity != one.changed({"lr": 0.2}).identity
    assert one.changed({name: DEFAULTS[name]}).identity == one.identity
    assert one.changed(changed.recipe.protocol() | {"betas": (0.9, 0.999)}).identity == changed.identity


def test_a_whole_number_for_a_real_one_is_the_same_recipe(load):
    assert load().changed({"dropout": 0}).overrides == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"widht": 32}, "widht is not a field of a recipe; did you mean width"),
        ({"width": 32.5}, "width must be a whole number, got 32.5. Give one such as 16."),
        ({"width": True}, "width must be a whole number, got True"),
        ({"dropout": "half"}, "dropout must be a finite number, got 'half'"),
        ({"dropout": float("nan")}, "dropout must be a finite number, got nan"),
        ({"kind": 3}, "kind must be text, got 3"),
        ({"biased": 1}, "biased must be true or false, got 1"),
        ({"scale": (1, 2)}, "scale must be a number, a text, true, false or none, got (1, 2)"),
    ],
)
def test_a_wrong_name_or_value_is_one_line(load, values, reason):
    with pytest.raises(SuiteError) as refused:
        load().changed(values)

    assert str(refused.value).startswith(reason)
    assert refused.value.code == 2
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("shape, width", "an argument 'width' without a default"),
        ("shapes, classes", "an argument 'shapes' without a default; did you mean shape?"),
        ("*sizes", "named arguments, got '*sizes'"),
        ("**options", "named arguments, got '**options'"),
        ("width=16, /", "named arguments, got 'width=16'"),
        ("lr=0.1", "an argument 'lr', a name that every recipe has"),
        ("space=1", "an argument 'space', a name that every recipe has"),
        ("seed=1", "an argument 'seed', a name that every recipe has"),
        ("sizes=(1, 2)", "an argument 'sizes' with the default (1, 2)"),
        ("width=float('inf')", "width must be a finite number, got inf"),
        ("größe=1", "an argument 'größe'"),
    ],
)
def test_an_argument_that_cannot_be_a_hyper_parameter_is_refused_with_its_file(load, tmp_path, arguments, reason):
    start, _, body = FILE.partition("def network(")
    error = load(f"{start}def network({arguments}):{body.partition('):')[2]}")

    assert str(error).startswith(f"{tmp_path / 'one.py'}: ")
    assert reason in str(error)
    assert "\n" not in str(error)


def test_a_recipe_may_give_arguments_other_values_and_a_space(load):
    own = 'epochs=1, arguments={"width": 32}, space={"width": "8..64"})'
    one = load(FILE.replace("epochs=1)", own))

    assert dict(one.recipe.arguments) == {**DEFAULTS, "width": 32}
    assert one.overrides == {}
    assert "has 'wdith'; did you mean width" in str(
        load(FILE.replace("epochs=1)", 'epochs=1, arguments={"wdith": 3})'))
    )
    assert "wdith is not a field" in str(load(FILE.replace("epochs=1)", 'epochs=1, space={"wdith": "1,2"})')))


def test_a_range_of_whole_numbers_is_searched_by_whole_numbers(load):
    space = Request(space={"width": "8..64", "dropout": "0..0.7"}).rules(load()).space

    known = distributions(space)
    values = {"width": 12, "dropout": 0.5}

    assert (known["width"].low, known["width"].high, known["width"].step) == (8, 64, 1)
    assert to_values(space, to_params(space, values)) == values
    assert type(to_values(space, {"width": 12, "dropout": 0.5})["width"]) is int
    assert space["width"].grid() == (8, 14, 19, 25, 30, 36, 42, 47, 53, 58, 64)
    assert space["dropout"].grid()[:2] == (0.0, pytest.approx(0.07))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"width": "8..64.5"}, "space width must go from one whole number to another"),
        ({"width": "8,9.5"}, "space width=8,9.5: width must be a whole number, got 9.5"),
        ({"widht": "8..64"}, "widht is not a field of a recipe; did you mean width"),
    ],
)
def test_a_space_that_an_argument_cannot_take_is_refused(load, words, reason):
    with pytest.raises(SuiteError) as refused:
        Request(space=words).rules(load())

    assert str(refused.value).startswith(reason)


def test_a_tuned_variant_has_the_same_identity(load, tmp_path):
    tuned = load().changed({"width": 24, "lr": 0.2})
    path = tmp_path / "one_tuned.py"

    write_variant(path, replace(tuned, path=path), "As a study found it.")

    assert registry.load([tmp_path]).choose(["one_tuned"])[0].identity == tuned.identity


def test_the_network_gets_shape_classes_and_its_values(load):
    from suite.engine.build import build_model, call

    one = load().changed({"width": 24, "dropout": 0.3})

    model = build_model(one.recipe, one.network, seed=0)

    assert (model[1].out_features, model[3].p) == (24, 0.3)
    assert call(lambda shape, classes, width=1: (shape, classes, width), (3, 32, 32), 7, {"width": 2, "other": 1}) == (
        (3, 32, 32), 7, 2,
    )  # fmt: skip
    assert call(lambda: "neither", (3, 32, 32), 7, {}) == "neither"


def test_the_verbs_take_and_show_hyper_parameters(in_process, workspace):
    (workspace.home.parent / "own" / "one.py").write_text(FILE)

    shown = in_process("show", "one")
    refused = [in_process("run", "one", "--set", "widht=3"), in_process("tune", "one", "--space", "widht=1..3")]

    assert [
        line.split()[0] for line in shown.out.splitlines() if line.split()[0:1] and line.split()[0] in DEFAULTS
    ] == [*DEFAULTS]
    for answer in refused:
        assert (answer.code, answer.out) == (2, "")
        assert "widht is not a field of a recipe; did you mean width" in answer.err
