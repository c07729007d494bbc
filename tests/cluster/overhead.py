"""What the Ray engine costs per run beside the local one: `python -m tests.cluster.overhead`, at the checkout's root.

The runs sleep, so that other programs' use of the processor matters little, and are not recorded in MLflow, which costs
the same with every engine. In each round every engine trains as many runs of the same length, in another order. The
cluster and the processes of both engines have started before the clock does.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from suite.api.progress import Silent
from suite.api.session import Session
from suite.execute import bundles, ray_machines
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
    parser.add_argument("--rounds", type=int, nargs="+", default=[10, 6, 5], help="of each length")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--address", help="the cluster's; without it one of this machine")
    asked = parser.parse_args()
    with engine("local", asked) as local, engine("ray", asked) as ray:
        for seconds, runs, rounds in zip(asked.seconds, asked.runs, asked.rounds, strict=True):
            ways = WAYS if 2 * (seconds + START) <= bundles.GOAL else WAYS[:2]  # a longer one travels alone
            found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            for number in range(rounds):
                for way in random.Random(number).sample(ways, len(ways)):
                    found[way].append(answer(local if way == "local" else ray, way, seconds, runs))
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


@contextmanager
def engine(name: str, asked: argparse.Namespace) -> Iterator[subprocess.Popen[str]]:
    """A process with a session of this engine, which measures what it is asked line by line.

    It is no `-m`: each process of the local engine would run that module again, which a command of the suite keeps
    light and this one is not.
    """
    words = [name, asked.workers, asked.address if name == "ray" else None, asked.seconds]
    code = f"from tests.cluster.overhead import serve; serve(*{words!r})"
    with tempfile.TemporaryDirectory(prefix="suite-overhead-") as home:
        environment = {**plain_environment(), "SUITE_HOME": home}
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # fmt: skip
            yield process
            assert process.stdin
            process.stdin.close()


def answer(process: subprocess.Popen[str], *question: object) -> dict[str, float]:
    """What the process has measured."""
    assert process.stdin
    assert process.stdout
    print(json.dumps(question), file=process.stdin, flush=True)
    return dict(json.loads(process.stdout.readline()))


def serve(name: str, workers: int, address: str | None, lengths: list[float]) -> None:
    """Start the engine, then answer: seconds of a place for each run, and of the driver's processor time."""
    goal = bundles.GOAL
    ray_machines.GREETING = 3600.0  # a busy machine takes its time before the first run, which is not measured
    with tempfile.TemporaryDirectory(prefix="suite-overhead-") as folder:
        for seconds in (0.0, *lengths):
            (Path(folder) / f"{named(seconds)}.py").write_text(SLEEPS.replace("SECONDS", str(seconds / STEPS)))
        session = Session.open(Silent(), experiments=[Path(folder)], workers=workers, engine=name, address=address)
        trained(session, named(0.0), range(workers))
        seed = 0
        for line in sys.stdin:
            way, seconds, runs = json.loads(line)
            bundles.GOAL = 0.0 if way == "ray one by one" else goal
            if isinstance(session.trainer, Elsewhere):  # as if a run had ended: so all travel in bundles
                session.trainer._rates[named(seconds)] = seconds / IMAGES
            began, busy = time.monotonic(), time.process_time()
            trained(session, named(seconds), range(seed, seed + runs))
            took, used = time.monotonic() - began, time.process_time() - busy
            seed += runs
            print(json.dumps({"per_run": took * min(workers, runs) / runs, "driver": used / runs}), flush=True)


def named(seconds: float) -> str:
    """The name of the experiment whose runs sleep so long."""
    return f"sleeps_{seconds:g}".replace(".", "_")


def trained(session: Session, name: str, seeds: range) -> None:
    """Train these runs of an experiment; each must finish."""
    planned = plan(session.chosen([name]), seeds, session.home.runs)
    with closing(train(planned, session.trainer, session.data, session.folders)) as events:
        for _ in events:
            pass
    assert {item.status for item in planned} == {"finished"}, [item.reason for item in planned]


if __name__ == "__main__":
    main()
