"""Successive halving in one generation: which trials continue at each rung, over epochs and seeds."""

import random
from collections import defaultdict

import pytest

from suite.tuning.halving import mean_accuracy, run_generation, rungs, survivors
from suite.tuning.rules import Outcome
from tests.tuning.synthetic import Recorder, outcome_of, rules_of

LRS = {"lr": "1e-4..1e-1"}


def generation(*lrs):
    """Trials with these learning rates, numbered from 0."""
    return {number: {"lr": lr} for number, lr in enumerate(lrs)}


def accuracy_table(table, seconds=1.0):
    """An evaluation that takes the accuracy from a table by lr, (lr, seed) or (lr, seed, portion). None diverges."""

    def outcome(task):
        lr = task.values["lr"]
        keys = ((lr, task.seed, task.portion), (lr, task.seed), lr)
        found = next(table[key] for key in keys if key in table)
        if found is None:
            return Outcome(0.0, diverged="diverged in epoch 1: the loss is no finite number")
        return Outcome(found, seconds=seconds, images=100, epochs=1)

    return Recorder(outcome)


def states(ended):
    return {number: ended[number].state for number in sorted(ended)}


# --- rungs and survivors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "seeds", "pruning", "expected"),
    [
        (6, 3, True, [(0, 1 / 3), (0, 1.0), (1, 1.0), (2, 1.0)]),
        (2, 1, True, [(0, 1 / 3), (0, 1.0)]),
        (1, 3, True, [(0, 1.0), (1, 1.0), (2, 1.0)]),
        (6, 3, False, [(0, 1.0), (1, 1.0), (2, 1.0)]),
    ],
)
def test_the_rungs_are_a_third_of_the_first_seed_and_then_seed_by_seed(epochs, seeds, pruning, expected):
    assert rungs(rules_of(recipe={"epochs": epochs}, seeds=seeds, pruning=pruning)) == expected


@pytest.mark.parametrize(
    ("begun", "left", "passing"),
    [
        (8, 8, 4), (8, 4, 2), (8, 3, 2), (8, 2, 2), (8, 1, 1), (8, 0, 0), (1, 1, 1), (2, 2, 1), (3, 3, 2), (3, 2, 1),
        (4, 4, 2), (4, 2, 1), (5, 5, 3), (5, 3, 2), (5, 2, 2), (40, 40, 20), (40, 20, 10), (40, 10, 10), (40, 9, 9),
    ],
)  # fmt: skip
def test_the_better_half_passes_but_never_under_a_quarter_of_those_that_began(begun, left, passing):
    assert survivors(begun, left) == passing


# --- which trials are pruned, and when ----------------------------------------------------------------------------


def test_of_eight_four_end_at_the_third_two_after_a_seed_and_two_are_complete():
    best_last = [0.001 * n for n in range(1, 9)]
    evaluate = accuracy_table({lr: 0.5 + lr for lr in best_last})

    ended = run_generation(generation(*best_last), rules_of(LRS), evaluate)

    assert states(ended) == {**dict.fromkeys(range(6), "PRUNED"), 6: "COMPLETE", 7: "COMPLETE"}
    assert [[step for step, _ in ended[n].reports] for n in range(8)] == [[0]] * 4 + [[0, 1]] * 2 + [[0, 1, 3]] * 2
    assert [len(call) for call in evaluate.calls] == [8, 4, 4]


def test_a_hopeless_configuration_never_gets_its_third_seed():
    lrs = [0.001 * n for n in range(1, 9)]
    evaluate = accuracy_table({lr: 0.5 + lr for lr in lrs})

    run_generation(generation(*lrs), rules_of(LRS), evaluate)

    seeds = defaultdict(list)
    for task in evaluate.tasks:
        seeds[task.values["lr"]].append((task.seed, task.portion))
    early, first = (0, 1 / 3), (0, 1.0)
    assert [seeds[lr] for lr in lrs] == [[early]] * 4 + [[early, first]] * 2 + [[early, first, (1, 1.0), (2, 1.0)]] * 2


