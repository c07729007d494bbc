"""What a recipe takes, what it refuses, and in which words."""

import dataclasses
import json
import math

import pytest

from suite.errors import SuiteError
from suite.recipe import Recipe, Source
from suite.recipe.fields import LATER, NOT_FIELDS, parse_override

MINIMAL = {
    "data": "mnist", "loss": "cross-entropy", "optimizer": "sgd", "lr": 0.1, "batch_size": 64, "epochs": 3,
}  # fmt: skip
PROBED = {"probe_every": 50, "probe_images": 1_000}
NO_NUMBERS = (math.nan, math.inf, -math.inf, "0.1", True, 1j, [0.1])
NO_COUNTS = (0, -1, 2.0, math.nan, math.inf, "3", True, [3])

WRONG = {
    "data": ("minst", "MNIST", "", 5, None, ["mnist"]),
    "loss": ("hinge", "", 1, None, ["cross-entropy"]),
    "optimizer": ("lion", "SGD", "", 1, None, ("sgd",)),
    "lr": (*NO_NUMBERS, None, 0, 0.0, -0.1, 10**400),
    "batch_size": (*NO_COUNTS, None, 60_001),
    "epochs": (*NO_COUNTS, None, 10_001),
    "momentum": (*NO_NUMBERS, None, -0.1, 1, 1.5),
    "weight_decay": (*NO_NUMBERS, None, -1e-9),
    "normalize": (
        0.5, "0.1,0.3", [0.1, 0.3], (), (0.1,), (0.1, 0.3, 0.5), (math.nan, 0.3), (0.1, math.inf), (True, 0.3),
        (0.1, True), (0.1, None), (0.1, 0), (0.1, -0.3), (-0.1, 0.3), (1.1, 0.3),
    ),
    "shuffle": (0, 1, "true", None),
    "holdout": (*NO_NUMBERS, None, -0.2, 1, 1.5),
    "probe_every": NO_COUNTS,
    "probe_images": (*NO_COUNTS, 10_001),
    "keep": ("first", "", 1, None),
    "test_images": (*NO_COUNTS, 10_001),
    "init_std": (*NO_NUMBERS, 0, -0.01),
    "betas": (
        None, 0.9, "0.9,0.999", [0.9, 0.999], (), (0.9,), (0.9, 0.99, 0.999), (math.nan, 0.9), (0.9, math.inf),
        (True, 0.9), (0.9, None), (0.9, 1), (1.0, 0.9), (-0.1, 0.9), (0.9, -0.1),
    ),
    "schedule": ("linear", "one_cycle", "", 1, None, True),
    "warm_up": (*NO_NUMBERS, -0.1, 1.5),
    "precision": ("float16", "bf16", "", 32, None),
    "milestones": (*NO_NUMBERS, None, 0, 1, (), (0.5, 0.5, 0.6), (0.7, 0.5, 0.6)),
    "gamma": (*NO_NUMBERS, None, 0, 1),
    "label_smoothing": (*NO_NUMBERS, None, -0.1, 1),
    "clip_norm": (*NO_NUMBERS, 0, -1),
    "average": (*NO_NUMBERS, 0, 1),
    "augment": ("crops4", "crop", "crop0", "crop65", "flip2", "mirror", 4, None),
    "portable": ("yes", 1, None),
}  # fmt: skip


def fields_of_a_protocol():
    return [field.name for field in dataclasses.fields(Recipe) if field.name not in NOT_FIELDS]


def _met(value):
    """What a refusal shows: the value, or of a pair the place that is wrong."""
    if not isinstance(value, tuple) or len(value) != 2:
        return value
    first, second = value
    right = isinstance(first, float) and 0 <= first < 1
    return second if right else first


def recipe(**values):
    return Recipe(**{**MINIMAL, **values})


@pytest.mark.parametrize("name", fields_of_a_protocol())
def test_every_field_refuses_each_wrong_value_by_its_own_name(name):
    others = PROBED if name.startswith("probe") else {"optimizer": "adam"} if name == "betas" else {}

    for value in WRONG[name]:
        with pytest.raises(SuiteError) as refused:
            recipe(**{**others, name: value})

        assert str(refused.value).startswith(f"{name} "), value
        assert f"got {_met(value)!r:.80}."[:60] in str(refused.value)
        assert "\n" not in str(refused.value)
        assert refused.value.code == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 1e-12), ("lr", 1e6), ("batch_size", 1), ("batch_size", 60_000), ("epochs", 10_000), ("momentum", 0.999),
        ("weight_decay", 0), ("normalize", (0, 1)), ("normalize", (1, 0.001)), ("normalize", None), ("shuffle", False),
        ("holdout", 0.99), ("keep", "last"), ("test_images", 10_000), ("test_images", None), ("init_std", 1.0),
        ("init_std", None), ("data", "digits"), ("loss", "mse-one-hot"), ("optimizer", "adam"),
        ("schedule", "one-cycle"), ("warm_up", 0.3), ("precision", "bfloat16"),
    ],
)  # fmt: skip
def test_the_borders_of_what_is_allowed_are_allowed(name, value):
    assert getattr(recipe(**{name: value}), name) == value


