"""The summary of the page: what was run, the highest mean and how sure it is, and what is missing."""

from dataclasses import replace

import pytest

from suite.reporting.summary import incomplete, mixed, summary, unequal, ways

DAY = 86_400_000


def at(group, *days):
    """The group, with runs that began on these days (counted from 1970)."""
    return replace(group, runs=tuple({**run, "started": day * DAY} for run, day in zip(group.runs, days, strict=True)))


def right(group, accuracy):
    """The group, with accuracies that are at most 0.01 away from this one."""
    runs = [{**run, "test/accuracy": accuracy + (n - 1) / 100} for n, run in enumerate(group.runs)]
    return replace(group, runs=tuple(runs))


def test_a_data_set_has_a_paragraph_with_experiments_runs_highest_mean_machine_and_days(make_group):
    first = at(right(make_group(), 0.8), 365, 366, 365)
    second = at(right(make_group(experiment="mlp", changes="lr=0.1"), 0.9), 400, 365, 365)

    [paragraph] = summary([first, second])

    # t(0.975) with 2 degrees of freedom is 4.3027. Three values with steps of 0.01 have standard deviation 0.01.
    assert paragraph == (
        "Fashion-MNIST: lenet and 1 changed recipe; 6 runs. The highest mean is 0.9000 of 297 test images "
        "(95 % 0.8752 to 0.9248 over 3 seeds, the highest of 2), that of mlp, lr=0.1. "
        "Run from 1971-01-01 to 1971-02-05 on A processor, 2 cores, torch 2.9.0."
    )


def test_every_data_set_has_its_own_paragraph_in_the_catalogues_order(make_group):
    other = make_group(experiment="mlp")
    other = replace(other, runs=tuple({**run, "param.data": "mnist"} for run in other.runs))

    paragraphs = summary([make_group(), other])

    assert [words.partition(":")[0] for words in paragraphs] == ["MNIST", "Fashion-MNIST"]


def test_of_two_seeds_there_is_no_interval_and_the_summary_says_so(make_group):
    [paragraph] = summary([make_group(seeds=2)])

    assert "(over 2 seeds, which needs 3 for an interval), that of lenet." in paragraph
    assert "95 %" not in paragraph


def test_machines_that_differ_are_all_named(make_group):
    [paragraph] = summary([make_group(cpu="One"), make_group(experiment="mlp", cpu="Another")])

    assert paragraph.endswith("on Another, 2 cores, torch 2.9.0; One, 2 cores, torch 2.9.0.")


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((3, 3), ""),
        ((), ""),
        ((5, 3), "This rests on an incomplete set of runs: 3 seeds of e1, where others have 5 seeds."),
        ((3, 1, 3, 2, 1), "This rests on an incomplete set of runs: 2 seeds of e3, 1 seed of e1; e4, where others "
                          "have 3 seeds."),
    ],
)  # fmt: skip
def test_unequal_numbers_of_seeds_are_said(make_group, seeds, words):
    assert unequal([make_group(seeds=n, experiment=f"e{place}") for place, n in enumerate(seeds)]) == words


def test_a_changed_recipe_with_more_seeds_makes_no_other_incomplete(make_group):
    assert unequal([make_group(seeds=3), make_group(seeds=6, changes="lr=0.01")]) == ""
    assert unequal([make_group(seeds=3), make_group(seeds=2, changes="lr=0.01")]) != ""


@pytest.mark.parametrize(("classes", "said"), [("aab", True), ("aaa", False), ("a\0\0", False)])
def test_seeds_of_machines_with_other_bits_are_said(make_group, classes, said):
    one = make_group(seeds=3)
    runs = [{**run, "suite.env.numeric_class": of.strip("\0")} for run, of in zip(one.runs, classes, strict=True)]

    words = mixed([replace(one, runs=tuple(runs)), make_group(experiment="mlp")])

    assert bool(words) == said
    assert not said or "lenet (a, b)" in words


@pytest.mark.parametrize(
    ("of_lenet", "of_mlp", "said"),
    [
        ("kernels", "kernels", "The suite's own kernels computed all of them."),
        ("kernels", "torch: layer Block", "The suite's own kernels computed lenet; torch computed mlp (layer Block)."),
        ("torch: a", "torch: b", "Torch computed lenet (a), mlp (b)."),
        ("", "", ""),
    ],
)
def test_what_computed_the_runs_is_said(make_group, of_lenet, of_mlp, said):
    groups = []
    for name, way in (("lenet", of_lenet), ("mlp", of_mlp)):
        one = make_group(experiment=name)
        groups.append(replace(one, runs=tuple({**run, "suite.env.way": way} for run in one.runs)))

    assert ways(groups) == said


def test_what_is_missing_is_said_once_each(make_group):
    groups = [make_group(), make_group(seeds=2, experiment="mlp", diverged=(2,))]

    assert incomplete(groups, [("cnn", (0, 1))]) == [
        "mlp diverged under seed 2: no accuracy, and no part of the mean.",
        "cnn diverged under seed 0, 1: no accuracy, and no part of the mean.",
        "Too few seeds for an interval over seeds: mlp. --seeds 3 gives one.",
    ]
    assert incomplete([make_group()], []) == []
