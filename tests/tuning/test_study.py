"""The next trials depend only on the rules and the trials before, in every storage and after any interruption."""

import math

import optuna
import pytest
from optuna.storages import InMemoryStorage

from suite.recipe.values import as_words
from suite.tuning.halving import Ended, run_generation
from suite.tuning.search import search
from tests.tuning.synthetic import EVERY, RATES, Recorder, plain, rules_of, study_in

pytestmark = pytest.mark.studies

SPACES = {
    "rates": RATES,
    "choices": {"lr": "0.001,0.01,0.1", "batch_size": "32,128", "optimizer": "sgd,adam"},
    "one": {"lr": "1e-4..1e-1"},
    "whatever": {
        "init_std": "none,0.01,1", "normalize": "none|0.1307,0.3081", "shuffle": "true,false", "weight_decay": "0..0.1",
    },
}  # fmt: skip


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    """A storage in which a study still exists when its `Study` object is gone."""
    return InMemoryStorage() if request.param == "memory" else f"sqlite:///{tmp_path / 'studies.db'}"


def searched(rules, total=12, storage=None):
    study = study_in(storage or InMemoryStorage(), rules)
    search(study, rules, total, Recorder())
    return study


def values_of(study):
    return [one.values for one in study.trials()]


def complete(value=0.5, **facts):
    return Ended("COMPLETE", (value,), ((0, value), (3, value)), {"accuracies": [value], "reason": "", **facts})


# --- the next trials ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", EVERY)
@pytest.mark.parametrize("space", SPACES)
def test_every_value_that_is_asked_lies_in_the_space_as_the_recipe_spells_it(space, sampler):
    rules = rules_of(SPACES[space], sampler=sampler)

    study = searched(rules, 12)

    for values in values_of(study):
        assert values.keys() == rules.space.keys()
        assert all(rules.space[name].holds(value) for name, value in values.items()), values
        rules.with_values(values)


@pytest.mark.parametrize("sampler", EVERY)
def test_batch_sizes_are_whole_numbers_and_rates_are_not(sampler):
    for values in values_of(searched(rules_of(sampler=sampler))):
        assert (type(values["batch_size"]), type(values["lr"])) == (int, float)


@pytest.mark.parametrize("sampler", EVERY)
@pytest.mark.parametrize("words", ["1e-4..1e-1", "0.0123456..0.0123459"])
def test_a_rate_is_what_four_digits_print_or_an_end_of_its_range(sampler, words):
    rules = rules_of({"lr": words}, {"lr": 1.0}, sampler=sampler)

    for values in values_of(searched(rules)):
        ends = (rules.space["lr"].low, rules.space["lr"].high)
        assert values["lr"] == float(as_words(values).removeprefix("lr=")) or values["lr"] in ends


def test_rates_are_spread_evenly_over_the_decades():
    rates = [math.log10(values["lr"]) for values in values_of(searched(rules_of(pruning=False), 120))[1:]]

    assert all(25 <= sum(low <= rate < low + 1 for rate in rates) <= 55 for low in (-4, -3, -2))


@pytest.mark.parametrize(
    ("recipe", "space"),
    [
        ({}, RATES),
        ({"normalize": (0.1307, 0.3081), "init_std": 1}, {"normalize": "none|0.1307,0.3081", "init_std": "none,1"}),
        ({"shuffle": False}, {"shuffle": "true,false"}),
        ({"batch_size": 48}, {"batch_size": "48,64"}),
        ({"lr": 1e-4}, {"lr": "1e-4..1e-1"}),
        ({"lr": 0.00123456789}, {"lr": "1e-4..1e-1"}),
    ],
)
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_first_trial_is_the_published_setting_where_the_space_holds_it(recipe, space, sampler):
    rules = rules_of(space, recipe, sampler=sampler)

    [first, *_] = searched(rules, 2).trials()

    assert first.values == rules.published()
    assert rules.with_values(first.values).identity == rules.experiment.identity


