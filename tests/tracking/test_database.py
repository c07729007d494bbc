"""MLflow's SQLite file: damage is distinguished from a lock, and a home that was moved finds its artifacts."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from suite.disk import sqlite
from suite.disk.home import Home
from suite.disk.sqlite import Locked
from suite.errors import SuiteError
from suite.tracking.database import relocate, require_whole
from suite.tracking.store import open_store, search

TABLES = """
CREATE TABLE experiments (name TEXT, artifact_location TEXT);
CREATE TABLE runs (run_uuid TEXT, artifact_uri TEXT);
CREATE TABLE logged_models (model_id TEXT, artifact_location TEXT);
INSERT INTO experiments VALUES ('suite', 'file:///old/artifacts'), ('other', 'file:///old/artifacts2');
INSERT INTO runs VALUES ('a', 'file:///old/artifacts/a/artifacts'), ('b', 'file:///old/artifacts2/b/artifacts'),
    ('c', 'file:///elsewhere/old/artifacts/c');
INSERT INTO logged_models VALUES ('m', 'file:///old/artifacts/models/m');
CREATE TABLE model_versions (name TEXT, source TEXT, storage_location TEXT);
INSERT INTO model_versions VALUES ('v', 'file:///old/artifacts/models/m', 'file:///old/artifacts/models/m');
"""


@pytest.fixture
def file(tmp_path):
    """A database with only those tables of MLflow that hold paths."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.executescript(TABLES)
    return tmp_path / "mlflow.db"


def rows(file, query):
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute(query))


def test_a_whole_database_and_none_at_all_are_fine(file, tmp_path):
    before = file.read_bytes()

    require_whole(file)
    require_whole(tmp_path / "nothing.db")

    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["mlflow.db"]


@pytest.mark.parametrize(
    ("contents", "word"),
    [(b"", "not an SQLite"), (b"SQLite format 4\0", "not an SQLite"), (b"SQLite format 3\0", "is damaged")],
)
def test_what_is_no_database_is_refused(file, contents, word):
    file.write_bytes(contents)

    with pytest.raises(SuiteError, match=word) as refused:
        require_whole(file)

    assert refused.value.code == 2
    assert "sync --rebuild" in str(refused.value)
    assert file.read_bytes() == contents


def test_a_damaged_name_that_is_no_text_is_refused_too(file):
    damaged = (
        file.read_bytes().replace(b"tablerunsruns", b"tabler\xc3nsr\xc3ns").replace(b"CREATE TABLE runs", b"x" * 17)
    )
    file.write_bytes(damaged)

    with pytest.raises(SuiteError, match="is damaged") as refused:
        require_whole(file)

    assert refused.value.code == 2


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("other.db")])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path, make):
    make(tmp_path / "mlflow.db")

    with pytest.raises(SuiteError, match="not a regular file"):
        require_whole(tmp_path / "mlflow.db")


def test_a_database_that_another_program_holds_is_locked_not_damaged(file, monkeypatch):
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")

        with pytest.raises(Locked):
            require_whole(file)
        with pytest.raises(Locked):
            relocate(file, "suite", "file:///new")


def test_only_the_experiments_own_places_are_renamed(file):
    relocate(file, "suite", "file:///new/place")

    assert rows(file, "SELECT * FROM experiments") == {"suite": "file:///new/place", "other": "file:///old/artifacts2"}
    assert rows(file, "SELECT * FROM runs") == {
        "a": "file:///new/place/a/artifacts",
        "b": "file:///old/artifacts2/b/artifacts",
        "c": "file:///elsewhere/old/artifacts/c",
    }
    assert rows(file, "SELECT * FROM logged_models") == {"m": "file:///new/place/models/m"}
    for column in ("source", "storage_location"):
        assert rows(file, f"SELECT name, {column} FROM model_versions") == {"v": "file:///new/place/models/m"}


@pytest.mark.parametrize(("name", "place"), [("suite", "file:///old/artifacts"), ("nobody", "file:///new")])
def test_where_nothing_is_to_be_renamed_nothing_is_written(file, name, place):
    before = file.read_bytes()

    relocate(file, name, place)

    assert file.read_bytes() == before


@pytest.mark.mlflow
def test_a_home_that_was_moved_or_copied_finds_its_artifacts(home, store, trained, send, tmp_path):
    run = trained(epochs=1)
    run_id = send(run)
    pictures = {path.name: path.read_bytes() for path in (run.folder / "artifacts").iterdir()}
    shutil.copytree(home.root, tmp_path / "copy of it")
    (tmp_path / "copy of it").rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", tmp_path / "cöpy 2")
    shutil.rmtree(tmp_path / "moved" / "mlruns" / "runs")

    for place in (tmp_path / "moved", tmp_path / "cöpy 2", home.root):
        client = open_store(Home(place)).client
        names = {item.path for item in client.list_artifacts(run_id)}
        assert pictures.keys() | {"weights.safetensors", "recipe.json"} <= names
        for name, contents in pictures.items():
            into = tmp_path / "downloaded" / place.name
            into.mkdir(parents=True, exist_ok=True)
            fetched = client.download_artifacts(run_id, name, str(into))
            with open(fetched, "rb") as file:
                assert file.read() == contents
        assert client.get_run(run_id).info.artifact_uri.startswith((place / "mlruns" / "artifacts").as_uri())
    assert len(search(open_store(home), f"tags.`suite.identity` = '{run.identity}'")) == 2  # the run and its parent
    assert store.client.get_run(run_id).info.artifact_uri.startswith((home.mlruns / "artifacts").as_uri())