@pytest.mark.parametrize("name", MINIMAL)
def test_a_field_without_a_default_must_be_given(name):
    with pytest.raises(TypeError, match=name):
        Recipe(**{key: value for key, value in MINIMAL.items() if key != name})


def test_a_refusal_says_what_to_write_instead():
    with pytest.raises(SuiteError) as refused:
        recipe(lr=math.nan)

    assert str(refused.value) == "lr must be a finite number, got nan. Give a number such as 0.05."


def test_the_best_epoch_cannot_be_kept_without_validation_images():
    with pytest.raises(SuiteError, match=r"^keep needs validation images"):
        recipe(keep="best")

    assert recipe(keep="best", holdout=0.2).keep == "best"


@pytest.mark.parametrize("only", PROBED)
def test_half_a_probe_is_refused(only):
    with pytest.raises(SuiteError, match=r"^probe_every goes with probe_images"):
        recipe(**{only: PROBED[only]})


def test_a_whole_probe_is_taken():
    assert recipe(**PROBED).probe_images == 1_000


def test_momentum_is_refused_where_the_optimiser_has_none():
    with pytest.raises(SuiteError, match=r"^momentum is not used by adam, got 0\.9"):
        recipe(optimizer="adam", momentum=0.9)

    assert recipe(optimizer="sgd", momentum=0.9).momentum == 0.9
    assert recipe(optimizer="adam", momentum=0).momentum == 0


def test_betas_are_refused_where_the_optimiser_has_none():
    with pytest.raises(SuiteError, match=r"^betas are not used by sgd, got \(0\.7, 0\.9\)\. Leave them out"):
        recipe(optimizer="sgd", betas=(0.7, 0.9))

    assert recipe(optimizer="adam", betas=(0, 0.9)).betas == (0.0, 0.9)
    assert recipe(optimizer="sgd", betas=(0.9, 0.999)) == recipe(optimizer="sgd")


def test_a_warm_up_is_the_schedules_own_unless_it_is_given():
    one_cycle, plain = recipe(schedule="one-cycle"), recipe()

    assert (one_cycle.warm_up, plain.warm_up) == (0.3, 0.0)
    assert recipe(schedule="one-cycle", warm_up=0).warm_up == 0.0
    assert "warm_up" not in {**one_cycle.protocol(), **plain.protocol()}
    assert (plain.changed({"schedule": "one-cycle"}), one_cycle.changed({"schedule": "constant"})) == (one_cycle, plain)
    assert plain.changed({"warm_up": 100}).changed({"schedule": "cosine"}).warm_up == 100


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"momentum": 0.9, "optimizer": "nadam"}, "momentum is not used by nadam"),
        ({"optimizer": "nesterov"}, "momentum must be above 0 for nesterov"),
        ({"betas": (0.7, 0.9), "optimizer": "rmsprop"}, "betas are not used by rmsprop"),
        ({"gamma": 0.5}, "gamma is not used by the schedule constant"),
        ({"milestones": 0.5, "schedule": "cosine"}, "milestones is not used by the schedule cosine"),
        ({"label_smoothing": 0.1, "loss": "mse-one-hot"}, "label_smoothing is not used by mse-one-hot"),
    ],
)
def test_a_value_that_nothing_uses_is_refused(fields, said):
    with pytest.raises(SuiteError, match=f"^{said}"):
        recipe(**fields)


@pytest.mark.parametrize(
    ("batch_size", "holdout"),
    [(60_000, 0.2), (40_000, 0.6), (64, 1e-12), (64, 0.9999)],
    ids=["one batch only", "two batches", "a share of nothing", "a share of all"],
)
def test_a_holdout_must_leave_a_batch_on_each_side(batch_size, holdout):
    with pytest.raises(SuiteError, match=r"^holdout must leave a batch to train on and one to validate on"):
        recipe(batch_size=batch_size, holdout=holdout)


def test_lenets_split_trains_on_750_of_938_batches():
    lenet = recipe(data="fashion-mnist", batch_size=64, holdout=0.2)

    assert math.ceil(60_000 / 64) == 938
    assert lenet.training_images() == 48_000 == 750 * 64


