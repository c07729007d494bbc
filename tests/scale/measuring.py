"""What a command costs: seconds, processor seconds and memory of its process and of those that it starts."""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from tests.conftest import ROOT, plain_environment
from tests.scale.homes import Large

# Linux counts the memory of the process that starts another as that one's, so a small process starts it.
STARTER = """
import json, os, sys
pid = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[1:]], os.environ,
                     file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, used = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
NEWEST = 100  # runs of the page that MLflow shows first
PLAN = """
import sys
from pathlib import Path
from suite.api.session import Session
from suite.runs.plan import plan
from tests.scale.homes import Large
top, experiments, seeds, runs = sys.argv[1], *map(int, sys.argv[2:])
large = Large(Path(top), experiments, seeds)
found = plan(large.recipes(runs), range(seeds), Session.open().home.runs)
assert all(one.skipped for one in found) and len(found) == runs, (len(found), sum(one.skipped for one in found))
"""
LIST = """
from suite.disk.home import Home
from suite.tracking.store import open_store, search
print(len(search(open_store(Home.find()), "tags.`suite.complete` = 'true'")))
"""


@dataclass(frozen=True)
class Cost:
    """Elapsed seconds, processor seconds, and the most memory in MiB; 0 where it was not measured."""

    seconds: float
    processor: float = 0.0
    mib: float = 0.0


def of_command(words: Sequence[str], environment: dict[str, str], cwd: Path) -> Cost:
    """What `python` with these words costs; it must succeed."""
    begun = time.monotonic()
    with open(cwd / "output.txt", "w+") as out:
        starter = subprocess.run(
            [sys.executable, "-S", "-c", STARTER, *words], cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=out,
            text=True, check=True,
        )  # fmt: skip
        code, processor, kilobytes = json.loads(starter.stdout)
        out.seek(0)
        assert code == 0, out.read()[-2_000:]
    return Cost(time.monotonic() - begun, processor, kilobytes / 1024)


def all_of(large: Large, runs: int, tracker: str = "") -> Iterator[tuple[str, Cost]]:
    """What each command costs in a home of so many runs, all of them finished and in MLflow."""
    environment = {**plain_environment(), "SUITE_HOME": str(large.home.root), "SUITE_EXPERIMENTS": str(large.own),
                   "SUITE_GALLERY": "no"}  # fmt: skip
    if tracker:
        environment["MLFLOW_TRACKING_URI"] = tracker
    note = large.home.mlruns / "settled.json"

    def suite(*words: str) -> Cost:
        return of_command(["-m", "suite", *words], environment, large.top)

    note.unlink(missing_ok=True)
    yield "sync, every run looked for", suite("sync")
    yield "sync, nothing new", suite("sync")
    shape = (str(large.top), str(large.experiments), str(large.seeds), str(runs))
    yield "plan of all recipes", of_command(["-c", PLAN, *shape], {**environment, "PYTHONPATH": str(ROOT)}, large.top)
    yield "run scale_0, all finished", suite("run", "scale_0", "--seeds", str(large.seeds), "--no-report")
    yield "compare scale_0 scale_1", suite("compare", "scale_0", "scale_1")
    shutil.rmtree(large.home.pictures, ignore_errors=True)
    yield "report --experiment scale_0", suite("report", "--experiment", "scale_0")
    yield "report, no picture kept", suite("report")
    yield "report, pictures kept", suite("report")
    yield "list", suite("list")
    yield "doctor", suite("doctor")
    yield "MLflow's search_runs, all runs", of_command(["-c", LIST], environment, large.top)


@contextmanager
def first_page(large: Large, tracker: str = "") -> Iterator[Callable[[], Cost]]:
    """Asks MLflow's real server for what its page of runs asks first: the 100 newest runs."""
    from tests.promises import trackers

    address = tracker or f"sqlite:///{large.home.mlruns / 'mlflow.db'}"
    query = {"experiment_ids": ["1"], "max_results": NEWEST, "order_by": ["attributes.start_time DESC"]}
    with trackers.server(large.top, at=address) as server:

        def ask() -> Cost:
            times = []
            for _ in range(4):
                begun = time.monotonic()
                url = f"http://127.0.0.1:{server.port}/ajax-api/2.0/mlflow/runs/search"
                head = {"Content-Type": "application/json"}
                with urlopen(Request(url, json.dumps(query).encode(), head)) as answer:
                    assert len(json.load(answer)["runs"]) == NEWEST
                times.append(time.monotonic() - begun)
            return Cost(statistics.median(times[1:]))  # the first time the server loads what it needs

        yield ask
