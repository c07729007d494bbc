"""Opening the record: made once, refused when damaged, away without a long wait."""

import subprocess
import sys

import pytest

from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tracking.store import TrackerAway, answering, open_store, tracking_uri
from tests.conftest import ROOT

pytestmark = pytest.mark.mlflow


def test_four_processes_meet_a_new_store_together_and_none_fails(tmp_path):
    program = (
        "import sys; from pathlib import Path; from suite.disk.home import Home;"
        "from suite.tracking.store import open_store; print(open_store(Home(Path(sys.argv[1]))).experiment_id)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]

    answers = [(process.communicate(timeout=120), process.returncode) for process in started]

    assert [code for _, code in answers] == [0, 0, 0, 0], answers
    assert len({out for (out, _), _ in answers}) == 1


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