def test_who_is_behind_at_the_third_is_out_however_good_it_would_have_become():
    evaluate = accuracy_table({(0.01, 0, 1 / 3): 0.1, 0.01: 0.99, 0.02: 0.5})

    ended = run_generation(generation(0.01, 0.02), rules_of(LRS), evaluate)

    assert states(ended) == {0: "PRUNED", 1: "COMPLETE"}
    assert ended[0].reports == ((0, 0.1),)
    assert ended[0].values == ()


def test_the_rank_after_a_second_seed_is_by_the_mean_over_both():
    rules = rules_of(LRS, seeds=3, generation=3, recipe={"epochs": 1})
    table = {(0.1, 0): 0.9, (0.1, 1): 0.5, (0.2, 0): 0.8, (0.2, 1): 0.7, 0.2: 0.7, 0.1: 0.9, 0.3: 0.1}
    evaluate = accuracy_table(table)

    ended = run_generation(generation(0.1, 0.2, 0.3), rules, evaluate)

    assert states(ended) == {0: "PRUNED", 1: "COMPLETE", 2: "PRUNED"}
    assert ended[0].reports == ((0, 0.9), (1, pytest.approx(0.7)))
    assert ended[1].reports[:2] == ((0, 0.8), (1, pytest.approx(0.75)))


def test_among_equal_ones_the_first_pass():
    evaluate = accuracy_table({0.01: 0.5})

    ended = run_generation(generation(*[0.01] * 8), rules_of(LRS), evaluate)

    assert [number for number, state in states(ended).items() if state == "COMPLETE"] == [0, 1]
    assert [len(ended[number].reports) for number in range(8)] == [3, 3, 2, 2, 1, 1, 1, 1]


def test_the_order_in_which_trials_are_given_does_not_count():
    trials = generation(*[0.001 * n for n in range(1, 9)])

    one = run_generation(trials, rules_of(LRS), outcomes := Recorder())
    other = run_generation(dict(reversed(trials.items())), rules_of(LRS), again := Recorder())

    assert one == other
    assert outcomes.calls == again.calls


def test_a_trial_that_is_alone_is_complete_under_all_seeds_and_trained_in_one_go():
    evaluate = accuracy_table({0.01: 0.5})

    ended = run_generation({17: {"lr": 0.01}}, rules_of(LRS), evaluate)

    assert states(ended) == {17: "COMPLETE"}
    assert [[(task.seed, task.portion) for task in call] for call in evaluate.calls] == [[(0, 1.0), (1, 1.0), (2, 1.0)]]
    assert ended[17].reports == ((3, 0.5),)


def test_without_pruning_all_are_complete_and_trained_in_one_go():
    evaluate = accuracy_table({0.001 * n: 0.1 * n for n in range(1, 9)})

    ended = run_generation(generation(*[0.001 * n for n in range(1, 9)]), rules_of(LRS, pruning=False), evaluate)

    assert set(states(ended).values()) == {"COMPLETE"}
    assert [len(call) for call in evaluate.calls] == [24]
    assert {task.portion for task in evaluate.tasks} == {1.0}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("pruning", [True, False])
def test_nothing_is_asked_for_twice_nor_for_less_than_before(seed, pruning):
    chance = random.Random(seed)
    trials = generation(*[chance.uniform(1e-4, 0.1) for _ in range(chance.randint(1, 17))])
    evaluate = Recorder(
        lambda task: Outcome(0.0, diverged="so") if noise_of(task, seed) < 0.1 else outcome_of(task, seed)
    )

    run_generation(trials, rules_of(LRS, seeds=chance.randint(1, 5), pruning=pruning), evaluate)

    asked = defaultdict(list)
    for task in evaluate.tasks:
        asked[task.values["lr"], task.seed].append(task.portion)
    assert all(portions == sorted(set(portions)) for portions in asked.values())
    assert {tuple(portions) for portions in asked.values()} <= {(1 / 3, 1.0), (1 / 3,), (1.0,)}


def noise_of(task, salt):
    return random.Random(f"{salt}/{task.values}/{task.seed}").random()


def test_only_a_first_seed_is_ever_trained_to_a_part():
    evaluate = Recorder()

    run_generation(generation(*[0.001 * n for n in range(1, 17)]), rules_of(LRS), evaluate)

    assert {(task.seed, task.portion) for task in evaluate.tasks} == {(0, 1 / 3), (0, 1.0), (1, 1.0), (2, 1.0)}


