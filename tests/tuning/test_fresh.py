"""The winner of a study, evaluated with new seeds, and by how much the value of its search is too high."""

import random
from dataclasses import replace
from math import sqrt
from statistics import fmean, stdev

import pytest

from suite.analysis.intervals import group
from suite.tuning.fresh import FINALISTS, fresh_seeds, judge
from suite.tuning.rules import Outcome
from suite.tuning.search import search
from tests.tuning.synthetic import Recorder, outcome_of, rules_of, study_in, truth

pytestmark = pytest.mark.studies

FRESH_SEEDS = 5
PUBLISHED = {"batch_size": 64, "lr": 0.003}


def searched(rules, evaluate, total=8):
    study = study_in(None, rules)
    search(study, rules, total, evaluate)
    return study


def judged(rules=None, evaluate=outcome_of, total=8, count=FRESH_SEEDS):
    """A small study, and the judgement of its winner."""
    rules = rules or rules_of()
    study = searched(rules, Recorder(evaluate), total)
    return study, judge(study, rules, Recorder(evaluate), count=count)


def better_at(rate, difference=0.1, spread=0.001):
    """An evaluation in which learning rates above `rate` are better by `difference`, plus a little noise."""

    def outcome(task):
        noise = random.Random(f"{task.values}{task.seed}").gauss(0, spread)
        return Outcome(0.5 + difference * (task.values["lr"] > rate) + noise, seconds=1.0, images=1, epochs=6)

    return outcome


# --- which trials are judged, and with which seeds ----------------------------------------------------------------


def test_the_best_of_the_search_come_first_and_the_published_setting_last():
    study, found = judged()

    best = study.best(FINALISTS)
    assert [row["trial"] for row in found["rows"]] == [*(one.number for one in best), 0]
    assert [row["values"] for row in found["rows"]] == [*(one.values for one in best), PUBLISHED]
    assert [row["published"] for row in found["rows"]] == [False] * len(best) + [True]


def test_the_winner_is_the_best_of_the_search_and_not_of_the_fresh_seeds():
    rules = rules_of(pruning=False)

    def upside_down(task):
        one = outcome_of(task)
        return replace(one, accuracy=1 - one.accuracy) if task.seed >= rules.seeds else one

    study, found = judged(rules, upside_down)

    means = [row["mean"] for row in found["rows"]]
    assert found["rows"][0]["trial"] == study.best(1)[0].number
    assert means[0] < max(means), "under the fresh seeds another one is better"


def test_no_seed_of_the_search_is_a_fresh_one():
    for seeds in (1, 3, 10):
        rules, evaluate = rules_of(seeds=seeds, pruning=False), Recorder()
        study = searched(rules, evaluate)
        used = {task.seed for task in evaluate.tasks}

        found = judge(study, rules, fresh := Recorder(), count=FRESH_SEEDS)

        assert used == set(range(seeds))
        assert {task.seed for task in fresh.tasks} == set(found["seeds"]) == set(fresh_seeds(rules, FRESH_SEEDS))
        assert not used & set(found["seeds"])


def test_everyone_is_trained_to_the_end_under_all_fresh_seeds():
    rules = rules_of()
    study = searched(rules, Recorder())

    found = judge(study, rules, evaluate := Recorder(), count=4)

    assert len(evaluate.calls) == 1
    assert {task.portion for task in evaluate.tasks} == {1.0}
    asked = [(task.values, task.seed) for task in evaluate.tasks]
    assert asked == [(row["values"], seed) for row in found["rows"] for seed in (3, 4, 5, 6)]


def test_a_row_has_the_mean_the_interval_and_the_drop_of_its_own_seeds():
    rules = rules_of()
    study, found = judged(rules)

    for row in found["rows"]:
        fresh = [outcome_of(task).accuracy for task in tasks_of(row, found["seeds"])]
        interval = group(fresh).interval
        assert row["fresh"] == fresh
        assert row["mean"] == pytest.approx(fmean(fresh))
        assert row["interval"] == pytest.approx([interval.low, interval.high])
        assert row["epochs"] == 6
    winner, published = found["rows"][0], found["rows"][-1]
    assert winner["search"] == pytest.approx(study.best(1)[0].results[0])
    assert winner["drop"] == pytest.approx(winner["search"] - winner["mean"])
    assert (published["search"], published["drop"]) == (None, None), "it was not chosen by the search"


def tasks_of(row, seeds):
    from suite.tuning.rules import Task

    return [Task(row["values"], seed) for seed in seeds]


def test_a_published_setting_outside_the_space_is_judged_too():
    _, found = judged(rules_of(recipe={"lr": 0.3}))

    assert found["rows"][-1]["values"] == {"batch_size": 64, "lr": 0.3}
    assert (found["rows"][-1]["trial"], found["rows"][-1]["published"]) == (None, True)


def test_there_is_nothing_to_judge_without_a_complete_trial():
    rules = rules_of()
    study = searched(rules, Recorder(lambda _task: Outcome(0.0, diverged="diverged")))

    assert judge(study, rules, evaluate := Recorder(), count=FRESH_SEEDS) is None
    assert evaluate.calls == []


# --- the verdict --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evaluate", "word"),
    [(better_at(0.003), "better"), (better_at(1.0), "no difference shown"), (better_at(0.003, -0.1), None)],
)
def test_a_winner_that_is_better_is_called_so_and_one_that_is_not_is_not(evaluate, word):
    _, found = judged(rules_of(pruning=False), evaluate)

    winner = found["rows"][0]
    if word is None:
        assert winner["values"]["lr"] <= 0.003
    else:
        assert found["verdict"]["word"] == word or winner["published"]
        assert word != "better" or winner["values"]["lr"] > 0.003


