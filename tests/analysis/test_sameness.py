"""Two trainings compared: the first number that differs is named, and equal numbers are never called different."""

import copy
from math import inf, nan, nextafter

import pytest

from suite.analysis.sameness import Difference, environment_changes, first_difference


def epoch(number, **changed):
    """The record of an epoch, as in the history."""
    return {
        "epoch": number, "images": 1500, "train_loss": 1.5 - number / 4, "train_accuracy": 0.5, "val_loss": None,
        "val_accuracy": None, "probes": [{"step": 10, "batch_loss": 0.9, "test_accuracy": 0.4},
                                         {"step": 20, "batch_loss": 0.8, "test_accuracy": 0.5}],
        "clock": {"train_seconds": 0.1, "at": 1.0}, **changed,
    }  # fmt: skip


def result(**changed):
    """A result, as in the folder of a run."""
    return {
        "status": "finished", "metrics": {"test/accuracy": 0.9, "test/loss": 0.3, "test/images": 297},
        "weights_sha256": "a" * 64, "predictions_sha256": "b" * 64, "clock": {"perf/train_seconds": 1.0}, **changed,
    }  # fmt: skip


HISTORY = [epoch(number) for number in range(3)]


def difference(history=HISTORY, end=None):
    """The difference between the plain training and this one."""
    return first_difference(HISTORY, history, result(), end or result())


def with_probe(history, number, probe, **changed):
    found = copy.deepcopy(history)
    found[number]["probes"][probe] |= changed
    return found


def test_equal_trainings_do_not_differ():
    assert difference(copy.deepcopy(HISTORY)) is None


def test_the_clock_is_no_difference():
    slower = [epoch(number, clock={"train_seconds": 9.9, "at": 77.0}) for number in range(3)]

    assert difference(slower, result(clock={"perf/train_seconds": 50.0})) is None


def test_the_last_bit_of_a_loss_is_a_difference():
    other = nextafter(1.25, inf)

    found = difference([epoch(0), epoch(1, train_loss=other), epoch(2)])

    assert found == Difference(1, "train_loss", 1.25, other)
    assert found.words() == "epoch 2: train_loss was 1.25 and is 1.25, a difference of +2.22e-16"


def test_the_earliest_epoch_comes_first_whatever_differs_later():
    found = difference([epoch(0), epoch(1, train_accuracy=0.6), epoch(2, train_loss=7.0)], result(weights_sha256="c"))

    assert (found.epoch, found.quantity) == (1, "train_accuracy")


def test_a_probe_is_named_by_its_step():
    found = difference(with_probe(HISTORY, 2, 1, test_accuracy=0.75))

    assert found == Difference(2, "test_accuracy at step 20", 0.5, 0.75)
    assert found.words() == "epoch 3: test_accuracy at step 20 was 0.5 and is 0.75, a difference of +0.25"


@pytest.mark.parametrize("gone", [0, 1])
def test_a_probe_that_is_there_once_only_is_a_difference(gone):
    found = copy.deepcopy(HISTORY)
    del found[1]["probes"][gone]

    assert difference(found).epoch == 1
    assert first_difference(found, HISTORY, result(), result()).epoch == 1


def test_fewer_epochs_are_a_difference_where_all_of_them_agree():
    found = difference(HISTORY[:2])

    assert found == Difference(None, "the number of epochs", 3, 2)
    assert found.words() == "the result: the number of epochs was 3 and is 2, a difference of -1"


def test_among_fewer_epochs_one_that_differs_comes_first():
    assert difference([epoch(0, images=1400)]).quantity == "images"


@pytest.mark.parametrize("metric", ["test/accuracy", "test/loss", "test/images"])
def test_a_final_metric_comes_before_the_digests(metric):
    metrics = {**result()["metrics"], metric: 0.5}

    found = difference(end=result(metrics=metrics, weights_sha256="c" * 64))

    assert (found.epoch, found.quantity, found.now) == (None, metric, 0.5)


@pytest.mark.parametrize(("before", "now"), [(None, 0.5), (0.5, None)])
def test_a_metric_that_is_there_once_only_is_a_difference(before, now):
    ends = [
        result(metrics={**result()["metrics"], **({} if value is None else {"val/best": value})})
        for value in (before, now)
    ]

    found = first_difference(HISTORY, HISTORY, *ends)

    assert found == Difference(None, "val/best", before, now)


@pytest.mark.parametrize("name", ["weights_sha256", "predictions_sha256"])
def test_a_digest_is_a_difference_that_has_no_amount(name):
    found = difference(end=result(**{name: "c" * 64}))

    assert (found.epoch, found.quantity) == (None, name)
    assert found.words().endswith("and is cccccccccccccccc")


def test_a_run_that_diverged_only_once_is_a_difference():
    diverged = result(status="diverged", epoch=1, metrics={})

    assert difference(end=diverged) == Difference(None, "status", "finished", "diverged")


def test_runs_that_diverged_in_other_epochs_differ():
    ends = [result(status="diverged", epoch=number, metrics={}) for number in (1, 2)]

    assert first_difference([], [], *ends) == Difference(None, "epoch", 1, 2)
    assert first_difference([], [], ends[0], ends[0]) is None


def test_not_a_number_equals_itself_and_nothing_else():
    one = [epoch(0, train_loss=nan)]

    assert first_difference(one, [epoch(0, train_loss=float("nan"))], result(), result()) is None
    assert first_difference(one, [epoch(0, train_loss=1.0)], result(), result()).quantity == "train_loss"
    assert first_difference([epoch(0, train_loss=1.0)], one, result(), result()).quantity == "train_loss"


@pytest.mark.parametrize(("before", "now"), [(1, 1.0), (1.0, 1), (1, True), (0.0, None), ("1", 1)])
def test_values_of_different_types_differ_however_equal(before, now):
    found = first_difference([epoch(0, images=before)], [epoch(0, images=now)], result(), result())

    assert (found.before, found.now) == (before, now)
    assert found.words()


def test_the_two_zeros_differ():
    """+0 and -0 have other bits, and a division by them gives another result."""
    found = first_difference([epoch(0, train_loss=0.0)], [epoch(0, train_loss=-0.0)], result(), result())

    assert found is not None


def test_a_difference_as_facts_is_plain_values():
    assert Difference(1, "train_loss", 1.0, 2.0).facts() == {
        "epoch": 1, "quantity": "train_loss", "before": 1.0, "now": 2.0,
    }  # fmt: skip


def test_of_two_environments_only_what_can_explain_a_difference_is_named():
    before = {"torch": "2.9.0", "cpu": "A", "cores": 2, "switches": {}, "git_dirty": False}
    now = {"torch": "2.9.1", "cpu": "A", "cores": 8, "switches": {"MKL_CBWR": "AVX2"}, "patch_sha256": "f"}

    assert environment_changes(before, now) == {
        "torch": ("2.9.0", "2.9.1"), "switches": ({}, {"MKL_CBWR": "AVX2"}), "git_dirty": (False, None),
        "patch_sha256": (None, "f"),
    }  # fmt: skip
    assert environment_changes(before, before) == {}