@pytest.mark.parametrize("recipe", [{"lr": 0.3}, {"batch_size": 100}, {"lr": 0.3, "batch_size": 100}])
def test_a_published_setting_outside_the_space_is_not_asked(recipe):
    rules = rules_of(recipe=recipe)

    for values in values_of(searched(rules)):
        assert all(rules.space[name].holds(value) for name, value in values.items())


# --- a function of the rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", EVERY)
def test_the_list_is_the_same_each_time_and_in_each_storage(sampler, tmp_path):
    rules = rules_of(sampler=sampler)

    lists = [searched(rules, 12, where) for where in (None, None, f"sqlite:///{tmp_path / 'one.db'}")]

    assert plain(lists[0].trials()) == plain(lists[1].trials()) == plain(lists[2].trials())
    assert len(lists[0].trials()) == 12


@pytest.mark.parametrize("sampler", EVERY)
def test_another_study_seed_is_another_list(sampler):
    one, other = (values_of(searched(rules_of(sampler=sampler, study_seed=seed))) for seed in (0, 1))

    assert one != other


@pytest.mark.parametrize("sampler", ["tpe", EVERY[-1]])
def test_what_is_asked_depends_on_what_was_found(sampler):
    rules = rules_of(sampler=sampler, pruning=False)
    one, other = (study_in(InMemoryStorage(), rules) for _ in range(2))

    search(one, rules, 18, Recorder())
    search(other, rules, 18, lambda tasks: Recorder()(tasks)[::-1])

    assert values_of(one)[:8] == values_of(other)[:8]
    assert values_of(one) != values_of(other)


def test_no_point_comes_twice_where_a_range_has_endless_ones():
    for sampler in ("tpe", "random"):
        rates = [values["lr"] for values in values_of(searched(rules_of(sampler=sampler), 24))]

        assert len(set(rates)) == len(rates), sampler


def test_a_grid_has_each_of_its_points_once_and_ends():
    rules = rules_of({"lr": "0.001,0.01", "batch_size": "32..128"}, sampler="grid", generation=4)

    study = searched(rules, 100)

    found = [(values["lr"], values["batch_size"]) for values in values_of(study)]
    assert sorted(found) == [(lr, size) for lr in (0.001, 0.01) for size in (32, 64, 128)]
    assert study.ask(100) == {}
    assert not study.is_broken_off()


def test_a_grid_of_a_range_has_its_ends_exactly():
    found = [values["lr"] for values in values_of(searched(rules_of({"lr": "1e-3..0.07"}, sampler="grid"), 100))]

    assert sorted(found) == [1e-3, 0.003162, 0.01, 0.03162, 0.07]


def test_a_grid_of_tenths_reaches_its_end():
    found = [v["momentum"] for v in values_of(searched(rules_of({"momentum": "0.031..0.98"}, sampler="grid"), 100))]

    assert len(found) == len(set(found)) == 11
    assert max(found) == 0.98


# --- generations --------------------------------------------------------------------------------------------------


def test_a_generation_is_as_large_as_the_rules_say_and_the_last_one_stays_within_the_total(storage):
    rules = rules_of(generation=5)
    study, sizes = study_in(storage, rules), []

    search(study, rules, 12, Recorder(), on_start=lambda trials: sizes.append(list(trials)))

    assert sizes == [list(range(5)), list(range(5, 10)), [10, 11]]


def test_what_was_asked_is_stored_before_anyone_trains_it(storage):
    rules = rules_of()
    asked = study_in(storage, rules).ask(20)

    found = study_in(storage, rules)

    assert [(one.number, one.values, one.state) for one in found.trials()] == [
        (number, values, "RUNNING") for number, values in asked.items()
    ]
    assert found.is_broken_off()


@pytest.mark.parametrize("told", [0, 1, 3, 7])
def test_a_generation_that_was_broken_off_is_asked_again_as_it_was(storage, told):
    rules = rules_of()
    first = study_in(storage, rules)
    asked = first.ask(20)
    for number in range(told):
        first.tell(number, complete())

    again = study_in(storage, rules).ask(20)

    assert again == asked
    assert len(study_in(storage, rules).trials()) == 8


