"""What a run costs the command that gives it away: `python -m tests.cluster.costs`, at the checkout's root.

A real run is trained once; then each step of the driver is done with it many times: pack, receive an epoch, receive the
result, draw the pictures, copy it to MLflow in SQLite and through a server to PostgreSQL, ask and tell Optuna, and take
events from Ray. A line has the median of the elapsed time and of this process's processor time; on a machine that is
busy with other work the second is the one to trust, and a step that waits for the disk or for a server lies between.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from suite.api.progress import Silent
from suite.api.session import Session
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.execute import ray
from suite.execute.executor import Ended
from suite.execute.ray_machines import RayMachines
from suite.runs import artifacts
from suite.runs.events import Done, EpochEnded
from suite.runs.freight import RunsFreight
from suite.runs.plan import plan
from suite.runs.there import PARTS, Sent, Training
from suite.runs.training import train
from suite.runs.worker import Job
from tests.cluster.telling import Jobs, Telling
from tests.postgres import Postgres
from tests.promises import trackers

PARTED = ["files", "record", "ray", "study", "server"]
EPOCH = ("checkpoint", "history.jsonl", "recipe.json")  # what comes after each epoch


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="lenet")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--times", type=int, default=30, help="how often each step is done")
    parser.add_argument("--parts", nargs="+", default=PARTED, choices=PARTED)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suite-costs-") as folder:
        os.environ["SUITE_HOME"] = folder
        session = Session.open(Silent(), workers=1)
        [item] = plan(session.chosen([asked.experiment], {"data": asked.data, "epochs": asked.epochs}), range(1),
                      session.home.runs)  # fmt: skip
        with closing(train([item], session.trainer, session.data, ())) as events:
            for _ in events:
                pass
        assert item.status == "finished", item.reason
        data = session.data(asked.data)
        if "files" in asked.parts:
            freight(item.run, item.job(session.data, ()), asked.times)
        if "record" in asked.parts:
            step("draw the pictures", asked.times, lambda _: artifacts.make(item.run, lambda _: data))
            sizes = [path.stat().st_size for path in item.run.folder.rglob("*") if path.is_file()]
            print(f"{'a finished run on disk':58} {sum(sizes) / 1e3:.0f} kB in {len(sizes)} files")
            record(item.run, session.home, asked.times, "SQLite")
        if "ray" in asked.parts:
            from_ray(asked.times)
        if "study" in asked.parts:
            study(f"sqlite:///{folder}/studies.db", asked.times, "SQLite")
        if "server" in asked.parts:
            with Postgres(("studies", "record", "shared")) as server:
                at = server.address("studies")
                study(at, asked.times, "PostgreSQL")
                artifacts.make(item.run, lambda _: data)
                over_http(item.run, session.home, asked.times, at, Path(folder))


def step(name: str, times: int, do: Callable[[int], object]) -> None:
    """Do it so often and print what it cost."""
    do(-1)  # loads what is needed
    walls, busy = [], []
    for number in range(times):
        wall, used = time.perf_counter(), time.process_time()
        do(number)
        walls.append(1e3 * (time.perf_counter() - wall))
        busy.append(1e3 * (time.process_time() - used))
    low, middle, high = statistics.quantiles(walls, n=4)
    print(
        f"{name:58} {middle:8.1f} ms ({low:.1f} to {high:.1f}), processor {statistics.median(busy):7.1f} ms, n={times}",
        flush=True,
    )


def freight(run: Run, job: Job, times: int) -> None:
    """Pack it, and receive an epoch and the end of it, each time into a folder of its own."""
    parts = {name: (run.folder / name).read_bytes() for name in PARTS if (run.folder / name).exists()}
    sizes = ", ".join(f"{name} {len(contents) / 1e3:.0f}" for name, contents in parts.items())
    print(f"a run's files in kB: {sizes}")
    parts.setdefault("checkpoint", parts["weights.safetensors"] * 2)  # removed at the end; weights and momentum
    result, record = run.result(), run.history()[-1]
    assert result
    with tempfile.TemporaryDirectory(prefix="suite-costs-") as folder:
        seeds = [Run.under(Path(folder), run.experiment, run.identity, 0) for _ in range(times + 1)]
        runs = [replace(one, folder=Path(folder) / str(number) / one.folder.name) for number, one in enumerate(seeds)]
        with closing(RunsFreight([replace(job, run=one) for one in runs], Training(), {}, None)) as some:
            epoch = Sent(EpochEnded(record), {name: parts[name] for name in EPOCH}, b"words", "/there", "/there.py")
            rest = {name: contents for name, contents in parts.items() if name not in EPOCH}
            end = Sent(Done(result), rest, b"words", "/there", "/there.py")
            step("pack", times, some.pack)
            step(f"receive and write an epoch ({sum(map(len, epoch.files.values())) / 1e3:.0f} kB)", times,
                 lambda number: some.receive(number, epoch))  # fmt: skip
            step(f"receive, write and check the result ({sum(map(len, rest.values())) / 1e3:.0f} kB)", times,
                 lambda number: (some.receive(number, end), some.receive(number, Ended(0))))  # fmt: skip


def record(run: Run, home: Home, times: int, where: str) -> None:
    """Copy it to MLflow, each time as the run of another home, in two steps as a command that keeps up does."""
    from suite.tracking.mirror import Mirror
    from suite.tracking.store import open_store

    store, result = open_store(home), run.result()
    mirrors = [Mirror(replace(store, home=f"{where}{number}")) for number in range(times + 1)]
    step(f"tell MLflow of a run's begin and epochs, {where}", times, lambda number: mirrors[number].send(run, None))
    step(f"tell MLflow of its end, with its files, {where}", times, lambda number: mirrors[number].send(run, result))


def over_http(run: Run, home: Home, times: int, at: str, folder: Path) -> None:
    """The same through a server, and the processor time that this and the database have used."""
    served = folder / "served"
    served.mkdir()
    with trackers.server(served, at=f"{at.rpartition('/')[0]}/record") as server:
        os.environ |= {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{server.port}", "MLFLOW_HTTP_REQUEST_TIMEOUT": "120"}
        port = at.rpartition(":")[2].partition("/")[0]
        trees = {"MLflow's server": f"--port {server.port}", "PostgreSQL": f"port={port}"}
        before = {name: used_by(words) for name, words in trees.items()}
        record(run, home, times, "server")
        for name, words in trees.items():
            print(f"{name:58} processor {1e3 * (used_by(words) - before[name]) / (times + 1):7.1f} ms for each run")


def used_by(words: str) -> float:
    """Seconds of processor time of the oldest process whose command line has these words, and of all below it."""
    facts = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            command = (place / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it has ended
        facts[int(place.name)] = (int(fields[1]), sum(map(int, fields[11:15])), command)
    found = [min(pid for pid, (_, _, command) in facts.items() if words in command)]
    for pid in found:
        found += [child for child, (parent, _, _) in facts.items() if parent == pid]
    return sum(facts[pid][1] for pid in found) / os.sysconf("SC_CLK_TCK")


def study(url: str, times: int, where: str) -> None:
    """Ask for a trial and tell its end."""
    import optuna

    from suite.tuning.storage import _storage

    made = optuna.create_study(storage=_storage(url), sampler=optuna.samplers.TPESampler(seed=0))
    space: dict[str, Any] = {name: optuna.distributions.FloatDistribution(0, 1) for name in "abc"}

    def trial(_: int) -> None:
        one = made.ask(space)
        made.tell(one, sum(one.params.values()))

    step(f"ask and tell Optuna, {where}", times, trial)


def from_ray(times: int) -> None:
    """Take events of a job of a local Ray cluster, small ones and ones of a megabyte."""
    machines = RayMachines(Telling(), [], lambda _: {}, 1, dict(os.environ))
    machines.warm_up()
    for size in (1_000, 100_000, 1_000_000):
        for _ in ray.carry(machines, Jobs([(3, size, 0.1)])):  # its process has started then
            pass
        used = time.process_time()
        for _ in ray.carry(machines, Jobs([(times, size, 0.1)])):
            pass
        each = 1e3 * (time.process_time() - used) / times
        print(f"{f'take an event of {size / 1e3:.0f} kB from Ray':58} processor {each:7.1f} ms, n={times}", flush=True)
    began = time.perf_counter()
    for _ in ray.carry(machines, Jobs([(times, 10_000_000, 0.0)])):
        pass
    rate = times * 10 / (time.perf_counter() - began)
    print(f"{'events of 10 MB, one after the other, through Ray':58} {rate:8.0f} MB/s, n={times}", flush=True)


if __name__ == "__main__":
    main()
