"""Databases and a tracking server that restart while a cluster trains: each run is recorded once, with its numbers.

PostgreSQL and MLflow's server are real ones in the cluster's network. They end as in a power cut and come back.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_tune import study_of, the_same_in_every_command
from tests.cluster.conftest import Driver
from tests.cluster.test_runs import numbers
from tests.conftest import answer_of
from tests.postgres import Postgres
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.trackers import Server

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full,
              pytest.mark.timeout(1800)]  # fmt: skip
RUN = ("run", "slow", "--data", "digits", "--epochs", "8", "--seeds", "3", "--no-report")
TUNE = ("tune", "slow", "--data", "digits", "--epochs", "2", "--trials", "6", "--seeds", "1", "--fresh-seeds", "3",
        "--generation", "3", "--space", "lr=1e-3..1", "--no-report")  # fmt: skip
ROUNDS = 10
TRIALS = """
    SELECT trial.value, runs.status FROM tags trial JOIN runs ON runs.run_uuid = trial.run_uuid
    JOIN tags parent ON parent.run_uuid = trial.run_uuid AND parent.key = 'mlflow.parentRunId'
    JOIN tags home ON home.run_uuid = parent.value AND home.key = 'suite.home' AND home.value = '{}'
    WHERE trial.key = 'suite.trial'"""
STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}


@dataclass(frozen=True)
class Services:
    """PostgreSQL with the databases `record`, `shared` and `studies`, and an MLflow server whose record is `shared`."""

    postgres: Postgres
    server: Server

    def variables(self, kind: str) -> dict[str, str]:
        """What makes a command use them."""
        studies = {"SUITE_STUDY_STORAGE": self.postgres.address("studies")} if "studies" in kind else {}
        where = self.server.uri if "server" in kind else self.postgres.address("record")
        return {"MLFLOW_TRACKING_URI": where, "MLFLOW_HTTP_REQUEST_TIMEOUT": "60", **studies}

    def restart(self, kind: str, away: float) -> None:
        """Kill the server, or else the database, and start it `away` seconds later."""
        (self.server.kill if kind.endswith("server") else self.postgres.stop)()
        time.sleep(away)
        (self.server if kind.endswith("server") else self.postgres).start()


# What a command uses; the last word is what restarts, and the database where that is not the server.
KINDS = ("record", "studies and record", "server", "server and record", "studies and server")


@pytest.fixture(scope="module")
def services(cluster, tmp_path_factory) -> Iterator[Services]:
    with Postgres(("record", "shared", "studies"), cluster.inside) as postgres:
        server = Server(tmp_path_factory.mktemp("server"), postgres.address("shared"), inside=cluster.inside)
        try:
            yield Services(postgres, server)
        finally:
            server.end()


@pytest.fixture(scope="module")
def local(home):
    """What this machine's engine makes of both commands: the runs' numbers, and the study."""
    here = home("local")
    for words in (RUN, TUNE):
        answer = answer_of(here.start(*words))
        assert answer.code == 0, answer
    return numbers(here.results()), study_of(here, "slow")


def after(there: Driver, command, epochs: int) -> None:
    """Wait until a command has trained so many epochs, or ended."""
    folders = ("mlruns/runs/slow/*/history.jsonl", "mlruns/trials/slow/*/history.jsonl")
    while command.poll() is None:
        found = [path for folder in folders for path in there.home.home.glob(folder)]
        if sum(path.read_bytes().count(b"\n") for path in found) >= epochs:
            return
        time.sleep(0.1)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_restarts_costs_no_run_and_records_none_twice(seed, local, driver, services):
    chance = random.Random(seed)
    kind, there = KINDS[seed % len(KINDS)], driver(f"round{seed}")
    variables, words = services.variables(kind), (*TUNE, "--study", f"round{seed}") if "studies" in kind else RUN
    command = there.start(*words, **variables)
    after(there, command, chance.randrange(1, 20))
    assert command.poll() is None, command.communicate()
    services.restart(kind, chance.uniform(0, 10))
    answer = answer_of(command)
    synced = answer_of(there.start_here("sync", **variables))

    assert (answer.code, synced.code) == (0, 0), (kind, answer, synced)
    assert "Traceback" not in answer.err + synced.err
    database = "shared" if "server" in kind else "record"
    if words == RUN:
        assert numbers(there.home.results()) == local[0]
        ask: Callable[[str], list] = lambda query: services.postgres.rows(database, query)  # noqa: E731
        [(first,)] = ask("SELECT artifact_location FROM experiments WHERE name = 'suite'")  # of the home that made it
        artifacts = services.server.artifacts if "server" in kind else Path(first.removeprefix("file://"))
        assert assert_mirror_is_exact(there.home.home, None, artifacts, ask) > 0
    else:
        study = study_of(there.home, f"round{seed}")
        assert the_same_in_every_command(study) == the_same_in_every_command(local[1])
        assert [row["fresh"] for row in study["outcome"]["rows"]] == [
            row["fresh"] for row in local[1]["outcome"]["rows"]
        ]
        origin = (there.home.home / "mlruns" / "origin").read_text().strip()
        held = sorted(services.postgres.rows(database, TRIALS.format(origin)), key=lambda one: int(one[0]))
        assert held == [(str(one["number"]), STATUS[one["state"]]) for one in study["trials"]]
