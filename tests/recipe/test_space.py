"""What a search may be asked to look through, what it is made of, and what is refused."""

import math

import pytest

from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.allowed import OPTIMIZERS
from suite.recipe.space import DEFAULT, FIXED, Dimension, read_space
from suite.recipe.values import as_words, literal
from suite.tuning.request import require_recipes

RECIPE = Recipe(data="mnist", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=64, epochs=3)


def dimension(field, words) -> Dimension:
    return read_space({field: words})[field]


# --- ranges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [("1e-4..1e-1", 1e-4, 0.1), ("0.03..1", 0.03, 1.0), (" 0.1 .. 0.9 ", 0.1, 0.9), ("1..2", 1.0, 2.0)],
)
def test_two_numbers_with_dots_between_are_a_range(words, low, high):
    found = dimension("lr", words)

    assert (found.low, found.high, found.choices) == (low, high, ())
    assert type(found.low) is type(found.high) is float
    assert found.words == words


@pytest.mark.parametrize("field", ["lr", "weight_decay", "init_std"])
def test_the_range_of_a_scale_is_log_uniform(field):
    assert dimension(field, "1e-4..1e-1").log


@pytest.mark.parametrize(
    ("field", "words"), [("momentum", "0.1..0.9"), ("weight_decay", "0..0.1"), ("lr", "-1..1"), ("lr", "0.1,0.2")]
)
def test_any_other_range_is_uniform_and_so_is_one_that_begins_at_nothing(field, words):
    assert not dimension(field, words).log


@pytest.mark.parametrize(
    ("words", "powers"),
    [
        ("32..256", (32, 64, 128, 256)),
        ("33..256", (64, 128, 256)),
        ("32..255", (32, 64, 128)),
        ("1..4", (1, 2, 4)),
        ("0..2", (1, 2)),
        ("30000..99999", (32_768, 65_536)),
    ],
)
def test_a_range_of_batch_sizes_is_its_powers_of_two(words, powers):
    assert dimension("batch_size", words).choices == powers


# --- choices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "words", "choices"),
    [
        ("batch_size", "32,64,128", (32, 64, 128)),
        ("batch_size", "128, 32 ,64", (32, 64, 128)),
        ("lr", "0.1,1e-3", (0.001, 0.1)),
        ("optimizer", "sgd,adam", ("sgd", "adam")),
        ("shuffle", "true,false", (True, False)),
        ("init_std", "none,0.01,1", (None, 0.01, 1)),
        ("normalize", "none|0.1307,0.3081", (None, (0.1307, 0.3081))),
        ("normalize", "0.5,0.5|0.1307,0.3081", ((0.5, 0.5), (0.1307, 0.3081))),
        ("lr", "0.1|0.2", (0.1, 0.2)),
    ],
)
def test_words_with_commas_or_bars_between_are_choices_and_numbers_are_in_order(field, words, choices):
    found = dimension(field, words)

    assert found.choices == choices
    assert [type(choice) for choice in found.choices] == [type(choice) for choice in choices]


@pytest.mark.parametrize(
    ("words", "exponents"),
    [
        ("32,64,128,256", range(5, 9)),
        ("256,32,128,64", range(5, 9)),
        ("1,2", range(2)),
        ("32,128", None),
        ("32,64,96", None),
        ("48,96", None),
        ("0,1", None),
    ],
)
def test_neighbouring_powers_of_two_are_searched_by_their_exponents(words, exponents):
    assert dimension("batch_size", words).exponents == exponents


