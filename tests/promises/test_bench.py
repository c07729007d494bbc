"""The speed gate with real steps: equal programs raise no alarm, and a step that was made slower on purpose does."""

from collections import Counter
from pathlib import Path

import pytest

from suite import registry
from suite.bench import LIMIT
from suite.bench.gate import against
from suite.bench.sides import Job, Side
from suite.data import ensure
from suite.words import plural
from tests.promises.conftest import Check, copy_program

pytestmark = pytest.mark.promise

STEP = "        scores = state.forward(pixels)\n"
END = "        if enough(step, watch.seconds):\n"
SECONDS = 8.0  # a trial, its loading not counted


def slowed(folder: Path, share: float) -> Path:
    """A copy of the program whose every step takes `share` longer, in computing."""
    epoch = copy_program(folder) / "suite" / "engine" / "epoch.py"
    text = epoch.read_text(encoding="utf-8")
    assert text.count(STEP) == text.count(END) == 1
    burn = (
        f"        until = time.perf_counter() + {share} * (time.perf_counter() - begun)\n"
        "        while time.perf_counter() < until:\n            pass\n"
    )
    epoch.write_text(text.replace(STEP, f"        begun = time.perf_counter()\n{STEP}").replace(END, burn + END))
    return folder


@pytest.mark.check(25, "speed gate: few alarms without a loss, and a loss of 15 or 30 % is found")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("share", "allowed"), [(0.0, {"FAIL": 0.02}), (0.15, {"PASS": 0.0}), (0.30, {"PASS": 0.0})])
def test_a_loss_is_found_and_none_is_made_up(check: Check, tmp_path: Path, figure, share, allowed) -> None:
    """In full over all experiments on their real data; in short `mlp` on the digits, which need no download."""
    names = list(registry.load().experiments) if check.full else ["mlp"]
    source = slowed(tmp_path, share) if share else None
    trials = check.times(100, short=4)
    verdicts: Counter[str] = Counter()

    for trial in range(trials):
        name = names[trial % len(names)]
        overrides = {} if check.full else {"data": "digits"}
        experiment = registry.load().experiments[name].changed(overrides)
        job = Job(name, ensure(experiment.recipe.data), overrides)
        there = {"source": source} if source else {}
        with check.case():
            found = against(name, job, Side("before", "suite"), seconds=SECONDS, limit=LIMIT, tell=str, **there)
            verdicts[found.verdict] += 1

    told = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in ("PASS", "FAIL", "INCONCLUSIVE"))
    figure(f"speed gate, {plural(trials, 'trial')} with a step {share:.0%} slower: {told}")
    for verdict, most in allowed.items():
        assert verdicts[verdict] <= most * trials
    if check.full and share:
        assert verdicts["FAIL"] >= {0.15: 0.90, 0.30: 0.99}[share] * trials