def test_a_winner_by_luck_may_be_worse_and_is_called_so():
    rules = rules_of(pruning=False)

    def lucky(task):
        spread = random.Random(f"{task.values}{task.seed}").gauss(0, 0.001)
        better = (task.values == PUBLISHED) == (task.seed >= rules.seeds)
        return Outcome(0.5 + 0.1 * better + spread, seconds=1.0, images=1, epochs=6)

    _, found = judged(rules, lucky)

    assert found["verdict"]["word"] == "worse"
    assert found["verdict"]["difference"] == pytest.approx(-0.1, abs=0.005)


def test_where_the_published_setting_wins_there_is_nothing_to_compare():
    _, found = judged(rules_of(pruning=False), lambda task: Outcome(0.5 + 0.1 * (task.values == PUBLISHED), epochs=6))

    assert found["verdict"] == {"word": "published"}
    assert found["rows"][0]["published"]
    assert found["rows"][0]["search"] == pytest.approx(0.6)
    assert sum(row["published"] for row in found["rows"]) == 1


@pytest.mark.parametrize("count", [3, 5, 8])
@pytest.mark.parametrize("seed", range(10))
def test_the_verdict_is_that_of_scipys_paired_test(seed, count):
    from scipy.stats import ttest_rel

    shift = random.Random(seed).uniform(-0.02, 0.02)

    def outcome(task):
        chance = random.Random(f"{seed}{task.seed}")  # the part of the seed, common to both
        own = random.Random(f"{seed}{task.values}{task.seed}").gauss(0, 0.006)
        won = 1 if task.seed < 3 and task.values != PUBLISHED else shift * (task.values != PUBLISHED)
        return Outcome(0.5 + won + own + chance.gauss(0, 0.05), seconds=1.0, images=1, epochs=6)

    _, found = judged(rules_of(pruning=False), outcome, count=count)

    winner, published = found["rows"][0], found["rows"][-1]
    test = ttest_rel(winner["fresh"], published["fresh"])
    expected = "no difference shown" if test.pvalue >= 0.05 else "better" if test.statistic > 0 else "worse"
    low, high = test.confidence_interval(0.95)
    assert found["verdict"]["word"] == expected
    assert found["verdict"]["interval"] == pytest.approx([low, high])
    assert found["verdict"]["difference"] == pytest.approx(winner["mean"] - published["mean"])


def test_the_random_cases_come_to_each_verdict():
    words = set()
    for seed in range(10):
        shift = random.Random(seed).uniform(-0.02, 0.02)
        words.add("better" if shift > 0.01 else "worse" if shift < -0.01 else "no difference shown")

    assert words == {"better", "worse", "no difference shown"}


# --- divergence ---------------------------------------------------------------------------------------------------


def diverging(*, winner, published):
    """An evaluation in which one new seed of the winner, of the published setting, or of both diverges."""

    def outcome(task):
        lost = published if task.values == PUBLISHED else winner
        if task.seed == 4 and lost:
            return Outcome(0.0, diverged="diverged in epoch 1")
        return Outcome(0.5 + 0.1 * (task.values != PUBLISHED) + task.seed / 1_000, epochs=6)

    return outcome


@pytest.mark.parametrize(
    ("winner", "published", "word"),
    [(True, False, "worse"), (False, True, "better"), (True, True, "no difference shown")],
)
def test_who_diverges_under_a_fresh_seed_is_worse_and_has_no_mean(winner, published, word):
    _, found = judged(rules_of(pruning=False), diverging(winner=winner, published=published))

    assert found["verdict"] == {"word": word}
    for row, lost in ((found["rows"][0], winner), (found["rows"][-1], published)):
        assert row["diverged"] == lost
        assert len(row["fresh"]) == FRESH_SEEDS - lost
        assert (row["mean"] is None) == (row["interval"] is None) == lost
    assert (found["rows"][0]["drop"] is None) == winner


# --- the winner's curse -------------------------------------------------------------------------------------------


@pytest.mark.promise
def test_in_2000_simulated_studies_the_fresh_interval_holds_the_truth_and_the_search_says_too_much(figure, draws):
    """Each study has ten trials of three seeds. The truth is known, and the noise of a seed is 0.01."""
    studies, covered, search_errors, fresh_errors, drops = draws(2_000), 0, [], [], []
    for number in range(studies):
        rules = rules_of(study_seed=number)

        def evaluate(tasks, salt=number):
            return [outcome_of(task, salt) for task in tasks]

        study = searched(rules, evaluate, 10)
        winner = judge(study, rules, evaluate, count=FRESH_SEEDS)["rows"][0]
        worth = truth(winner["values"])
        covered += winner["interval"][0] <= worth <= winner["interval"][1]
        search_errors.append(winner["search"] - worth)
        fresh_errors.append(winner["mean"] - worth)
        drops.append(winner["drop"])

    def standard_error(errors):
        return stdev(errors) / sqrt(studies)

    def words(errors):
        return f"{fmean(errors):+.5f} (s.e. {standard_error(errors):.5f})"

    figure(
        f"{studies:,} simulated studies: the fresh interval holds the truth in {covered / studies:.1%}; "
        f"the search value is off by {words(search_errors)}, the fresh one by {words(fresh_errors)}"
    )
    assert abs(covered / studies - 0.95) <= 4 * sqrt(0.95 * 0.05 / studies)
    assert fmean(search_errors) > 10 * standard_error(search_errors), "the search value is too high"
    assert abs(fmean(fresh_errors)) < 3 * standard_error(fresh_errors), "the fresh value is neither"
    assert fmean(drops) == pytest.approx(fmean(search_errors), abs=0.001), "the drop that is shown is the curse"
