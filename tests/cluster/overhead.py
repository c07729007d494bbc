"""What the Ray engine costs per run beside the local one: `python -m tests.cluster.overhead`, at the checkout's root.

The runs sleep, so that other programs' use of the processor matters little, and are not recorded in MLflow, which costs
the same with every engine. In each round every engine trains as many runs of the same length, in a new process and in
another order. The cluster and the processes of both engines have started before the clock does.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from suite.api.progress import Silent
from suite.api.session import Session
from suite.execute import bundles
from suite.runs.elsewhere import Elsewhere
from suite.runs.freight import START
from suite.runs.plan import plan
from suite.runs.training import train
from tests.conftest import ROOT, plain_environment

WAYS = ("local", "ray in bundles", "ray one by one")
IMAGES, STEPS = 1_500, 6  # of the one epoch: the digits in batches of 250
SLEEPS = '''"""A linear layer that takes its time."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=250, epochs=1)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import time

    from torch import nn

    class Slow(nn.Linear):
        def forward(self, pixels):
            if self.training:
                time.sleep(SECONDS)
            return super().forward(pixels)

    return nn.Sequential(nn.Flatten(), Slow(784, 10))
'''


def main() -> None:
    """Measure in rounds and print a table of the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 10, 60], help="how long a run sleeps")
    parser.add_argument("--runs", type=int, nargs="+", default=[30, 8, 2], help="how many runs of each length")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--address", help="the cluster's; without it one of this machine")
    asked = parser.parse_args()
    for seconds, runs in zip(asked.seconds, asked.runs, strict=True):
        ways = WAYS if 2 * (seconds + START) <= bundles.GOAL else WAYS[:2]  # a longer one travels alone
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for number in range(asked.rounds):
            for way in random.Random(number).sample(ways, len(ways)):
                found[way].append(in_a_process(way, seconds, runs, asked.workers, asked.address))
                print(f"{seconds:g} s, round {number}, {way}: {found[way][-1]}", file=sys.stderr, flush=True)
        report(seconds, runs, asked.workers, found)


def report(seconds: float, runs: int, workers: int, found: dict[str, list[dict[str, float]]]) -> None:
    """Print what one length of runs has cost."""
    local = [one["per_run"] for one in found["local"]]
    sure = 1 - 2 ** (1 - len(local))  # for independent rounds: that the median lies between the least and the greatest
    print(f"{runs} runs that sleep {seconds:g} s, {workers} at once, {len(local)} rounds; intervals have {sure:.0%}")
    for way, rounds in found.items():
        times = [one["per_run"] for one in rounds]
        extra = [mine - its for mine, its in zip(times, local, strict=True)]
        busy = statistics.median(one["driver"] for one in rounds)
        line = f"  {way:15} {statistics.median(times):7.2f} s a run; the driver's processor {1000 * busy:5.0f} ms a run"
        if way != "local":
            line += f"; beside local {statistics.median(extra):+.2f} s ({min(extra):+.2f} to {max(extra):+.2f})"
        print(line, flush=True)


def in_a_process(way: str, seconds: float, runs: int, workers: int, address: str | None) -> dict[str, float]:
    """What `measured` gives, from a new process.

    It is no `-m`: each process of the local engine would run that module again, which a command of the suite keeps
    light and this one is not.
    """
    asked = (way, seconds, runs, workers, address if way != "local" else None)
    code = f"import json; from tests.cluster.overhead import measured; print(json.dumps(measured(*{asked!r})))"
    with tempfile.TemporaryDirectory(prefix="suite-overhead-") as home:
        environment = {**plain_environment(), "SUITE_HOME": home}
        return dict(json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=environment)))


def measured(way: str, seconds: float, runs: int, workers: int, address: str | None) -> dict[str, float]:
    """Seconds of a place for each run, and of the driver's processor time."""
    if way == "ray one by one":
        bundles.GOAL = 0.0
    with tempfile.TemporaryDirectory(prefix="suite-overhead-") as folder:
        for name, slept in (("begins", 0.0), ("sleeps", seconds)):
            (Path(folder) / f"{name}.py").write_text(SLEEPS.replace("SECONDS", str(slept / STEPS)))
        session = Session.open(
            Silent(), experiments=[Path(folder)], workers=workers, engine=way.partition(" ")[0], address=address
        )
        trained(session, "begins", workers)
        if isinstance(session.trainer, Elsewhere):  # as if a run had ended: so all others travel in bundles
            session.trainer._rates["sleeps"] = seconds / IMAGES
        began, busy = time.monotonic(), time.process_time()
        trained(session, "sleeps", runs)
        took, used = time.monotonic() - began, time.process_time() - busy
    return {"per_run": took * min(workers, runs) / runs, "driver": used / runs}


def trained(session: Session, name: str, runs: int) -> None:
    """Train so many runs of an experiment; each must finish."""
    planned = plan(session.chosen([name]), range(runs), session.home.runs)
    with closing(train(planned, session.trainer, session.data, session.folders)) as events:
        for _ in events:
            pass
    assert {item.status for item in planned} == {"finished"}, [item.reason for item in planned]


if __name__ == "__main__":
    main()
