"""A real PostgreSQL server: studies have the same trials as in SQLite, and MLflow records runs in it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_tune import BRIEF, QUICK, WORDS, study_of, the_same_in_every_command
from tests.conftest import Workspace, assert_refused
from tests.postgres import postgres

pytestmark = pytest.mark.commands


SECRET = "hush7hush"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the database `studies` in a new server on this machine; there is `record` too."""
    with postgres("studies", "record") as address:
        yield f"postgresql+psycopg2://suite:{SECRET}@{address}/studies"


def quick_in(folder: Path, home_name: str = "home", **extra: str) -> Workspace:
    own, home = folder / "own", folder / home_name
    own.mkdir(parents=True)
    home.mkdir()
    (own / "quick.py").write_text(QUICK)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(own), **extra})


def test_a_study_there_has_the_trials_of_one_in_sqlite(server: str, tmp_path: Path) -> None:
    here, there = quick_in(tmp_path / "here"), quick_in(tmp_path / "there", SUITE_STUDY_STORAGE=server)

    answers = [workspace.suite(*BRIEF) for workspace in (here, there)]

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


def recorded(address: str) -> list[tuple[str, str]]:
    """The names of the runs in MLflow's tables, and the places of their artifacts."""
    psycopg2 = pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    with closing(psycopg2.connect(address.replace("+psycopg2", ""))) as database, database.cursor() as cursor:
        cursor.execute("SELECT name, artifact_uri FROM runs ORDER BY name")
        return list(cursor.fetchall())
