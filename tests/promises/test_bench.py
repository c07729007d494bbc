"""The speed gate with real steps: equal programs raise no alarm, and a step that was made slower on purpose does."""

import statistics
from collections import Counter
from pathlib import Path

import pytest

from suite.benching import LIMIT
from suite.benching.session import session
from suite.benching.sides import HERE, Side, Workload, probes
from suite.benching.speed_gate import Gated, Question, beside, compared
from suite.data import ensure
from suite.recipe import registry
from suite.text import plural
from tests.promises.conftest import Check, copy_program

pytestmark = [pytest.mark.promise, pytest.mark.full]

STEP = "        if kernels:\n"
END = "        if enough(step, watch.seconds):\n"
BEFORE = Side("before", "suite")
SECONDS = 5.0  # for one trial, without the time to load


def slowed(folder: Path, share: float) -> Path:
    """A copy of the program in which every step computes longer, by this share of its time."""
    epoch = copy_program(folder) / "suite" / "engine" / "epoch.py"
    text = epoch.read_text(encoding="utf-8")
    assert text.count(STEP) == text.count(END) == 1
    burn = (
        f"        until = time.thread_time() + {share} * (time.thread_time() - begun)\n"
        "        while time.thread_time() < until:\n            pass\n"
    )
    epoch.write_text(text.replace(STEP, f"        begun = time.thread_time()\n{STEP}").replace(END, burn + END))
    return folder


@pytest.mark.check(25, "speed gate: few alarms without a loss, and a loss of 15 or 30 % is found")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("share", "allowed"), [(0.0, {"FAIL": 0.02}), (0.15, {"PASS": 0.0}), (0.30, {"PASS": 0.0})])
def test_a_loss_is_found_and_none_is_made_up(check: Check, tmp_path: Path, figure, share, allowed) -> None:
    """With -m promise all experiments on their real data; else `mlp` on the digits, which need no download."""
    source = slowed(tmp_path, share) if share else HERE
    verdicts: Counter[str] = Counter()
    found: dict[str, list[Gated]] = {}

    for name, trials in trials_of(check).items():
        overrides = {} if check.full else {"data": "digits"}
        experiment = registry.load().experiments[name].changed(overrides)
        job, sides = Workload(name, ensure(experiment.recipe.data), overrides), beside(BEFORE, source)
        with probes(sides, job) as processes:  # loaded once for all trials; each round is a new process
            for _ in range(trials):
                with check.case():
                    seen = compared(name, session(sides, processes, SECONDS, str), BEFORE, Question(SECONDS, LIMIT))
                    found.setdefault(name, []).append(seen)
                    verdicts[seen.verdict] += 1

    for name, gates in found.items():
        figure(f"speed gate, {name}, a step {share:.0%} slower: {_told(gates)}")
    trials = verdicts.total()
    told = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in ("PASS", "FAIL", "INCONCLUSIVE"))
    figure(f"speed gate, {plural(trials, 'trial')} with a step {share:.0%} slower: {told}")
    for verdict, most in allowed.items():
        assert verdicts[verdict] <= most * trials
    if check.full and share:
        assert verdicts["FAIL"] >= {0.15: 0.90, 0.30: 0.99}[share] * trials


def trials_of(check: Check) -> dict[str, int]:
    """How many trials of each experiment. With -m promise they are at least a hundred together."""
    if not check.full:
        return {"mlp": 4}
    names = sorted(registry.load().experiments)
    return dict.fromkeys(names, -(-100 // len(names)))


def _told(gates: list[Gated]) -> str:
    values = [one.value for one in gates]
    wide = statistics.median(one.slower.high / one.slower.low - 1 for one in gates) / 2
    verdicts = Counter(one.verdict for one in gates)
    return (
        f"{', '.join(f'{n} {verdict}' for verdict, n in verdicts.items())}; {statistics.median(values):.3f} "
        f"({min(values):.3f} to {max(values):.3f}) times as long, each within {wide:.1%}"
    )
