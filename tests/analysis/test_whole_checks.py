"""How often a whole check of all experiments raises a false alarm, with the spreads that were really measured."""

import json

import numpy as np
import pytest

from suite.analysis.intervals import FEWEST, group
from suite.analysis.margin import ALPHA, judge
from suite.analysis.ratios import ratio
from suite.analysis.sequential import level_at, looks
from suite.benching import LIMIT, speed_gate
from suite.benching.baselines import read
from suite.benching.session import ROUNDS, Seen
from suite.benching.sides import Side
from suite.benching.speed_gate import AGAIN, NOW, Question
from tests.conftest import ROOT

PLANNED, CYCLES = looks(FEWEST, 12), 5
REFERENCES = [one["accuracies"] for one in json.loads((ROOT / "experiments/reference.json").read_text()).values()]
ERRORS = [
    baseline.ratio.error for one in read(ROOT / "experiments/speed.json").values() for baseline in one.known.values()
]
FULL = (pytest.mark.promise, pytest.mark.full)
CHECKS = pytest.mark.parametrize("checks", [30, pytest.param(500, marks=FULL)])

pytestmark = pytest.mark.studies


def gate_verdict(draw, values, among, drop=0.0):
    """The accuracy gate of runs as the reference's: reference and fresh runs are drawn with its mean and spread."""
    known = group(values)
    reference = draw.normal(known.mean, known.sd, known.n).tolist()
    fresh = draw.normal(known.mean - drop, known.sd, PLANNED[-1]).tolist()
    for k, n in enumerate(PLANNED):
        margin, alpha = max(0.01, 2 * group(reference).sd), 1 - level_at(PLANNED, k, 1 - ALPHA)
        found = judge(fresh[:n], reference, margin=margin, alpha=alpha, among=among)
        if found.verdict != "INCONCLUSIVE":
            break
    return found.verdict


def rate(verdicts, what):
    return np.mean([what in one for one in verdicts])


@CHECKS
def test_a_drop_of_four_spreads_in_one_of_all_experiments_fails_the_check(checks, figure):
    draw = np.random.default_rng(32)
    drops = [max(0.02, 4 * group(one).sd) for one in REFERENCES]
    failed = [gate_verdict(draw, one, len(REFERENCES), drop) for one, drop in zip(REFERENCES, drops, strict=True)
              for _ in range(max(5, checks // 10))]  # fmt: skip
    figure(f"a drop of four spreads in one of {len(REFERENCES)}: {failed.count('FAIL') / len(failed):.0%} FAIL, "
           f"{failed.count('PASS') / len(failed):.1%} PASS, n = {len(failed)}")  # fmt: skip

    assert failed.count("FAIL") >= 0.9 * len(failed)
    assert failed.count("PASS") <= 0.02 * len(failed)


def speed_verdict(draw, error, among, slower=1.0):
    """The speed gate where both sides do the same: a round's noise is such that a session has this standard error."""
    return speed_gated(draw, error, among, slower).verdict


def speed_gated(draw, error, among, slower):
    """As `speed_verdict`, with the interval that the verdict comes from."""

    def seen(factor):
        rounds = draw.normal(0, error * np.sqrt(ROUNDS / 2), (ROUNDS, 1)) + draw.normal(0, 0.01, (ROUNDS, CYCLES))
        return Seen({"identity": "same", "suite": "1", "torch": "2"}, (factor * np.exp(rounds)).tolist())

    other = Side("before", "suite")
    session = {NOW: seen(slower), other.name: seen(1.0), AGAIN: seen(slower)}
    return speed_gate.compared("one", session, other, Question(1.0, LIMIT, among))


@CHECKS
@pytest.mark.parametrize(
    ("check", "verdict", "of", "seed"),
    [("gate all", gate_verdict, REFERENCES, 31), ("bench all --against", speed_verdict, ERRORS, 33)],
)
def test_an_honest_check_of_all_experiments_fails_in_5_percent_of_cases_at_most(
    check, verdict, of, seed, checks, figure
):
    draw = np.random.default_rng(seed)
    mine, alone = ([[verdict(draw, one, among) for one in of] for _ in range(checks)] for among in (len(of), 1))
    figure(f"`{check}`, {checks} honest checks of {len(of)}: {rate(mine, 'FAIL'):.1%} with a FAIL; "
           f"{rate(alone, 'FAIL'):.1%} without the correction; {rate(mine, 'INCONCLUSIVE'):.1%} left open")  # fmt: skip

    assert rate(mine, "FAIL") <= 0.05
    assert rate(mine, "FAIL") <= rate(alone, "FAIL")


@CHECKS
def test_a_check_in_which_every_step_is_at_the_limit_fails_in_5_percent_of_cases_at_most(checks, figure):
    """The hardest check that may not fail: each of its steps takes exactly as long as the limit allows.

    A FAIL needs an interval above the limit, which is what the correction is of, by more than the suite differs from
    itself.
    """
    draw = np.random.default_rng(36)
    mine, alone = ([[speed_gated(draw, one, among, LIMIT) for one in ERRORS] for _ in range(checks)]
                   for among in (len(ERRORS), 1))  # fmt: skip
    failed, above = ([np.mean([any(map(what, each)) for each in some]) for some in (mine, alone)]
                     for what in (lambda one: one.verdict == "FAIL", lambda one: one.slower.low > LIMIT))  # fmt: skip
    passed = np.mean([all(one.verdict == "PASS" for one in each) for each in mine])
    figure(f"`bench all --against`, {checks} checks of {len(ERRORS)} steps at the limit of {LIMIT}: {failed[0]:.1%} "
           f"with a FAIL, {failed[1]:.1%} without the correction; {above[0]:.1%} with an interval above the limit, "
           f"{above[1]:.1%} without the correction; {passed:.1%} passed")  # fmt: skip

    room = 2 * np.sqrt(0.05 * 0.95 / checks)
    assert max(failed[0], above[0]) <= 0.05 + room
    assert above[1] > 0.05 + room or checks < 100, "without the correction it would be too often"


def test_a_step_of_twice_the_time_fails_the_check_in_most_cases():
    draw = np.random.default_rng(34)
    found = [speed_verdict(draw, one, len(ERRORS), 2.0) for one in ERRORS for _ in range(20)]

    assert found.count("FAIL") >= 0.8 * len(found)
    assert "PASS" not in found


def test_the_simulated_sessions_have_about_the_errors_that_were_measured():
    draw = np.random.default_rng(35)
    errors = []
    for _ in range(100):
        one, other = (np.exp(draw.normal(0, 0.05 * np.sqrt(ROUNDS / 2), (ROUNDS, 1)).repeat(CYCLES, 1)) for _ in "ab")
        errors.append(ratio(one, other).error)

    assert 0.04 < np.mean(errors) < 0.08  # the error of a median of six rounds is larger than that of their mean
