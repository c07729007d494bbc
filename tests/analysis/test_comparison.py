"""Recipes compared in pairs: which pairs, the correction for their number, the words, and how often it is wrong."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from suite.analysis.comparison import Answers, Comparison, common_seeds, compare, pairs_of
from suite.analysis.paired import Difference, beats, difference
from suite.analysis.power import POWER, detectable, power_of, seeds_needed
from suite.analysis.ranking import beside_best
from suite.analysis.significance import McNemar
from tests.analysis.simulated import World

IMAGES = 500
LABELS = np.random.default_rng(0).integers(0, 10, IMAGES).astype(np.uint8)
FOUND = Difference(mean=0.004, seeds_sd=0.006, images_se=0.003, rest_sd=0.2, n=5, images=10_000)


def answers(title, share, *, seeds=(0, 1, 2, 3, 4), draw=7):
    """Answers of which this share is right, drawn at random for each image. A wrong answer is the next class."""
    chance = np.random.default_rng((draw, *title.encode()))
    shape = len(seeds), IMAGES
    predicted = np.where(chance.random(shape) < share, LABELS, (LABELS + 1) % 10).astype(np.uint8)
    return Answers(title, tuple(seeds), predicted, chance.random(shape).astype(np.float32), LABELS)


def comparison(*, found=FOUND, p=0.3, seeds=(0, 1, 2, 3, 4), **fields):
    whole = {
        "one": "lenet", "other": "mlp", "seeds": seeds, "accuracies": (0.872, 0.868), "found": found, "p": p,
        "voted": McNemar(12, 9, 0.66), "voted_p": 0.8, "wins": 0.7, "visible": 0.0123,
        "ruled_out": 0.0131, "needed": 40,
    }  # fmt: skip
    return Comparison(**{**whole, **fields})


def test_answers_under_some_seeds_are_those_rows_in_that_order():
    whole = answers("lenet", 0.8, seeds=(3, 5, 9))
    some = whole.under([9, 3])

    assert (some.title, some.seeds) == ("lenet", (9, 3))
    assert np.array_equal(some.predicted, whole.predicted[[2, 0]])
    assert np.array_equal(some.confidence, whole.confidence[[2, 0]])
    assert np.array_equal(some.right, whole.right[[2, 0]])
    assert some.labels is whole.labels


def test_right_are_the_images_whose_label_was_predicted():
    labels = np.array([1, 2, 3], np.uint8)
    some = Answers("a", (0, 1), np.array([[1, 2, 0], [0, 2, 3]], np.uint8), np.ones((2, 3), np.float32), labels)

    assert some.right.tolist() == [[True, True, False], [False, True, True]]


def test_common_seeds_are_those_of_all_in_ascending_order():
    some = [answers("a", 0.8, seeds=(9, 2, 4, 7)), answers("b", 0.8, seeds=(4, 9, 1)), answers("c", 0.8, seeds=(9, 4))]

    assert common_seeds(some) == (4, 9)
    assert common_seeds([*some, answers("d", 0.8, seeds=(0,))]) == ()


def test_every_two_are_compared_each_under_the_seeds_that_both_have():
    some = [
        answers("a", 0.9, seeds=(0, 1, 2, 3)),
        answers("b", 0.8, seeds=(1, 2, 3, 4)),
        answers("c", 0.7, seeds=(4, 3, 2)),
    ]
    found = compare(some)

    assert [(one.one, one.other, one.seeds) for one in found] == [
        ("a", "b", (1, 2, 3)), ("b", "c", (2, 3, 4)),
    ]  # fmt: skip
    for one, (left, right) in zip(found, [(some[0], some[1]), (some[1], some[2])], strict=True):
        ours, theirs = left.under(one.seeds).right, right.under(one.seeds).right
        assert one.found == difference(ours, theirs)
        assert one.wins == beats(ours, theirs)
        assert one.accuracies == pytest.approx((ours.mean(), theirs.mean()))
        assert one.found.mean == pytest.approx(one.accuracies[0] - one.accuracies[1])


def test_with_first_only_the_others_are_compared_with_the_first():
    some = [answers(name, 0.8) for name in "abcd"]

    assert [(one.one, one.other) for one in compare(some, with_first=True)] == [("b", "a"), ("c", "a"), ("d", "a")]
    assert [(one.title, other.title) for one, other in pairs_of(some)] == [*combinations("abcd", 2)]


def test_a_pair_with_too_few_common_seeds_is_left_out_and_is_not_corrected_for():
    a, b = answers("a", 0.84), answers("b", 0.8)
    alone = answers("c", 0.8, seeds=(3, 4, 5, 6))

    assert compare([a, b, alone]) == compare([a, b])
    assert compare([a, alone]) == []


def test_one_alone_and_none_are_no_comparison():
    assert compare([answers("a", 0.8)]) == []
    assert compare([]) == []


def test_answers_about_other_test_images_are_refused():
    a, b = answers("a", 0.8), answers("b", 0.8)
    other = replace(b, labels=(LABELS + 1) % 10)
    fewer = replace(b, predicted=b.predicted[:, 1:], confidence=b.confidence[:, 1:], labels=LABELS[1:])

    for one in (other, fewer):
        with pytest.raises(ValueError, match="different test images"):
            compare([a, one])


def test_p_values_are_corrected_by_holms_method_over_all_pairs():
    found = compare([answers(name, share) for name, share in zip("abcd", (0.80, 0.81, 0.83, 0.88), strict=True)])
    raw, order = [one.found.p for one in found], []
    for rank, (p, place) in enumerate(sorted((p, place) for place, p in enumerate(raw))):
        order.append((place, min(1.0, max([p * (6 - rank), *(before for _, before in order)]))))

    assert len(found) == 6
    assert [one.p for one in found] == pytest.approx([p for _, p in sorted(order)], rel=1e-9)
    assert any(one.p > 1.5 * one.found.p for one in found)
    assert {one.verdict for one in found} == {"worse", "bounded", "undecided"}


def test_the_votes_are_compared_by_mcnemars_exact_test_corrected_as_well():
    from scipy.stats import binomtest

    some = [answers("a", 0.9), answers("b", 0.8), answers("c", 0.82)]
    found = compare(some)
    voted = [np.array([np.bincount(column).argmax() for column in one.predicted.T]) == LABELS for one in some]
    split = [(int((x & ~y).sum()), int((y & ~x).sum())) for x, y in combinations(voted, 2)]
    ps = [binomtest(x, x + y).pvalue for x, y in split]

    assert [(one.voted.only_one, one.voted.only_other) for one in found] == split
    assert [one.voted.p for one in found] == pytest.approx(ps)
    assert min(one.voted_p for one in found) == pytest.approx(min(1, 3 * min(ps)))


@pytest.mark.parametrize("pairs", [1, 3, 6])
def test_what_could_have_been_seen_holds_after_the_correction(pairs):
    """With several pairs only a larger difference is shown. The 80 % hold for each pair, whatever the others show."""
    some = [answers(name, 0.8) for name in "abcd"[: {1: 2, 3: 3, 6: 4}[pairs]]]
    found = compare(some)

    assert len(found) == pairs
    for one in found:
        strict = replace(one.found, level=1 - 0.05 / pairs)
        assert one.visible == detectable(strict, POWER)
        assert power_of(strict, one.visible) == pytest.approx(POWER, abs=0.005)
        assert one.needed == seeds_needed(strict, POWER)
        assert pairs == 1 or one.visible > 1.05 * detectable(one.found, POWER)


def test_the_seeds_needed_are_fewer_where_the_difference_is_larger_and_more_for_several_pairs():
    few, many = (compare([answers("a", 0.8), answers("b", share)])[0] for share in (0.82, 0.81))
    [among_three, *_] = compare([answers("a", 0.8), answers("b", 0.82), answers("c", 0.8)])

    assert few.found.mean < many.found.mean < 0
    assert few.needed is not None
    assert many.needed is None or many.needed > few.needed
    assert among_three.needed is None or among_three.needed >= few.needed


@pytest.mark.parametrize(
    ("mean", "p", "level", "verdict"),
    [
        (0.004, 0.0499, 0.95, "better"),
        (-0.004, 0.0499, 0.95, "worse"),
        (0.004, 0.0501, 0.95, "undecided"),
        (-0.004, 0.0499, 0.99, "undecided"),
        (0.0, 1.0, 0.95, "undecided"),
    ],
)
def test_the_verdict_goes_by_the_corrected_p_at_the_level(mean, p, level, verdict):
    assert comparison(found=replace(FOUND, mean=mean), p=p, level=level).verdict == verdict


@pytest.mark.parametrize(
    ("p", "p_equivalent", "ruled_out", "verdict"),
    [
        (0.3, 0.0499, 0.0131, "equivalent"),
        (0.0001, 0.0499, 0.0131, "equivalent"),  # different, but by less than anybody minds
        (0.0499, 0.0501, 0.0131, "better"),
        (0.3, 0.0501, 0.0131, "undecided"),
        (0.3, 0.0501, 0.0123, "bounded"),  # what could have been seen is ruled out
        (0.3, None, 0.0123, "bounded"),
    ],
)
def test_with_a_margin_it_is_equivalent_if_that_is_ruled_out(p, p_equivalent, ruled_out, verdict):
    margin = None if p_equivalent is None else 0.005
    found = comparison(p=p, p_equivalent=p_equivalent, margin=margin, ruled_out=ruled_out)

    assert found.verdict == verdict
    assert found.decided == (verdict in ("equivalent", "better"))


def test_a_margin_is_ruled_out_by_two_one_sided_tests_corrected_by_holms_method():
    """With one source of chance each test is Student's, as scipy computes it."""
    from scipy.stats import ttest_1samp

    drawn = np.random.default_rng(3).normal(0.002, 0.004, 6)
    for differences in (drawn, -drawn):
        found = Difference(differences.mean(), differences.std(ddof=1), 0.0, 0.0, 6, 10_000)
        for margin in (0.001, abs(differences.mean()), 0.004, 0.02):
            above = ttest_1samp(differences, -margin, alternative="greater").pvalue
            below = ttest_1samp(differences, margin, alternative="less").pvalue
            assert found.p_within(margin) == pytest.approx(max(above, below), rel=1e-6)

    some = [answers(name, share) for name, share in zip("abc", (0.80, 0.81, 0.83), strict=True)]
    pairs = compare(some, margin=0.04)
    raw = sorted(one.found.p_within(0.04) for one in pairs)
    assert min(one.p_equivalent for one in pairs) == pytest.approx(3 * raw[0])
    assert {one.margin for one in pairs} == {0.04}
    assert {one.p_equivalent for one in compare(some)} == {None}


