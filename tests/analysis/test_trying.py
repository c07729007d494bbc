"""The error of many tries together, the power of each, and the rule's bounds against another library's."""

import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from suite.analysis.paired import Difference, difference
from suite.analysis.sequential import looks
from suite.analysis.trying import BUDGET, EXPONENT, Rule, part
from tests.analysis.simulated import ACCURACY, DIFFICULTY, World

FULL = (pytest.mark.promise, pytest.mark.full)
TRIES, IMAGES = 200, 500
BETTER = Rule("better", 0.005, 12)


def decided(ours, theirs, rule, error):
    """What a try ends with, given which images each seed has right: (decision, seeds)."""
    planned = looks(3, rule.limit)
    for k, n in enumerate(planned):
        if decision := rule.at_look(difference(ours[:n], theirs[:n]), k, planned, error):
            return decision, n
    return "", rule.limit


def history(draw, world, gap=0.0, count=TRIES):
    """Which images are right, bool (n, m): the baseline's runs, which all tries share, and those of each change."""
    hard = DIFFICULTY * draw.standard_normal(IMAGES, dtype=np.float32)

    def runs(accuracy):
        luck = world.luck * draw.standard_normal((BETTER.limit, 1))
        taste = world.taste * draw.standard_normal(IMAGES)
        noise = draw.standard_normal((BETTER.limit, IMAGES), dtype=np.float32)
        return world.shift(accuracy) + hard + luck + taste + noise > 0

    return runs(ACCURACY), (runs(ACCURACY + gap) for _ in range(count))


def test_the_parts_of_endlessly_many_tries_add_up_to_the_budget():
    mine = [part(number) for number in range(1, 5_001)]
    tail = BUDGET / float(stats.zipf(EXPONENT).pmf(1) ** -1) * 5_000.5 ** (1 - EXPONENT) / (EXPONENT - 1)

    assert mine == pytest.approx(BUDGET * stats.zipf(EXPONENT).pmf(np.arange(1, 5_001)))
    assert mine == sorted(mine, reverse=True)
    assert sum(mine) + tail == pytest.approx(BUDGET, rel=1e-6)
    with pytest.raises(ValueError, match="from 1"):
        part(0)


@pytest.mark.parametrize("count", [20, pytest.param(1_000, marks=FULL)])
def test_the_rule_is_that_of_one_sided_t_tests_where_only_seeds_differ(count):
    """All images alike for a seed: then the interval is Student's, and statsmodels tests the same."""
    draw, seen = np.random.default_rng(5), set()
    planned = looks(3, 12)
    for _ in range(count):
        k, gap = int(draw.integers(4)), draw.choice([-0.05, 0.005, 0.02, 0.15])
        n, error = planned[k], part(int(draw.integers(1, 50)))
        by_seed = draw.normal(gap, 0.02, n)
        found = difference(*_with_means(by_seed))
        rule = Rule(("better", "not-worse")[int(draw.integers(2))], 0.005, 12)
        means = sm.stats.DescrStatsW(np.round(by_seed * 1_000) / 1_000)
        share = (n - (planned[k - 1] if k else 0)) / 12
        above = means.ttest_mean(rule.bar, "larger")[1] < error * share
        below = means.ttest_mean(rule.aim, "smaller")[1] < BUDGET * share
        expected = "KEEP" if above else "DISCARD" if below else ""

        assert rule.at_look(found, k, planned, error) == expected
        seen.add(expected)
    assert seen == {"KEEP", "DISCARD", ""}


def _with_means(by_seed):
    """Two recipes' answers to 1,000 images, whose differences by seed are these, rounded; no image stands out."""
    n, m = len(by_seed), 1_000
    ours, theirs = np.zeros((n, m), bool), np.zeros((n, m), bool)
    places = np.random.default_rng(1)
    for row, gap in enumerate(by_seed):
        chosen = places.permutation(m)[: abs(round(gap * m))]
        (ours if gap > 0 else theirs)[row, chosen] = True
    return ours, theirs


@pytest.mark.parametrize("repeats", [400_000, pytest.param(40_000_000, marks=FULL)])
@pytest.mark.parametrize(("images", "spread", "flips"), [(10_000, 70, 300), (10_000, 20, 100), (2_000, 8, 20)])
def test_seeds_that_agree_by_chance_keep_nothing_in_a_late_try(images, spread, flips, repeats, figure):
    """The first look at three seeds of a change without effect, in whole images; all images are equally hard."""
    draw, number, kept, certain = np.random.default_rng(19), 1_000, 0, 0
    planned, allowed = looks(3, 12), part(1_000) * 3 / 12
    for _ in range(0, repeats, 400_000):
        counts = np.rint(draw.normal(0, math.hypot(spread, flips**0.5), (3, 400_000)))
        agree = counts[:, (np.ptp(counts, axis=0) <= 1) & (counts.mean(axis=0) > 0)]
        for three in agree.T:
            found = Difference(
                three.mean() / images, three.std(ddof=1) / images, 0.0, flips**0.5 / images**0.5, 3, images
            )
            kept += BETTER.at_look(found, 0, planned, part(number)) == "KEEP"
            certain += found.mean > found.half(allowed)
    figure(f"try 1,000, {images} images, first look: kept in {kept} of {repeats:,}, without the limit of an image in "
           f"{certain}; allowed {allowed * repeats:.2g}")  # fmt: skip

    assert kept <= stats.poisson(allowed * repeats).ppf(0.999)
    if repeats > 1_000_000:
        assert certain > 10 * max(1, allowed * repeats)