@pytest.mark.parametrize("total", [3, 8, 40])
def test_a_generation_that_was_broken_off_is_asked_again_whatever_total_is_wanted_now(storage, total):
    rules = rules_of()
    asked = study_in(storage, rules).ask(20)

    assert study_in(storage, rules).ask(total) == asked


def test_there_is_nothing_to_ask_of_a_study_that_has_its_trials(storage):
    rules = rules_of()
    study = study_in(storage, rules)
    search(study, rules, 8, Recorder())

    assert study.ask(8) == {}
    assert study.ask(3) == {}
    assert len(study.trials()) == 8


class Dead(Exception):
    """Simulates the end of a process."""


class Mortal(InMemoryStorage):
    """A storage that simulates a kill at a chosen write."""

    left = math.inf

    def _live(self):
        self.left -= 1
        if self.left < 0:
            raise Dead

    def create_new_trial(self, *given, **named):
        self._live()
        return super().create_new_trial(*given, **named)

    def set_trial_user_attr(self, *given):
        self._live()
        return super().set_trial_user_attr(*given)

    def set_trial_intermediate_value(self, *given):
        self._live()
        return super().set_trial_intermediate_value(*given)

    def set_trial_state_values(self, *given, **named):
        self._live()
        return super().set_trial_state_values(*given, **named)


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_a_study_broken_off_at_any_write_at_all_ends_as_an_unbroken_one(sampler):
    rules = rules_of(sampler=sampler, generation=3)
    unbroken = plain(searched(rules, 5).trials())

    for life in range(1, 200):
        storage, study = Mortal(), None
        storage_study = study_in(storage, rules)
        storage.left = life
        try:
            search(storage_study, rules, 5, Recorder())
        except Dead:
            storage.left = math.inf
            study = study_in(storage, rules)
            search(study, rules, 5, Recorder())
            assert plain(study.trials()) == unbroken, life
        else:
            break

    assert study is None, "it lived to its end at last"
    assert life > 30, "it died at many writes before"


# --- results of trials --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ended",
    [
        complete(0.75),
        Ended("PRUNED", (), ((0, 0.5), (1, 0.625)), {"accuracies": [0.625], "reason": ""}),
        Ended("FAIL", (), ((0, 0.5),), {"accuracies": [0.5], "reason": "seed 1: diverged"}),
        Ended("FAIL", (), (), {"accuracies": [], "reason": "seed 0: diverged"}),
    ],
    ids=["complete", "pruned", "failed late", "failed at once"],
)
def test_what_was_told_of_a_trial_is_read_again(storage, ended):
    rules = rules_of(generation=1)
    study = study_in(storage, rules)
    study.ask(1)

    study.tell(0, ended)

    [found] = study_in(storage, rules).trials()
    assert (found.state, found.results, tuple(found.reports.items())) == (ended.state, ended.values, ended.reports)
    assert {key: value for key, value in found.facts.items() if key != "at"} == ended.facts
    assert not study.is_broken_off()


def test_a_trial_told_twice_stays_as_it_was_told_first(storage):
    rules = rules_of(generation=2)
    study = study_in(storage, rules)
    study.ask(2)
    study.tell(0, complete(0.75, seconds=1.0))
    before = study.trials()[0]

    study.tell(0, Ended("FAIL", (), ((0, 0.1),), {"accuracies": [], "reason": "no", "seconds": 2.0}))
    study_in(storage, rules).tell(0, complete(0.25, seconds=3.0))

    assert study.trials()[0] == before
    assert [one.state for one in study.trials()] == ["COMPLETE", "RUNNING"]


def test_of_both_objectives_values_are_told_and_no_reports(storage):
    rules = rules_of(objective="both", pruning=False)

    study = searched(rules, 8, storage)

    assert all(len(one.results) == 2 and one.reports == {} for one in study.trials())