def test_a_difference_is_told_with_its_interval_seeds_and_p():
    found = replace(FOUND, mean=-0.0213)
    words = comparison(found=found, p=0.0004).words

    low, high = 100 * found.interval.low, 100 * found.interval.high
    assert words == f"lenet is worse than mlp: -2.13 points ({low:+.2f} to {high:+.2f}), 5 seeds, p < 0.001."
    assert comparison(p=0.0312).words.endswith(", 5 seeds, p 0.031.")


@pytest.mark.parametrize(
    ("needed", "remedy"),
    [
        (40, "If it is as large as it seems, 35 more seeds would settle it in four of five cases."),
        (6, "If it is as large as it seems, 1 more seed would settle it in four of five cases."),
        (5, "A difference as large as this is seen in four of five comparisons like it."),
        (None, "Not even 1,000 seeds would settle one as small as this; more test images might."),
    ],
)
def test_undecided_says_what_could_have_been_seen_what_is_ruled_out_and_what_would_settle_it(needed, remedy):
    words = comparison(needed=needed).words

    assert words.startswith(
        "lenet and mlp: undecided (could not have seen less than 1.23 points; "
        "a difference above 1.31 points is ruled out): +0.40 points ("
    )
    assert words.endswith(f"), 5 seeds, p 0.300. {remedy}")


