"""Studies in a real PostgreSQL server: the same trials as in SQLite, and one line of error if the server is away."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_tune import QUICK, WORDS, study_of, the_same_in_every_command
from tests.conftest import Workspace, assert_refused

pytestmark = pytest.mark.commands


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a new server on this machine. PostgreSQL refuses root, so root starts it as the package's user."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="suite-postgres-"))
    user = {}
    if os.geteuid() == 0:
        facts = pwd.getpwnam("postgres")
        os.chown(folder, facts.pw_uid, facts.pw_gid)
        user = {"user": facts.pw_uid, "group": facts.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def do(*words: str) -> None:
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=120, **user)

    data = str(folder / "data")
    do(str(programs / "initdb"), "-D", data, "-U", "suite", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    do(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        do(str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "suite", "studies")
        yield f"postgresql+psycopg2://suite:secret@127.0.0.1:{port}/studies"
    finally:
        do(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def quick_in(folder: Path, **extra: str) -> Workspace:
    own, home = folder / "own", folder / "home"
    own.mkdir(parents=True)
    home.mkdir()
    (own / "quick.py").write_text(QUICK)
    return Workspace(home, {"SUITE_EXPERIMENTS": str(own), **extra})


def test_a_study_there_has_the_trials_of_one_in_sqlite(server: str, tmp_path: Path) -> None:
    here, there = quick_in(tmp_path / "here"), quick_in(tmp_path / "there", SUITE_STUDY_STORAGE=server)

    answers = [workspace.suite(*WORDS) for workspace in (here, there)]

    assert [answer.code for answer in answers] == [0, 0], answers
    assert the_same_in_every_command(study_of(there)) == the_same_in_every_command(study_of(here))
    assert not (there.home / "mlruns" / "studies" / "studies.db").exists()


def test_a_server_that_is_away_is_one_line_without_its_password(server: str, tmp_path: Path) -> None:
    away = server.rpartition(":")[0] + ":9/studies"
    workspace = quick_in(tmp_path, SUITE_STUDY_STORAGE=away)

    answer = workspace.suite(*WORDS)

    assert_refused(answer, 3, "studies' storage", "127.0.0.1:9", "SUITE_STUDY_STORAGE")
    assert "secret" not in answer.err
