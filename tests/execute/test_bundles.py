"""Which jobs go to which machine: places filled evenly, short jobs together, and two machines where two are asked."""

from collections import deque

import pytest

from suite.execute.bundles import GOAL, Bundles, Node

ONE, TWO = Node("a", "one", 2), Node("b", "two", 1)


def bundles(jobs, seconds=None, apart=None, most=None):
    given = (lambda _: seconds) if not callable(seconds) else seconds
    return Bundles(deque((0.0, index) for index in range(jobs)), given, apart or (lambda _: None), most)


def all_of(some, nodes, now=1.0):
    """Everything that is given away at once."""
    found = []
    while one := some.next(nodes, now):
        found.append((one[0].key, one[1]))
    return found


def test_jobs_of_unknown_length_go_alone_to_each_place_and_the_emptiest_machine_is_first():
    some = bundles(5)

    assert all_of(some, [ONE, TWO]) == [("a", [0]), ("b", [1]), ("a", [2])]
    assert [index for _, index in some.waiting] == [3, 4]

    some.ended("a")

    assert all_of(some, [ONE, TWO]) == [("a", [3])]


def test_short_jobs_travel_together_up_to_the_goal():
    some = bundles(1_000, seconds=GOAL / 4)

    assert all_of(some, [TWO]) == [("b", [0, 1, 2, 3])]


def test_no_machine_gets_so_many_that_the_others_wait_at_the_end():
    some = bundles(12, seconds=0.001)

    assert all_of(some, [ONE, TWO]) == [("a", [0, 1]), ("b", [2, 3]), ("a", [4, 5])]


def test_a_long_job_is_never_together_with_others():
    assert all_of(bundles(3, seconds=GOAL + 1), [TWO]) == [("b", [0])]


def test_no_more_jobs_go_at_once_than_asked():
    assert len(all_of(bundles(5, most=2), [ONE, TWO])) == 2


def test_a_job_that_was_busy_waits_its_time_behind_the_others_and_a_lost_one_is_first():
    some = bundles(2)
    all_of(some, [ONE])
    some.again(0, at=9.0, first=False)
    some.again(1, at=0.0, first=True)
    some.ended("a")
    some.ended("a")

    assert all_of(some, [ONE], now=1.0) == [("a", [1])]
    assert all_of(some, [ONE], now=9.0) == [("a", [0])]


@pytest.mark.parametrize(("nodes", "given"), [([ONE, TWO], "b"), ([ONE], None)])
def test_a_job_goes_to_another_machine_than_the_one_that_it_must_avoid(nodes, given):
    some = bundles(2, apart=lambda index: 0 if index == 1 else None)
    found = {job: key for key, jobs in all_of(some, [ONE]) + all_of(some, nodes) for job in jobs}

    assert found.get(1) == given
    assert some.stranded([ONE]) == ([] if given else [1])
    assert not some.waiting


def test_the_same_without_a_word_is_not_stranded_before_the_other_has_gone():
    some = bundles(2, apart=lambda index: 0 if index == 1 else None)

    assert some.stranded([ONE]) == []


def test_no_more_jobs_are_away_at_once_than_this_machine_can_hold_open():
    some = bundles(100_000, seconds=0.0001)
    away = sum(len(jobs) for _, jobs in all_of(some, [ONE, TWO]))

    assert 300 <= away <= 400


def test_more_places_than_files_that_may_be_open_are_not_filled():
    some = bundles(1_000)

    assert len(all_of(some, [Node("a", "one", 600)])) == 400
    some.open = 500
    assert len(all_of(some, [Node("a", "one", 600)])) == 100
