"""The result of a study depends only on its rules: not on the order of training, and not on interruptions."""

import random
import time
from collections import Counter

import pytest
from optuna.storages import InMemoryStorage

from suite.tuning.rules import Outcome
from suite.tuning.search import search
from tests.tuning.synthetic import EVERY, Recorder, noise, outcome_of, plain, rules_of, study_in

pytestmark = pytest.mark.studies

TOTAL = 18  # samplers that learn draw the first ten at random
STUDIES = {
    "tpe": {"sampler": "tpe", "generation": 4},
    "random": {"sampler": "random", "generation": 4, "study_seed": 5},
    "grid": {"sampler": "grid"},
    "both": {"sampler": "tpe", "objective": "both", "pruning": False, "generation": 5},
    "gp": {"sampler": "gp", "generation": 6, "pruning": False},  # gp does not learn from pruned trials
}


class Killed(Exception):
    """Simulates the end of a process."""


def outcome(task):
    """The synthetic outcome, but one configuration in ten diverges with some seed."""
    if noise(task.values, task.seed, "diverges") > 0.02:
        return Outcome(0.0, diverged="diverged in epoch 1: the loss is no finite number")
    return outcome_of(task)


def shuffled(chance):
    """An evaluation that trains in a random order."""

    def evaluate(tasks):
        order = chance.sample(range(len(tasks)), len(tasks))
        found = {n: outcome(tasks[n]) for n in order}
        return [found[n] for n in range(len(tasks))]

    return evaluate


class Trainer:
    """An evaluation that keeps its results, as run folders do, and is killed after `left` trainings."""

    def __init__(self):
        self.kept, self.trained, self.left = {}, Counter(), None

    def __call__(self, tasks):
        found = []
        for task in tasks:
            key = (tuple(sorted(task.values.items())), task.seed, task.portion)
            if key not in self.kept:
                if self.left == 0:
                    raise Killed
                self.left = None if self.left is None else self.left - 1
                self.trained[key] += 1
                self.kept[key] = outcome(task)
            found.append(self.kept[key])
        return found


def broken_off(rules, storage, chance, kills):
    """Search, and kill it several times at random moments. Each time the study is opened again."""
    trainer, lives = Trainer(), 0

    def die_at(moment):
        def hook(_trials):
            if moment == dying:
                raise Killed

        return hook

    for _ in range(kills):
        dying, trainer.left = "training", chance.randint(0, 2)
        if chance.random() < 0.2:
            dying, trainer.left = chance.choice(["start", "end"]), None
        try:
            search(study_in(storage, rules), rules, TOTAL, trainer, on_start=die_at("start"), on_end=die_at("end"))
        except Killed:
            lives += 1
    trainer.left = None
    study = study_in(storage, rules)
    search(study, rules, TOTAL, trainer)
    return study, trainer, lives


@pytest.fixture
def unbroken():
    """Gives the trials of a study without interruption, one training after the other."""

    def make(rules, total=TOTAL):
        return plain(search(study_in(None, rules), rules, total, Recorder(outcome)))

    return make


STUDY = pytest.mark.parametrize("study", [name for name in STUDIES if name != "gp"])
FULL = (pytest.mark.promise, pytest.mark.full)
EVERY_STUDY = pytest.mark.parametrize(
    "study", [pytest.param(one, marks=() if one == "tpe" else FULL) for one in STUDIES]
)


@STUDY
def test_the_order_in_which_trials_are_trained_does_not_count(unbroken, study):
    rules = rules_of(**STUDIES[study])
    expected = unbroken(rules)

    for seed in range(3):
        found = search(study_in(None, rules), rules, TOTAL, shuffled(random.Random(seed)))

        assert plain(found) == expected
    assert len(expected) == TOTAL


@STUDY
@pytest.mark.parametrize("seed", range(3))
def test_a_search_broken_off_ten_times_is_the_unbroken_one(unbroken, study, seed):
    rules = rules_of(**STUDIES[study])

    found, trainer, lives = broken_off(rules, InMemoryStorage(), random.Random(f"{study}{seed}"), 10)

    assert plain(found.trials()) == unbroken(rules)
    assert lives >= 8, "it was broken off"
    assert set(trainer.trained.values()) == {1}, "nothing is trained twice"


@pytest.mark.commands
@EVERY_STUDY
def test_a_search_broken_off_ten_times_is_the_unbroken_one_in_sqlite_too(unbroken, study, tmp_path):
    rules = rules_of(**STUDIES[study])

    found, _, lives = broken_off(rules, f"sqlite:///{tmp_path / 'studies.db'}", random.Random(study), 10)

    assert plain(found.trials()) == unbroken(rules)
    assert lives >= 8
    assert "RUNNING" not in [one.state for one in found.trials()]