@pytest.mark.parametrize(
    ("data", "batch_size", "holdout", "images"),
    [
        ("mnist", 64, 0.0, 60_000),
        ("mnist", 100, 0.1, 54_000),
        ("mnist", 100, 0.3, 42_000),
        ("mnist", 30_000, 0.5, 30_000),
        ("digits", 64, 0.2, 19 * 64),
        ("digits", 1_000, 0.5, 1_000),
    ],
)
def test_the_held_out_batches_are_whole_and_the_last_ones(data, batch_size, holdout, images):
    assert recipe(data=data, batch_size=batch_size, holdout=holdout).training_images() == images


def test_a_holdout_is_checked_against_the_data_that_an_override_names():
    with pytest.raises(SuiteError, match=r"^holdout must leave a batch"):
        recipe(batch_size=2_000, holdout=0.2).changed({"data": "digits"})


def test_a_recipe_cannot_be_written_to():
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe().lr = 0.2


@pytest.mark.parametrize(
    ("whole", "real"),
    [
        ({"lr": 1}, {"lr": 1.0}),
        ({"momentum": 0}, {"momentum": 0.0}),
        ({"weight_decay": 1}, {"weight_decay": 1.0}),
        ({"normalize": (0, 1)}, {"normalize": (0.0, 1.0)}),
        ({"init_std": 1}, {"init_std": 1.0}),
        ({"weight_decay": 0.0}, {"weight_decay": -0.0}),
        ({"normalize": (0.0, 1.0)}, {"normalize": (-0.0, 1.0)}),
    ],
    ids=lambda values: " ".join(f"{name}={value}" for name, value in values.items()),
)
def test_1_and_1_point_0_are_one_recipe_to_the_last_letter_of_its_protocol(whole, real):
    assert recipe(**whole) == recipe(**real)
    assert json.dumps(recipe(**whole).protocol()) == json.dumps(recipe(**real).protocol())


def test_the_protocol_holds_every_field_with_its_default_and_neither_source_nor_space():
    source = Source(title="Somewhere", parameters=10)
    told = {
        "optimizer": "adam", "normalize": (0.1, 0.3), "betas": (0.7, 0.9), "schedule": "one-cycle", "warm_up": 0.1,
        "precision": "bfloat16", "label_smoothing": 0.1, "clip_norm": 1.0, "average": 0.9, "augment": "flip",
        "portable": True,
    }  # fmt: skip
    protocol = recipe(**told, source=source, space={"lr": "0.1..1"}).protocol()

    assert list(protocol) == [name for name in fields_of_a_protocol() if name not in ("milestones", "gamma")]
    assert recipe(schedule="step", milestones=0.5, gamma=0.2).protocol()["milestones"] == [0.5]
    assert protocol["betas"] == [0.7, 0.9]
    assert protocol["normalize"] == [0.1, 0.3]
    assert protocol["keep"] == "last"
    assert json.loads(json.dumps(protocol)) == protocol


def test_the_protocol_is_silent_of_a_later_field_that_has_its_default():
    plain = recipe(optimizer="adam")

    assert list(plain.protocol()) == [name for name in fields_of_a_protocol() if name not in LATER]
    assert plain.changed({"betas": (0.7, 0.9)}).protocol() == {**plain.protocol(), "betas": [0.7, 0.9]}
    assert plain.changed({"schedule": "one-cycle"}).protocol() == {**plain.protocol(), "schedule": "one-cycle"}
    assert {name: getattr(plain, name) for name in LATER} == {**LATER, "warm_up": 0.0}
    assert list(plain.values()) == fields_of_a_protocol()


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("lr=0.01", "lr", 0.01),
        ("lr=1e-3", "lr", 0.001),
        ("lr=1", "lr", 1),
        ("batch_size=128", "batch_size", 128),
        ("shuffle=false", "shuffle", False),
        ("shuffle=True", "shuffle", True),
        ("init_std=none", "init_std", None),
        ("normalize=0.1307,0.3081", "normalize", (0.1307, 0.3081)),
        ("data=digits", "data", "digits"),
        ("data=a=b", "data", "a=b"),
        ("lr=", "lr", ""),
    ],
)
def test_an_override_is_read_as_the_value_it_spells(text, name, value):
    found = parse_override(text)

    assert found == (name, value)
    assert type(found[1]) is type(value)


@pytest.mark.parametrize("text", ["lr=nan", "lr=inf", "lr=1e999", "lr=fast", "lr=", "lr=1,2", f"lr=1{'0' * 400}"])
def test_an_override_of_no_use_is_read_and_then_refused_by_its_field(text):
    with pytest.raises(SuiteError, match=r"^lr must be a finite number"):
        recipe().changed(dict([parse_override(text)]))