def test_what_is_no_whole_number_has_no_exponents():
    assert dimension("lr", "1.0,2.0").exponents is None
    assert dimension("lr", "1..2").exponents is None
    assert dimension("optimizer", "sgd,adam").exponents is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("0.5", 0.5), ("1e-3", 0.001), ("True", True), ("NONE", None), ("adam", "adam"), ("0,1", (0, 1))],
)
def test_a_word_is_the_value_it_spells(text, value):
    assert literal(text) == value
    assert type(literal(text)) is type(value)


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "words", "rule"),
    [
        ("lr", "", "must be a range or choices"),
        ("lr", None, "must be a range or choices"),
        ("lr", 0.1, "must be a range or choices"),
        ("lr", (0.1, 0.2), "must be a range or choices"),
        ("lr", "1e-1..1e-4", "must go from a lower to a higher number"),
        ("lr", "0.1..0.1", "must go from a lower to a higher number"),
        ("lr", "nan..1", "must go from a lower to a higher number"),
        ("lr", "0.1..nan", "must go from a lower to a higher number"),
        ("lr", "0.1..inf", "must go from a lower to a higher number"),
        ("lr", "-inf..1", "must go from a lower to a higher number"),
        ("lr", "..", "must be LOW..HIGH"),
        ("lr", "0.1..", "must be LOW..HIGH"),
        ("lr", "..0.1", "must be LOW..HIGH"),
        ("lr", "low..high", "must be LOW..HIGH"),
        ("lr", "0.1..0.2..0.3", "must be LOW..HIGH"),
        ("lr", "0.1...0.3..0.4", "must be LOW..HIGH"),
        ("lr", "false..true", "must be LOW..HIGH"),
        ("lr", "0.1..1,2", "must be LOW..HIGH"),
        ("lr", "0.1", "needs at least two different choices, each once"),
        ("lr", "0.1,0.1", "needs at least two different choices, each once"),
        ("lr", "0.1,0.2,1e-1", "needs at least two different choices, each once"),
        ("batch_size", "32,64,32", "needs at least two different choices, each once"),
        ("normalize", "none|none", "needs at least two different choices, each once"),
        ("batch_size", "33..63", "holds fewer than two powers of two"),
        ("batch_size", "33..64", "holds fewer than two powers of two"),
        ("batch_size", "0.1..0.9", "holds fewer than two powers of two"),
        ("batch_size", "-9..-1", "holds fewer than two powers of two"),
    ],
)
def test_words_that_name_nothing_to_search_are_refused_by_their_field(field, words, rule):
    with pytest.raises(SuiteError) as refused:
        read_space({field: words})

    assert str(refused.value).startswith(f"space {field} {rule}, got {words!r}. Give ")
    assert "\n" not in str(refused.value)
    assert refused.value.code == 2


def test_blanks_alone_are_no_words():
    with pytest.raises(SuiteError, match=r"^space lr must be a range or choices"):
        read_space({"lr": "  "})


@pytest.mark.parametrize("words", ["1..0.1", "0.1..0.1", "nan..1", "0.1..inf"])
def test_what_a_refusal_recommends_is_no_such_range(words):
    with pytest.raises(SuiteError) as refused:
        read_space({"lr": words})

    advice = str(refused.value).rpartition("Give for example ")[2].removesuffix(".")
    assert read_space({"lr": advice})


@pytest.mark.parametrize("field", FIXED)
def test_what_makes_trials_comparable_cannot_be_searched(field):
    with pytest.raises(SuiteError, match=rf"^space: {field} cannot be searched"):
        read_space({"lr": "0.1..1", field: "1,2"})


# --- grids --------------------------------------------------------------------------------------------------------


def test_the_grid_of_choices_is_all_of_them():
    assert dimension("batch_size", "32..128").grid() == (32, 64, 128)
    assert dimension("optimizer", "sgd,adam").grid() == ("sgd", "adam")


@pytest.mark.parametrize(
    ("words", "grid"),
    [
        ("1e-3..1e-1", (1e-3, math.sqrt(1e-5), 1e-2, math.sqrt(1e-3), 1e-1)),
        ("0.04..1", (0.04, 0.1, math.sqrt(0.1), 1.0)),
        ("0.0316227..0.1", (0.0316227, 0.1)),
        ("0.02..0.03", (0.02, 0.03)),
        ("2e-3..9e-3", (2e-3, math.sqrt(1e-5), 9e-3)),
    ],
)
def test_the_grid_of_a_scale_is_its_ends_and_the_half_decades_between(words, grid):
    assert dimension("lr", words).grid() == pytest.approx(grid, rel=1e-3)


def test_the_grid_of_any_other_range_is_its_tenths():
    found = dimension("momentum", "0..0.9").grid()

    assert found == pytest.approx([0.09 * n for n in range(11)])


