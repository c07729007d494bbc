"""The simulation of a driver agrees with what can be computed by hand."""

import random

import pytest

from tests.cluster.capacity import CORES, Costs, fed, most_nodes, share_of_speed, simulate


def always(seconds):
    return lambda: seconds


def test_a_driver_that_costs_nothing_keeps_all_places_busy():
    found = simulate(8, 80, always(3.0), always(0.0), always(0.0))

    assert (found.received, found.recorded) == (30.0, 30.0)


def test_one_place_waits_for_each_run():
    found = simulate(1, 10, always(3.0), always(0.5), always(0.25))

    assert found.received == 10 * 3.5
    assert found.recorded == 10 * 3.5 + 0.25


def test_a_loop_that_is_too_slow_sets_the_speed_and_so_does_the_recorder():
    loop = simulate(100, 1_000, always(1.0), always(0.1), always(0.0))
    recorder = simulate(100, 1_000, always(1.0), always(0.0), always(0.1))

    assert loop.received == pytest.approx(1.0 + 1_000 * 0.1)
    assert recorder.received == 10.0
    assert recorder.recorded == pytest.approx(1.0 + 1_000 * 0.1)


@pytest.mark.parametrize(("places", "cost"), [(1, 0.5), (4, 0.1), (10, 0.1), (20, 0.1), (40, 0.02)])
def test_random_lengths_and_costs_give_the_speed_of_the_closed_form(places, cost):
    chance = random.Random(places)
    runs = 20_000
    found = simulate(places, runs, lambda: chance.expovariate(1.0), lambda: chance.expovariate(1 / cost), always(0.0))

    assert runs / places / found.received == pytest.approx(share_of_speed(places, 1.0, cost), rel=0.03)


@pytest.mark.slow
def test_the_nodes_that_are_fed_are_those_of_the_arithmetic():
    assert most_nodes(60, 0.01) == 60 / 0.01 / CORES
    assert fed(60, Costs(loop=0.01)) == pytest.approx(most_nodes(60, 0.01), rel=0.15)
    assert fed(60, Costs(recorder=0.1), recorded=True) == pytest.approx(most_nodes(60, 0.1), rel=0.15)
    assert fed(60, Costs(recorder=0.1)) > 10 * most_nodes(60, 0.1)  # nobody waits for it