def test_an_override_without_a_value_is_refused_with_an_example():
    with pytest.raises(SuiteError) as refused:
        parse_override("lr")

    assert str(refused.value) == "--set lr: expected FIELD=VALUE. For example --set lr=0.01 batch_size=128."


@pytest.mark.parametrize("name", ["batchsize", "batch", "Batch_size"])
def test_an_override_of_an_unknown_field_offers_the_nearest(name):
    with pytest.raises(SuiteError, match=f"^{name} is not a field of a recipe; did you mean batch_size"):
        recipe().changed(dict([parse_override(f"{name}=128")]))


@pytest.mark.parametrize("name", ["source", "space", "", "__class__", "protocol"])
def test_what_is_no_field_of_the_protocol_cannot_be_overridden(name):
    with pytest.raises(SuiteError, match="is not a field of a recipe"):
        recipe().changed({name: 1})


def test_a_changed_recipe_is_another_one_and_leaves_the_first_as_it_was():
    first = recipe(source=Source(title="Somewhere", parameters=10))
    second = first.changed({"lr": 0.01, "batch_size": 128})

    assert (first.lr, first.batch_size) == (0.1, 64)
    assert (second.lr, second.batch_size) == (0.01, 128)
    assert second == dataclasses.replace(first, lr=0.01, batch_size=128)


def test_a_change_is_checked_like_a_new_recipe():
    with pytest.raises(SuiteError, match=r"^keep needs validation images"):
        recipe(keep="best", holdout=0.2).changed({"holdout": 0})


def test_what_tune_searches_is_rate_and_batch_size_unless_the_recipe_says_otherwise():
    first, second = recipe(), recipe()
    first.space["momentum"] = "0..0.9"

    assert second.space == {"lr": "1e-4..1e-1", "batch_size": "32,64,128,256"}
    assert recipe(space={"init_std": "0.01..1"}).space == {"init_std": "0.01..1"}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"lr": "1..0.1"}, "space lr must go from a lower to a higher number"),
        ({"lr": 0.1}, "space lr must be a range or choices"),
        ({"lrr": "0.1..1"}, "lrr is not a field of a recipe; did you mean lr"),
        ({"epochs": "1,2"}, "space: epochs cannot be searched"),
        (["lr"], "space must hold fields with their values"),
        ("lr=0.1..1", "space must hold fields with their values"),
    ],
    ids=["reversed", "a number", "no field", "a fixed field", "a list", "a command's words"],
)
def test_a_space_that_cannot_be_searched_is_refused(space, said):
    with pytest.raises(SuiteError) as refused:
        recipe(space=space).of({})

    assert str(refused.value).startswith(said)
    assert refused.value.code == 2


def test_a_source_cannot_be_written_to_nor_its_history():
    history = {0: (1.3, 0.5, 0.8, 0.7)}
    source = Source(title="Somewhere", parameters=10, history=history)
    history[1] = (0.0, 1.0, 0.0, 1.0)

    with pytest.raises(dataclasses.FrozenInstanceError):
        source.title = "Elsewhere"
    with pytest.raises(TypeError):
        source.history[0] = (0.0, 1.0, 0.0, 1.0)
    assert dict(source.history) == {0: (1.3, 0.5, 0.8, 0.7)}


def test_a_sources_facts_survive_a_trip_through_json():
    source = Source(title="Some|where", parameters=10, history={4: (1, 2, 3, 4)}, confused=("Coat", "Shirt", 7))
    facts = json.loads(json.dumps(source.facts()))

    assert facts["history"] == {"4": [1, 2, 3, 4]}
    assert facts["confused"] == ["Coat", "Shirt", 7]
    assert set(facts) == {field.name for field in dataclasses.fields(Source)}


@pytest.mark.parametrize("value", ["Somewhere", {"title": "Somewhere"}, 5, Source])
def test_only_a_source_is_a_source(value):
    with pytest.raises(SuiteError, match=r"^source must be a Source or None"):
        recipe(source=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", "44,426"), ("parameters", math.nan), ("accuracy", "0.88"), ("accuracy", math.nan),
        ("accuracy", 88), ("seconds", "298"), ("history", {0: (1.0, 0.5)}), ("history", {"first": (1, 2, 3, 4)}),
        ("history", {0: ("a", "b", "c", "d")}), ("confused", ("Shirt", "Coat")),
    ],
)  # fmt: skip
def test_a_source_whose_figures_cannot_be_printed_is_refused(name, value):
    with pytest.raises(SuiteError, match=rf"\b{name}\b"):
        recipe(source=Source(**{"title": "Somewhere", "parameters": 10, name: value}))