def test_a_note_is_kept_with_the_study(storage):
    study_in(storage, rules_of()).note("seconds", 1.5)

    assert study_in(storage, rules_of()).notes["seconds"] == 1.5


# --- the best trials ----------------------------------------------------------------------------------------------


def told(values, rules=None, storage=None):
    """A study of batch sizes whose trials have these values, in order; None means pruned."""
    rules = rules or rules_of({"batch_size": "32,64"}, {"batch_size": 32}, generation=len(values))
    study = study_in(storage or InMemoryStorage(), rules)
    study.ask(len(values))
    for number, value in enumerate(values):
        study.tell(number, complete(value) if value is not None else Ended("PRUNED", (), ((0, 0.99),), {}))
    return study


def test_the_best_are_the_highest_complete_ones_in_order(storage):
    study = told([0.5, None, 0.7, 0.6, None, 0.4], rules_of(generation=6), storage)

    assert [one.number for one in study.best(3)] == [2, 3, 0]
    assert [one.number for one in study.best(10)] == [2, 3, 0, 5]
    assert [one.number for one in study.best(1)] == [2]


def test_of_equal_ones_the_first_is_best():
    study = told([0.5, 0.7, 0.7, 0.7], rules_of(generation=4))

    assert [one.number for one in study.best(4)] == [1, 2, 3, 0]


def test_each_configuration_is_among_the_best_once_at_its_best_place():
    study = told([0.7] * 12)
    values = [one.values["batch_size"] for one in study.trials()]
    first = {size: values.index(size) for size in (32, 64)}
    assert max(first.values()) < max(n for n in range(12) if values[n] == values[0]), "both come again later"

    assert [one.number for one in study.best(3)] == sorted(first.values())


def test_a_configuration_that_came_to_two_values_counts_by_its_better_one():
    sizes = [one.values["batch_size"] for one in told([0.7] * 12).trials()]
    worse, better = sizes.index(32), len(sizes) - 1 - sizes[::-1].index(32)
    assert worse < better

    study = told([0.9 if n == better else 0.8 if sizes[n] == 64 else 0.1 for n in range(12)])

    assert [one.number for one in study.best(2)] == [better, sizes.index(64)]


def test_nothing_is_best_of_nothing():
    assert told([None, None], rules_of(generation=2)).best(3) == []
    assert study_in(None, rules_of()).best(3) == []


def test_of_both_objectives_the_best_are_the_front():
    rules = rules_of(objective="both", pruning=False, generation=4)
    study = study_in(None, rules)
    study.ask(4)
    for number, values in enumerate([(0.9, 5.0), (0.8, 6.0), (0.7, 1.0), (0.8, 2.0)]):
        study.tell(number, Ended("COMPLETE", values, (), {}))

    assert [one.number for one in study.best(4)] == [0, 3, 2]
    assert [one.number for one in study.best(2)] == [0, 3]


# --- which arguments mattered -------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", ["accuracy", "both"])
def test_the_field_that_made_the_trials_differ_has_the_larger_share(objective):
    study = searched(rules_of(objective=objective, pruning=False), 32)

    shares = study.importances()

    assert shares.keys() == {"lr", "batch_size"}
    assert shares["lr"] > 0.7 > 0.3 > shares["batch_size"]
    assert sum(shares.values()) == pytest.approx(1)


def test_there_are_no_shares_of_too_few_trials_or_of_equal_ones():
    assert told([0.5, 0.6, 0.7], rules_of(generation=3)).importances() == {}
    assert told([0.5] * 8, rules_of()).importances() == {}
    assert told([None] * 8, rules_of()).importances() == {}
    assert study_in(None, rules_of()).importances() == {}


def test_optuna_says_nothing_on_the_way(capfd):
    rules = rules_of({"lr": "0.001,0.01"}, sampler="grid")
    study = study_in(None, rules)

    run_generation(study.ask(100), rules, Recorder())
    search(study, rules, 100, Recorder())
    study.importances()

    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() >= optuna.logging.ERROR