@pytest.mark.parametrize("words", ["1e-4..1e-1", "0.031..0.98", "1e-12..1e6", "0.99..1.0"])
@pytest.mark.parametrize("field", ["lr", "momentum"])
def test_every_point_of_a_grid_lies_in_its_space_once_and_in_order(field, words):
    found = dimension(field, words)
    grid = found.grid()

    assert all(found.holds(value) for value in grid)
    assert list(grid) == sorted(set(grid))
    assert (grid[0], grid[-1]) == (found.low, found.high)


# --- what lies in a space -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "words", "inside", "outside"),
    [
        ("lr", "1e-4..1e-1", (1e-4, 0.1, 0.001), (9e-5, 0.11, math.nan, "0.01", None)),
        ("batch_size", "32..128", (32, 64, 128), (48, 16, 256, "64", None)),
        ("optimizer", "sgd,adam", ("sgd", "adam"), ("SGD", "", None)),
        ("normalize", "none|0.1307,0.3081", (None, (0.1307, 0.3081)), ((0.5, 0.5), 0.1307)),
    ],
)
def test_a_dimension_knows_what_the_search_may_come_to(field, words, inside, outside):
    found = dimension(field, words)

    assert [value for value in inside if not found.holds(value)] == []
    assert [value for value in outside if found.holds(value)] == []


def test_the_default_space_is_rate_and_batch_size_by_name():
    space = read_space(DEFAULT)

    assert list(space) == ["batch_size", "lr"]
    assert space["batch_size"].exponents == range(5, 9)
    assert (space["lr"].low, space["lr"].high, space["lr"].log) == (1e-4, 1e-1, True)


@pytest.mark.parametrize(
    "words",
    [
        {"lr": "1e-4..1e-1", "batch_size": "32..256"},
        {"weight_decay": "0..0.1", "momentum": "0..0.99"},
        {"optimizer": "sgd,adam"},
        {"init_std": "none,0.01,1"},
        {"normalize": "none|0.1307,0.3081"},
        {"loss": "cross-entropy,mse-one-hot", "shuffle": "true,false"},
    ],
)
def test_a_space_that_the_recipe_can_take_is_taken(words):
    require_recipes(read_space(words), RECIPE)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"lr": "0..0.1"}, "lr must be above 0, got 0.0"),
        ({"lr": "-1..0.1"}, "lr must be above 0, got -1.0"),
        ({"lr": "nan,0.1"}, "lr must be a finite number, got nan"),
        ({"lr": "fast,0.1"}, "lr must be a finite number, got 'fast'"),
        ({"batch_size": "0,32"}, "batch_size must be a whole number from 1 to 60,000, got 0"),
        ({"batch_size": "32,64.5"}, "batch_size must be a whole number from 1 to 60,000, got 64.5"),
        ({"batch_size": "32..99999"}, "batch_size must be a whole number from 1 to 60,000, got 65536"),
        ({"momentum": "0..1"}, "momentum must be at least 0 and below 1, got 1.0"),
        (
            {"optimizer": "sgd,adamax"},
            f"optimizer must be one of {', '.join(OPTIMIZERS)}, got 'adamax'",
        ),
        ({"normalize": "none|0.1"}, "normalize must be a mean and a standard deviation, got 0.1"),
        ({"momentum": "0,0.9", "optimizer": "sgd,adam"}, "momentum is not used by adam, got 0.9"),
    ],
)
def test_a_space_whose_ends_the_recipe_cannot_take_is_refused_with_the_recipes_reason(words, reason):
    with pytest.raises(SuiteError) as refused:
        require_recipes(read_space(words), RECIPE)

    asked = " ".join(f"{field}={text}" for field, text in sorted(words.items()))
    assert str(refused.value).startswith(f"space {asked}: {reason}")
    assert refused.value.code == 2


def test_values_are_printed_by_name_with_four_digits():
    values = {"lr": 0.00123456, "batch_size": 64, "normalize": (0.1307, 0.30811), "init_std": None, "shuffle": True}

    assert as_words(values) == "batch_size=64 init_std=none lr=0.001235 normalize=0.1307,0.3081 shuffle=true"
