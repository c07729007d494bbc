"""A real MLflow server that asks for a login, on PostgreSQL and with artifacts through the server: two users of it."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.conftest import Answer, Workspace
from tests.postgres import postgres

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full]

ADMIN, ANN, BOB = (f"{name}-{secrets.token_hex(8)}" for name in ("admin", "ann", "bob"))
USERS = {"ann": ANN, "bob": BOB}
SETTINGS = """[mlflow]
default_permission = EDIT
database_uri = {database}
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


@dataclass(frozen=True)
class Login:
    """The running server."""

    uri: str
    folder: Path

    def ask(self, path: str, facts: dict, user: str = "admin", password: str = ADMIN) -> dict:
        """The answer to a request of a user."""
        word = b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {word}", "Content-Type": "application/json"}
        with urlopen(Request(f"{self.uri}/api/2.0/mlflow/{path}", json.dumps(facts).encode(), headers)) as answer:
            return json.load(answer)

    def runs(self) -> list[dict]:
        """All runs that the server knows, with their tags."""
        found = self.ask("experiments/search", {"max_results": 100})["experiments"]
        numbers = [one["experiment_id"] for one in found]
        runs = self.ask("runs/search", {"experiment_ids": numbers, "max_results": 100}).get("runs", [])
        return [{**run["info"], **{tag["key"]: tag["value"] for tag in run["data"]["tags"]}} for run in runs]


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    pytest.importorskip("flask_wtf", reason="Flask-WTF is not installed")
    folder = tmp_path_factory.mktemp("login")
    with postgres("record", "users") as address, (folder / "log").open("wb") as log:
        settings = folder / "auth.ini"
        settings.write_text(SETTINGS.format(database=f"postgresql+psycopg2://suite@{address}/users"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"),
                *("--host", "127.0.0.1", "--port", str(port)),
                *("--backend-store-uri", f"postgresql+psycopg2://suite@{address}/record"),
                *("--artifacts-destination", str(folder / "artifacts")),
            ],
            cwd=folder,
            env={
                **os.environ,
                "MLFLOW_AUTH_CONFIG_PATH": str(settings),
                "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN,
                "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        started = Login(f"http://127.0.0.1:{port}", folder)
        try:
            wait_for(started, process)
            for user, password in USERS.items():
                started.ask("users/create", {"username": user, "password": password})
            yield started
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


def wait_for(login: Login, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 240
    while True:
        with suppress(URLError, ConnectionError), urlopen(f"{login.uri}/health"):
            return
        assert process.poll() is None, (login.folder / "log").read_text()[-2_000:]
        assert time.monotonic() < until, (login.folder / "log").read_text()[-2_000:]
        time.sleep(0.3)


def home_of(user: str, login: Login, folder: Path, **extra: str) -> Workspace:
    home = folder / user
    home.mkdir()
    words = {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": USERS[user]}
    return Workspace(home, {"MLFLOW_TRACKING_URI": login.uri, **words, **extra})


def assert_no_secret(folder: Path, *answers: Answer) -> None:
    """Neither an answer nor a file of a home has a password, plain or as a request carries it."""
    words = [*USERS.values(), *(b64encode(f"{user}:{word}".encode()).decode() for user, word in USERS.items())]
    texts = [answer.out + answer.err for answer in answers]
    assert [word for word in words for text in texts if word in text] == []
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [(path, word) for path in files for word in words if word.encode() in path.read_bytes()] == []


def test_two_users_of_one_server_train_the_same_and_neither_touches_the_others_runs(login: Login, tmp_path: Path):
    homes = [home_of(user, login, tmp_path) for user in USERS]
    brief = ("mlp", "linear", "--data", "digits", "--epochs", "1")

    trained = [home.suite("run", *brief) for home in homes]
    sent = [home.suite("sync", "--json") for home in homes]
    compared = [home.suite("compare", *brief, "--json") for home in homes]

    answers = [*trained, *sent, *compared]
    assert [answer for answer in answers if answer.code] == []
    assert [answer.json["sent"] for answer in sent] == [0, 0]
    assert compared[0].json["comparisons"] == compared[1].json["comparisons"]
    runs = [run for run in login.runs() if run.get("suite.kind") == "run"]
    owners = {run["suite.home"] for run in runs}
    assert len(owners) == 2
    assert sorted((run["suite.home"], run["run_name"]) for run in runs) == sorted(
        (owner, f"{name}-s{seed}") for owner in owners for name in ("mlp", "linear") for seed in range(3)
    )
    assert {run["artifact_uri"].partition(":")[0] for run in runs} == {"mlflow-artifacts"}
    assert list((login.folder / "artifacts").rglob("recipe.json"))
    for home in homes:
        assert (home.home / "reports" / "report.html").exists()
    assert_no_secret(tmp_path, *answers)


def test_a_wrong_password_stops_no_training_and_is_one_line(login: Login, tmp_path: Path):
    home = home_of("bob", login, tmp_path, MLFLOW_TRACKING_PASSWORD="wrong-" + secrets.token_hex(8))

    answer = home.suite("run", "mlp", "--data", "digits", "--epochs", "1", "--seeds", "1", "--no-report")

    assert len(home.results()) == 1
    assert answer.code in (0, 3), answer
    assert all(line.startswith("suite: ") for line in answer.err.splitlines()), answer
    assert "Traceback" not in answer.out + answer.err
    assert home.extra["MLFLOW_TRACKING_PASSWORD"] not in answer.out + answer.err


def test_the_server_lets_nobody_in_without_a_password(login: Login):
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{login.uri}/api/2.0/mlflow/experiments/search")
    with refused.value:
        assert refused.value.code == 401