def test_bounded_says_what_is_ruled_out():
    words = comparison(ruled_out=0.0112, needed=None).words

    assert words.startswith(
        "lenet and mlp: no difference shown, and a difference above 1.12 points is ruled out: +0.40 points ("
    )


def test_equivalent_says_within_what_and_whether_one_is_better_all_the_same():
    same = comparison(margin=0.015, p_equivalent=0.012)
    small = replace(same, p=0.01)

    assert same.words.startswith("lenet and mlp are equivalent, 1.50 points or more are ruled out: +0.40 points (")
    assert same.words.endswith("), 5 seeds, p 0.012.")
    assert small.words.endswith(" lenet is shown to be better, but by less than that.")


def test_a_difference_that_is_shown_is_told_beside_the_margin():
    found = replace(FOUND, mean=-0.03)
    low = -found.interval.high

    assert comparison(found=found, p=0.01, margin=low - 0.001, p_equivalent=0.9).words.endswith("points or more.")
    assert comparison(found=found, p=0.01, margin=low + 0.001, p_equivalent=0.9).words.endswith("or more is open.")


def test_where_images_leave_it_open_no_number_of_seeds_is_named():
    found = replace(FOUND, seeds_sd=0.0001, images_se=0.01)

    assert seeds_needed(found, POWER, 1_000) is None