def test_that_three_seeds_agree_exactly_is_no_certainty():
    """+90 images of 10,000 three times: Student's t needs a spread, and takes that of one image's rounding."""
    found = Difference(0.009, 0.0, 0.0, 0.17, 3, 10_000)
    needed = -stats.t(2).ppf(part(1_000) / 4) / 3 / 10_000  # t · (1/√3) / √3 images

    assert found.mean < needed < 0.2
    assert BETTER.at_look(found, 0, looks(3, 12), part(1_000)) == ""
    assert BETTER.at_look(found, 0, looks(3, 12), part(1)) == "KEEP"


@pytest.mark.studies
@pytest.mark.parametrize("repeats", [25, pytest.param(500, marks=FULL)])
def test_of_200_changes_without_effect_any_is_kept_in_5_percent_of_histories_at_most(repeats, figure):
    draw, any_kept, naive = np.random.default_rng(17), 0, 0
    for _ in range(repeats):
        baseline, changes = history(draw, World(0.005, taste=0.3))
        ends = [(decided(one, baseline, BETTER, part(k)), decided(one, baseline, BETTER, BUDGET))
                for k, one in enumerate(changes, 1)]  # fmt: skip
        any_kept += any(mine[0] == "KEEP" for mine, _ in ends)
        naive += any(each[0] == "KEEP" for _, each in ends)
    figure(f"200 tries without effect: any kept in {any_kept} of {repeats} histories; each at 5 %: in {naive}")

    assert any_kept / repeats <= BUDGET
    assert naive / repeats > 4 * BUDGET


@pytest.mark.parametrize(("number", "decision"), [(1, "KEEP"), (20, ""), (200, "")])
def test_a_loss_that_was_allowed_is_never_a_reason_to_discard(number, decision):
    """0.2 points worse for certain, where 0.5 are allowed: a late try cannot show that, and may not deny it."""
    found = Difference(-0.002, 0.0025, 0.0001, 0.17, 12, 10_000)
    rule, planned = Rule("not-worse", 0.005, 12), looks(3, 12)

    assert found.mean + found.half(BUDGET / 3) < 0, "it is shown to be worse"
    assert rule.at_look(found, 3, planned, part(number)) == decision
    assert rule.at_look(replace(found, mean=-0.009), 3, planned, part(number)) == "DISCARD"


@pytest.mark.studies
@pytest.mark.parametrize("repeats", [25, pytest.param(500, marks=FULL)])
def test_a_change_within_the_margin_is_rarely_discarded_and_one_at_it_rarely_kept(repeats, figure):
    draw, rule = np.random.default_rng(20), Rule("not-worse", 0.02, 12)
    for gap, number in ((0.0, 1), (-0.01, 1), (-0.01, 200), (-0.02, 1), (-0.05, 1), (-0.05, 200)):
        ends = []
        for _ in range(repeats):
            baseline, changes = history(draw, World(0.005), gap, count=1)
            ends.append(decided(next(changes), baseline, rule, part(number))[0])
        kept, gone = (ends.count(what) / repeats for what in ("KEEP", "DISCARD"))
        figure(f"not worse by 2 points, a change of {100 * gap:+.0f} points as try {number}: {kept:.1%} kept, "
               f"{gone:.1%} discarded, n = {repeats}")  # fmt: skip

        room = 2 * np.sqrt(BUDGET * (1 - BUDGET) / repeats)
        assert gone <= BUDGET + room or gap < -0.02
        assert kept <= part(number) + room or gap > -0.02
        assert gone >= 0.8 or gap > -0.05


@pytest.mark.studies
@pytest.mark.parametrize("repeats", [25, pytest.param(500, marks=FULL)])
def test_a_large_improvement_is_kept_also_late_and_a_loss_is_discarded_early(repeats, figure):
    draw, shown = np.random.default_rng(18), {}
    for gap, number in ((0.03, 1), (0.03, 20), (0.03, 200), (-0.02, 1)):
        ends = []
        for _ in range(repeats):
            baseline, changes = history(draw, World(0.005), gap, count=1)
            ends.append(decided(next(changes), baseline, BETTER, part(number)))
        shown[gap, number] = ends
        kept, gone = (sum(end == what for end, _ in ends) / repeats for what in ("KEEP", "DISCARD"))
        seeds = np.median([n for end, n in ends if end] or [math.nan])
        figure(f"a change of {100 * gap:+.0f} points as try {number}: {kept:.0%} kept, {gone:.0%} discarded, "
               f"{seeds:.0f} seeds in the median, n = {repeats}")  # fmt: skip

    assert sum(end == "KEEP" for end, _ in shown[0.03, 1]) >= 0.9 * repeats
    assert sum(end == "KEEP" for end, _ in shown[0.03, 20]) >= 0.6 * repeats
    assert sum(end == "DISCARD" for end, _ in shown[-0.02, 1]) >= 0.9 * repeats
    assert np.median([n for _, n in shown[-0.02, 1]]) < BETTER.limit
