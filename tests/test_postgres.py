"""A real PostgreSQL server: studies have the same trials as in SQLite, and MLflow records runs in it."""

import base64
import configparser
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from suite.tracking.server import reason
from tests.cli.test_tune import BRIEF, FEW_BRIEF, QUICK, WORDS, study_of, the_same_in_every_command
from tests.conftest import Answer, Workspace, answer_of, assert_refused
from tests.postgres import Postgres
from tests.promises import trackers

pytestmark = pytest.mark.commands


SECRET = "hush7hush"
LOGIN = "hush7hush7-of-the-server"
GRANT = """
import os
from mlflow.server import get_app_client
client = get_app_client("basic-auth", os.environ["MLFLOW_TRACKING_URI"])
client.grant_user_permission("ada", "experiment", "1", "EDIT")
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A new server on this machine."""
    with Postgres(("studies", "record", "shared")) as started:
        yield started


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> str:
    """The address of its database `studies`; there are `record` and `shared` too."""
    return postgres.address("studies", SECRET)


def quick_in(folder: Path, home_name: str = "home", **extra: str) -> Workspace:
    own, home = folder / "own", folder / home_name
    own.mkdir(parents=True)
    home.mkdir()
    (own / "quick.py").write_text(QUICK)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(own), **extra})


def test_a_study_there_has_the_trials_of_one_in_sqlite_though_the_server_restarts(
    postgres: Postgres, server: str, tmp_path: Path
) -> None:
    here, there = quick_in(tmp_path / "here"), quick_in(tmp_path / "there", SUITE_STUDY_STORAGE=server)

    command = there.start(*BRIEF)
    while command.poll() is None and not list(there.home.glob("mlruns/trials/*/*/checkpoint")):
        time.sleep(0.02)
    postgres.stop()
    time.sleep(1)
    postgres.start()
    answers = [here.suite(*BRIEF), answer_of(command)]

    assert [answer.code for answer in answers] == [0, 0], answers
    assert the_same_in_every_command(study_of(there)) == the_same_in_every_command(study_of(here))
    assert not (there.home / "mlruns" / "studies" / "studies.db").exists()


def test_a_server_that_is_away_is_one_line_without_its_password(server: str, tmp_path: Path) -> None:
    away = server.rpartition(":")[0] + ":9/studies"
    workspace = quick_in(tmp_path, SUITE_STUDY_STORAGE=away)

    answer = workspace.suite(*WORDS)

    assert_refused(answer, 3, "studies' storage", "127.0.0.1:9", "SUITE_STUDY_STORAGE")
    assert SECRET not in answer.err


def test_mlflow_records_a_run_there_whatever_the_homes_path_and_no_file_has_the_password(
    server: str, tmp_path: Path
) -> None:
    address = f"{server.rpartition('/')[0]}/record"
    workspace = quick_in(tmp_path, "it's 100% :mine", MLFLOW_TRACKING_URI=address)

    # A new database may take longer than a run waits for it; then `sync` sends the run.
    answers = [workspace.suite(*words.split()) for words in ("run quick --seeds 1 --no-report", "sync", "doctor")]

    assert [answer.code for answer in answers] == [0, 0, 0], answers
    assert ":***@127.0.0.1" in answers[2].out
    place = workspace.home.joinpath("mlruns", "artifacts").as_uri()
    assert [(name, where.startswith(f"{place}/")) for name, where in recorded(address)] == [
        ("quick", True), ("quick-s0", True),
    ]  # fmt: skip
    assert [path.name for path in (workspace.home / "mlruns").iterdir() if path.name.isdecimal()] == []
    assert SECRET not in "".join(answer.out + answer.err for answer in answers)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []


@pytest.fixture(scope="module")
def guarded(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables that name a real MLflow server, its record in PostgreSQL, its artifacts behind it, with a login."""
    pytest.importorskip("flask_wtf", reason="mlflow[auth] is not installed")
    folder = tmp_path_factory.mktemp("guarded")
    with trackers.server(folder, at=f"{server.rpartition('/')[0]}/shared", login=LOGIN) as started:
        login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": LOGIN}
        yield {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{started.port}", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60", **login}


@pytest.fixture(scope="module")
def settler(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home with two runs and a study, recorded in its own database."""
    workspace = quick_in(tmp_path_factory.mktemp("settler"))
    for words in (("run", "quick", "--seeds", "2", "--no-report"), FEW_BRIEF):
        answer = workspace.suite(*words)
        assert answer.code == 0, answer
    return workspace


def test_a_home_moves_to_a_server_with_equal_values(settler: Workspace, guarded: dict[str, str], server: str) -> None:
    to = guarded["MLFLOW_TRACKING_URI"]
    login = {name: value for name, value in guarded.items() if name != "MLFLOW_TRACKING_URI"}
    here = Workspace(settler.home, settler.extra | login)
    stranger = Workspace(settler.home, settler.extra | login | {"MLFLOW_TRACKING_PASSWORD": "another"})
    embedded = json.loads(here.suite("sync", "--json").out)["tracking_uri"]

    refused, first, again = (one.suite("sync", "--to", to, "--json") for one in (stranger, here, here))
    spoil(f"{server.rpartition('/')[0]}/shared")
    spoiled = here.suite("sync", "--to", to)

    assert_refused(refused, 3, "wants a login", "MLFLOW_TRACKING_PASSWORD")
    sent, nothing = (json.loads(answer.out) for answer in (first, again))
    assert (sent["sent"], nothing["sent"]) == (len(here.results()), 0)
    assert sent["compared"] == nothing["compared"]
    assert sent["compared"]["records"] >= 7  # two runs, their parent, the study and its three trials
    assert sent["compared"]["artifacts"] >= 2 * 8
    assert_refused(spoiled, 3, "1 record of", "quick-s1 differs in metric test/accuracy")
    assert json.loads(here.suite("sync", "--json").out)["tracking_uri"] == embedded
    assert not has_secret(settler.home.parent, refused, first, spoiled)


def test_the_pages_containers_and_unit_start_the_server_that_its_command_starts() -> None:
    shell, container, unit = trackers.of_the_page()
    assert shell == container == unit
    assert "--allowed-hosts" in shell
    [compose], [service] = (re.findall(rf"```{kind}\n(.*?)```", trackers.PAGE.read_text(), re.DOTALL)
                            for kind in ("yaml", "ini"))  # fmt: skip
    assert set(yaml.safe_load(compose)["services"]) == {"database", "mlflow"}
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(service.replace("\\\n", " "))
    assert parser["Service"]["ExecStart"].startswith("/srv/mlflow/venv/bin/mlflow server --app-name basic-auth")


def test_a_server_answers_to_the_names_that_it_was_given_and_its_own_pages_alone(guarded: dict[str, str]) -> None:
    where = f"{guarded['MLFLOW_TRACKING_URI']}/ajax-api/2.0/mlflow/experiments/search"  # as MLflow's pages ask
    headers = {**basic(guarded), "Content-Type": "application/json"}
    named, page = {"Host": "mlflow.example.com"}, {"Origin": "https://mlflow.example.com"}

    asked = (
        {},
        named,
        named | page,
        {"Host": "another.example.com"},
        named | {"Origin": "https://another.example.com"},
    )
    answers = [said(Request(where, b'{"max_results": 1}', headers | more)) for more in asked]

    assert [status for status, _ in answers] == [200, 200, 200, 403, 403]
    assert "--allowed-hosts" in reason(OSError(f"failed with error code 403. Response body: {answers[3][1]!r}"))


def said(request: Request) -> tuple[int, str]:
    """The status and the text of a server's answer."""
    try:
        with urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.promise
@pytest.mark.full
def test_a_login_that_may_only_read_is_one_line_and_one_that_may_edit_records(
    settler: Workspace, tmp_path: Path
) -> None:
    with trackers.server(tmp_path, login=LOGIN, may="READ") as server:
        admin, ada = (
            {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_TRACKING_USERNAME": name,
             "MLFLOW_TRACKING_PASSWORD": LOGIN} for name in ("admin", "ada")
        )  # fmt: skip
        first = Workspace(settler.home, settler.extra | admin).suite("sync")
        [lines] = re.findall(r"( +from getpass import .*?\n)\n", trackers.PAGE.read_text(), re.DOTALL)
        told(textwrap.dedent(lines).replace("https://mlflow.example.com", server.uri), admin)
        guest = quick_in(tmp_path / "ada", **ada)

        trained = guest.suite("run", "quick", "--seeds", "1", "--no-report")
        told(GRANT, admin)
        synced = guest.suite("sync", "--json")

    assert (first.code, trained.code, synced.code) == (0, 0, 0), (first, trained, synced)
    assert "this login may not do that there" in trained.err
    assert "Traceback" not in trained.err
    assert json.loads(synced.out)["sent"] == 1
    assert not has_secret(tmp_path / "ada", trained, synced)


def told(program: str, login: dict[str, str]) -> None:
    """Run a program that asks for a password."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(command, input=f"{LOGIN}\n", text=True, check=True, env={**os.environ, **login}, timeout=300)


def basic(login: dict[str, str]) -> dict[str, str]:
    """The header of a request by this login."""
    words = f"{login['MLFLOW_TRACKING_USERNAME']}:{login['MLFLOW_TRACKING_PASSWORD']}"
    return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


@pytest.mark.promise
@pytest.mark.full
def test_a_second_home_has_runs_of_its_own_on_that_server(
    guarded: dict[str, str], tmp_path: Path, settler: Workspace
) -> None:
    here = Workspace(settler.home, settler.extra | guarded)
    guest = quick_in(tmp_path, **guarded)

    answers = [
        here.suite("sync"),
        guest.suite("run", "quick", "--seeds", "2", "--no-report"),
        guest.suite("sync"),
        guest.suite("report", "--json"),
    ]

    assert [answer.code for answer in answers] == [0, 0, 0, 0], answers
    origins = [(one.home / "mlruns" / "origin").read_text().strip() for one in (here, guest)]
    mine, others = ({one["suite.run"] for one in runs_on(guarded) if one["suite.home"] == home} for home in origins)
    assert len(others) == 2
    assert others < mine  # the same recipe and seeds; `here` has those of its study's winner too
    assert not has_secret(tmp_path, *answers)


def runs_on(guarded: dict[str, str]) -> list[dict[str, str]]:
    """The tags of all runs of the suite that the server has, but for their parents."""
    query = json.dumps({"experiment_ids": ["1"], "filter": "tags.`suite.kind` = 'run'", "max_results": 1000}).encode()
    headers = {"Content-Type": "application/json", **basic(guarded)}
    with urlopen(Request(f"{guarded['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/search", query, headers)) as answer:
        return [{tag["key"]: tag["value"] for tag in run["data"]["tags"]} for run in json.load(answer)["runs"]]


def spoil(address: str) -> None:
    """Change one accuracy in MLflow's tables."""
    psycopg2 = pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    query = """UPDATE metrics SET value = value + 0.001 WHERE key = 'test/accuracy' AND run_uuid =
               (SELECT run_uuid FROM runs WHERE name = 'quick-s1')"""
    with closing(psycopg2.connect(address.replace("+psycopg2", ""))) as database, database.cursor() as cursor:
        cursor.execute(query)
        assert cursor.rowcount == 1
        database.commit()


def has_secret(folder: Path, *answers: Answer) -> bool:
    files = (path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return LOGIN in "".join(answer.out + answer.err for answer in answers) or any(
        LOGIN.encode() in one for one in files
    )


def recorded(address: str) -> list[tuple[str, str]]:
    """The names of the runs in MLflow's tables, and the places of their artifacts."""
    psycopg2 = pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    with closing(psycopg2.connect(address.replace("+psycopg2", ""))) as database, database.cursor() as cursor:
        cursor.execute("SELECT name, artifact_uri FROM runs ORDER BY name")
        return list(cursor.fetchall())