@STUDY
def test_the_examples_hold_all_that_can_happen_to_a_trial(unbroken, study):
    states = {state for _, _, state, *_ in unbroken(rules_of(**STUDIES[study]))}

    assert states >= {"COMPLETE"} | ({"PRUNED"} if STUDIES[study].get("pruning", True) else set())


def test_some_trial_of_the_examples_diverges(unbroken):
    states = [state for rules in STUDIES.values() if rules["sampler"] != "gp"
              for _, _, state, *_ in unbroken(rules_of(**rules))]  # fmt: skip

    assert "FAIL" in states


@pytest.mark.parametrize("sampler", EVERY)
def test_no_point_is_asked_twice_by_beginning_again(sampler):
    rules, storage = rules_of(sampler=sampler, generation=3), InMemoryStorage()

    for total in range(1, 13):
        search(study_in(storage, rules), rules, total, Recorder())

    values = [repr(one.values) for one in study_in(storage, rules).trials()]
    assert len(values) == len(set(values)) == 12


@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_what_asks_without_looking_back_is_the_same_however_the_total_was_reached(unbroken, sampler):
    rules, storage = rules_of(sampler=sampler, generation=3), InMemoryStorage()

    for total in (1, 5, 6, 12):
        search(study_in(storage, rules), rules, total, Recorder(outcome))

    found = [one.values for one in study_in(storage, rules).trials()]
    assert found == [values for _, values, *_ in unbroken(rules, 12)]


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_total_is_a_total_whatever_was_there_before(sampler):
    rules, storage = rules_of(sampler=sampler), InMemoryStorage()

    counts = [len(search(study_in(storage, rules), rules, total, Recorder())) for total in (5, 5, 3, 11, 11)]

    assert counts == [5, 5, 5, 11, 11]


def test_a_study_that_has_its_trials_trains_nothing():
    rules, storage = rules_of(), InMemoryStorage()
    search(study_in(storage, rules), rules, TOTAL, Recorder())
    evaluate = Recorder()

    search(study_in(storage, rules), rules, TOTAL, evaluate)

    assert evaluate.calls == []


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_a_longer_study_keeps_the_trials_that_it_had(sampler):
    rules, storage = rules_of(sampler=sampler), InMemoryStorage()
    before = plain(search(study_in(storage, rules), rules, 10, Recorder(outcome)))

    after = plain(search(study_in(storage, rules), rules, 20, Recorder(outcome)))

    assert after[:10] == before
    assert [number for number, *_ in after] == list(range(20))


def test_a_study_extended_after_whole_generations_is_the_one_that_was_long_at_once(unbroken):
    rules, storage = rules_of(sampler="tpe"), InMemoryStorage()
    search(study_in(storage, rules), rules, 8, Recorder(outcome))

    extended = search(study_in(storage, rules), rules, 24, Recorder(outcome))

    assert plain(extended) == unbroken(rules, 24)


# --- time ---------------------------------------------------------------------------------------------------------


def test_when_the_time_is_over_nothing_new_is_begun():
    rules, evaluate = rules_of(), Recorder()
    study = study_in(None, rules)

    found = search(study, rules, TOTAL, evaluate, until=time.monotonic() - 1)

    assert (found, evaluate.calls) == ([], [])


def test_when_the_time_is_over_a_generation_that_was_broken_off_is_finished_and_no_other_begun(unbroken):
    rules, storage = rules_of(sampler="tpe"), InMemoryStorage()
    study = study_in(storage, rules)
    search(study, rules, 8, Recorder(outcome))
    study.ask(24)

    found = search(study_in(storage, rules), rules, 24, Recorder(outcome), until=time.monotonic() - 1)

    assert plain(found) == unbroken(rules, 24)[:16]


def test_a_generation_under_way_is_finished_when_the_time_is_over():
    rules, evaluate = rules_of(), Recorder()
    until = time.monotonic() + 0.2

    def slow(tasks):
        time.sleep(0.3)
        return evaluate(tasks)

    found = search(study_in(None, rules), rules, 24, slow, until=until)

    assert len(found) == 8
    assert "RUNNING" not in [one.state for one in found]


def test_there_is_time_until_it_is_over():
    rules = rules_of()

    assert len(search(study_in(None, rules), rules, TOTAL, Recorder(), until=time.monotonic() + 600)) == TOTAL


# --- what is shown during a search ---------------------------------------------------------------------------------


def test_each_generation_is_announced_when_it_starts_and_when_it_ends():
    rules, said = rules_of(generation=5), []

    search(
        study_in(None, rules), rules, 12, Recorder(),
        on_start=lambda trials: said.append(("start", list(trials))),
        on_end=lambda trials: said.append(("end", len(trials), Counter(one.state for one in trials)["RUNNING"])),
    )  # fmt: skip

    assert said == [
        ("start", [0, 1, 2, 3, 4]), ("end", 5, 0),
        ("start", [5, 6, 7, 8, 9]), ("end", 10, 0),
        ("start", [10, 11]), ("end", 12, 0),
    ]  # fmt: skip
