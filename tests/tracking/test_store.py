"""Opening the record: it is made once, refused if damaged, and given up soon if its server is away."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import TrackerAway, answering, open_store, tracking_uri
from tests.conftest import answer_of, furnish, python

pytestmark = pytest.mark.mlflow


def test_four_processes_meet_a_new_store_together_and_none_fails(tmp_path):
    program = (
        "import sys; from pathlib import Path; from suite.disk.home import Home;"
        "from suite.tracking.store import open_store; print(open_store(Home(Path(sys.argv[1]))).experiment_id)"
    )
    started = [python("-c", program, str(tmp_path)) for _ in range(4)]

    answers = [answer_of(process) for process in started]

    assert [answer.code for answer in answers] == [0, 0, 0, 0], answers
    assert len({answer.out for answer in answers}) == 1


def test_the_database_that_tests_are_furnished_with_is_a_new_one_but_for_its_time(tmp_path):
    furnished, new = tmp_path / "furnished", tmp_path / "new"
    furnished.mkdir()
    found = {}

    for home in (furnish(furnished), new):
        open_store(Home(home))
        with closing(sqlite3.connect(home / "mlruns" / "mlflow.db")) as database:
            lines = [line.replace(str(home), "HOME") for line in database.iterdump()]
        timeless = [re.sub(r"\b1[78]\d{11}\b", "TIME", line) for line in lines]
        # MLflow's migrations write the constraints of a table in any order, so the parts of a table are sorted here.
        found[home] = sorted(sorted(re.split(r",\s*|\n\)", line)) for line in timeless)

    assert len(found[new]) > 50
    assert any("HOME/mlruns/artifacts" in part for line in found[new] for part in line)
    assert found[furnished] == found[new]


def test_a_path_with_quotes_and_a_colon_has_a_new_store_and_no_word_is_said(tmp_path, monkeypatch, capfd):
    home = tmp_path / 'it\'s "one" :of\\a\nkind #1 100%'
    home.mkdir()
    monkeypatch.chdir(home)  # MLflow uses the working folder for its experiment `Default`

    store = open_store(Home(home))
    run = store.client.create_run(store.experiment_id).info.run_id
    store.client.log_text(run, "words", "folder/file.txt")

    assert capfd.readouterr() == ("", "")
    assert Path(store.client.download_artifacts(run, "folder/file.txt")).read_text() == "words"
    assert store.client.get_experiment("0").artifact_location == f"{(home / 'mlruns' / 'artifacts').as_uri()}/0"
    assert [path.name for path in home.iterdir()] == ["mlruns"]


@pytest.mark.parametrize("contents", [b"", b"text", b"SQLite format 2\0" + b"x" * 100, b"\0" * 4096])
def test_what_is_no_database_is_refused_and_left_as_it_was(tmp_path, contents):
    database = tmp_path / "mlruns" / "mlflow.db"
    database.parent.mkdir()
    database.write_bytes(contents)

    with pytest.raises(SuiteError, match="is damaged") as refused:
        open_store(Home(tmp_path))

    assert refused.value.code == 2
    assert database.read_bytes() == contents


def test_a_server_that_is_not_there_is_away_and_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")

    with pytest.raises(TrackerAway):
        open_store(Home(tmp_path))

    assert tracking_uri(Home(tmp_path)) == "http://127.0.0.1:9"
    assert not (tmp_path / "mlruns").exists()


def test_our_own_refusals_are_not_taken_for_the_trackers():
    with pytest.raises(SuiteError), answering():
        raise SuiteError("mend this")
    with pytest.raises(TrackerAway, match="no route"), answering():
        raise OSError("no route")