# --- divergence ---------------------------------------------------------------------------------------------------


def test_a_diverging_trial_fails_with_its_reason_and_the_others_go_on():
    table = {0.001 * n: 0.1 * n for n in range(1, 9)} | {(0.008, 0): None}
    trials = generation(*[0.001 * n for n in range(1, 9)])

    ended = run_generation(trials, rules_of(LRS), accuracy_table(table))

    assert (ended[7].state, ended[7].values, ended[7].reports) == ("FAIL", (), ())
    assert ended[7].facts["reason"] == "seed 0: diverged in epoch 1: the loss is no finite number"
    assert ended[7].facts["accuracies"] == []
    assert [number for number, state in states(ended).items() if state == "COMPLETE"] == [5, 6]


def test_a_trial_that_diverges_under_a_later_seed_fails_and_keeps_what_it_came_to_before():
    table = {(0.01, 2): None, 0.01: 0.9, 0.02: 0.1}

    ended = run_generation(generation(0.01, 0.02), rules_of(LRS), accuracy_table(table))

    assert ended[0].state == "FAIL"
    assert ended[0].facts["reason"].startswith("seed 2: diverged")
    assert ended[0].facts["accuracies"] == [0.9, 0.9]
    assert ended[0].reports == ((0, 0.9),)
    assert states(ended)[1] == "PRUNED"


def test_a_generation_that_diverges_as_a_whole_fails_and_ends():
    evaluate = accuracy_table({0.01: None})

    ended = run_generation(generation(*[0.01] * 8), rules_of(LRS), evaluate)

    assert set(states(ended).values()) == {"FAIL"}
    assert len(evaluate.tasks) == 8


@pytest.mark.parametrize("pruning", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_every_trial_ends_in_one_of_three_ways_whatever_happens(seed, pruning):
    chance = random.Random(seed)
    trials = generation(*[chance.uniform(1e-4, 0.1) for _ in range(chance.randint(1, 17))])
    evaluate = Recorder(
        lambda task: Outcome(0.0, diverged="so") if noise_of(task, seed) < 0.3 else outcome_of(task, seed)
    )

    ended = run_generation(trials, rules_of(LRS, pruning=pruning), evaluate)

    assert ended.keys() == trials.keys()
    for one in ended.values():
        assert bool(one.values) == (one.state == "COMPLETE")
        assert bool(one.facts["reason"]) == (one.state == "FAIL")
    assert pruning or "PRUNED" not in states(ended).values()


# --- the value of a trial -----------------------------------------------------------------------------------------


def test_a_complete_trial_is_worth_its_mean_over_all_seeds():
    table = {(0.01, seed): value for seed, value in enumerate((0.5, 0.6, 0.9))}

    ended = run_generation(generation(0.01), rules_of(LRS), accuracy_table(table, seconds=2.0))[0]

    assert ended.values == (pytest.approx(2 / 3),)
    assert ended.facts == {
        "accuracies": [0.5, 0.6, 0.9], "seconds": 6.0, "images_per_second": 50.0, "epochs": 3, "reason": "",
    }  # fmt: skip
    assert mean_accuracy(ended.facts) == pytest.approx(2 / 3)


def test_accuracy_per_second_ranks_and_values_by_the_quotient():
    def outcome(task):
        return Outcome(task.values["lr"], seconds=task.values["lr"] ** 2, images=10, epochs=1)

    ended = run_generation(generation(0.1, 0.2), rules_of(LRS, objective="accuracy-per-second"), Recorder(outcome))

    assert states(ended) == {0: "COMPLETE", 1: "PRUNED"}
    assert ended[0].values == (pytest.approx(10),)


def test_both_is_accuracy_and_seconds():
    rules = rules_of(LRS, objective="both", pruning=False)

    ended = run_generation(generation(0.01), rules, accuracy_table({0.01: 0.5}, seconds=3.0))

    assert ended[0].values == (0.5, 3.0)


def test_a_trial_without_an_accuracy_has_no_mean():
    assert mean_accuracy({}) is None
    assert mean_accuracy({"accuracies": []}) is None