def test_the_same_images_right_are_said_to_be_so_and_nothing_is_said_of_what_was_visible():
    """Without any spread nobody can say how small a difference would have been seen."""
    one = answers("a", 0.8)
    [found] = compare([one, replace(one, title="b")])

    assert (found.p, found.wins, found.found.mean) == (1.0, 0.5, 0.0)
    assert found.words == "a and b: no difference shown: the same images right under each of 5 seeds."


def test_as_many_right_on_other_images_are_said_to_be_equal():
    labels = np.zeros(100, np.uint8)
    one, other = np.zeros((2, 3, 100), np.uint8)
    one[:, :7], other[:, 7:14] = 1, 1
    [found] = compare(
        [Answers(t, (0, 1, 2), p, np.ones((3, 100), np.float32), labels) for t, p in (("a", one), ("b", other))]
    )

    assert found.found.mean == 0
    assert found.words.startswith("a and b: no difference shown, and a difference above ")
    assert found.words.endswith(" 3 seeds, p 1.000. They have equally many images right.")


def test_facts_are_plain_values_of_everything():
    import json

    [found] = compare([answers("a", 0.9), answers("b", 0.7)])
    facts = json.loads(json.dumps(found.facts(), allow_nan=False))

    assert (facts["one"], facts["other"], facts["seeds"]) == ("a", "b", [0, 1, 2, 3, 4])
    assert (facts["verdict"], facts["words"]) == ("better", found.words)
    assert facts["accuracies"] == list(found.accuracies)
    assert facts["p"] == found.p
    assert facts["difference"]["interval"] == {"low": found.found.interval.low, "high": found.found.interval.high}
    assert facts["mcnemar"] == {
        "only_one": found.voted.only_one, "only_other": found.voted.only_other, "p": found.voted_p,
    }  # fmt: skip
    assert (facts["wins"], facts["could_have_seen"], facts["seeds_needed"]) == (found.wins, found.visible, found.needed)
    assert (facts["ruled_out"], facts["margin"], facts["p_equivalent"]) == (found.ruled_out, None, None)
    assert found.ruled_out == pytest.approx(max(-found.found.interval.low, found.found.interval.high))


def test_the_best_is_marked_with_those_that_cannot_be_told_from_it():
    some = [answers(name, share) for name, share in zip("abcd", (0.80, 0.81, 0.83, 0.88), strict=True)]
    found = compare(some)
    shown = {frozenset((one.one, one.other)): one.shown for one in found}

    assert beside_best(found) == {
        "d": "the best", **{name: "worse" if shown[frozenset((name, "d"))] else "not told from it" for name in "abc"},
    }  # fmt: skip
    assert beside_best(compare([some[2], answers("e", 0.83)])) == {"c": "the best", "e": "not told from it"}
    assert beside_best([]) == {}


def suites(draw, count, recipes, seeds, *, gap=0.0, images=1_000):
    """Answers of several recipes; the first is better by `gap`. Images, seeds and recipes add random differences."""
    from scipy.special import ndtri

    labels = np.zeros(images, np.uint8)
    sure = np.ones((seeds, images), np.float32)
    hard, taste, luck = 2.0, 0.5, 0.08
    spread = math.sqrt(1 + hard**2 + taste**2 + luck**2)
    ability = spread * ndtri([0.88 + gap, *[0.88] * (recipes - 1)])
    for _ in range(count):
        score = draw.standard_normal((recipes, seeds, images), dtype=np.float32)
        score += hard * draw.standard_normal(images, dtype=np.float32)
        score += taste * draw.standard_normal((recipes, 1, images), dtype=np.float32)
        score += luck * draw.standard_normal((recipes, seeds, 1), dtype=np.float32)
        right = score + ability[:, None, None] > 0
        yield [
            Answers(str(name), tuple(range(seeds)), (~one).astype(np.uint8), sure, labels)
            for name, one in enumerate(right)
        ]


@pytest.mark.promise
def test_any_of_six_pairs_of_four_equal_recipes_is_called_different_in_5_percent_of_suites_or_fewer(
    figure, draws, monkeypatch
):
    monkeypatch.setattr("suite.analysis.comparison.detectable", lambda *_: 0.0)  # slow, and no part of the verdict
    monkeypatch.setattr("suite.analysis.comparison.seeds_needed", lambda *_: None)
    draw, wrong, uncorrected, count = np.random.default_rng(5), 0, 0, draws(1_000)
    for some in suites(draw, count, recipes=4, seeds=5):
        found = compare(some)
        wrong += any(one.shown for one in found)
        uncorrected += any(one.found.p < 0.05 for one in found)

    figure(f"A/A: {wrong} of {count:,} suites of 4 equal recipes call a pair different; uncorrected {uncorrected}")
    assert wrong <= 0.05 * count
    assert uncorrected > wrong


@pytest.mark.studies
def test_a_true_difference_as_large_as_could_be_seen_is_seen_as_often_as_said_or_oftener(figure, monkeypatch):
    """There are three recipes, so p is corrected. The planted difference is the median of the estimates `visible`."""
    visible = [found.visible for some in suites(np.random.default_rng(6), 30, 3, 5) for found in compare(some)]
    monkeypatch.setattr("suite.analysis.comparison.detectable", lambda *_: 0.0)
    monkeypatch.setattr("suite.analysis.comparison.seeds_needed", lambda *_: None)
    planted, count = float(np.median(visible)), 300
    drawn = suites(np.random.default_rng(7), count, 3, 5, gap=planted)
    seen = sum(compare(some)[0].verdict == "better" for some in drawn)

    figure(f"a true difference of {100 * planted:.2f} points, announced as visible: seen in {seen} of {count} (80 %)")
    assert seen >= 0.75 * count


@pytest.mark.promise
@pytest.mark.studies
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_a_difference_as_large_as_the_margin_is_called_equivalent_in_5_percent_of_cases_or_fewer(seeds, figure, draws):
    """The true difference is the margin itself; then there is none at all, and the margin is usually ruled out."""
    margin, count, rates = 0.01, draws(1_000), {}
    for gap in (margin, 0.0):
        for seed_sd in (0.001, 0.005):
            draw = np.random.default_rng((seeds, round(1e4 * gap), round(1e4 * seed_sd)))
            drawn = World(seed_sd, gap, taste=0.3).comparisons(draw, count, seeds)
            found = [difference(one, other) for one, other in drawn]
            rates[gap, seed_sd] = sum(one.p_within(margin) < 0.05 for one in found) / count
            outside = sum(max(-one.interval.low, one.interval.high) < gap for one in found) / count
            assert outside <= 0.05
    at, none = [f"{rates[gap, 0.001]:.1%} and {rates[gap, 0.005]:.1%}" for gap in (margin, 0.0)]

    figure(f"{seeds} seeds, margin 0.01: called equivalent in {at} at a difference of 0.01, in {none} at 0")
    assert max(rates[margin, 0.001], rates[margin, 0.005]) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / count)
    assert rates[0.0, 0.001] > 2 * rates[margin, 0.001]
