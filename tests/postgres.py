"""A real PostgreSQL server of its own, which a test may stop and start again."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


class Postgres:
    """A new server on loopback with these databases. What is in `inside` is put before each command.

    PostgreSQL refuses root, so root starts it as the package's user.
    """

    def __init__(self, databases: Sequence[str], inside: Sequence[str] = ()) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            pytest.skip("PostgreSQL is not installed")
        self._programs, self.folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="suite-postgres-", dir="/tmp"))
        self._begin = [*inside]
        if os.geteuid() == 0:
            facts = pwd.getpwnam("postgres")
            os.chown(self.folder, facts.pw_uid, facts.pw_gid)
            self._begin += ["setpriv", f"--reuid={facts.pw_uid}", f"--regid={facts.pw_gid}", "--clear-groups"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._do("initdb", "-D", self._data, "-U", "suite", "--auth=trust", "--no-sync")
        self.start()
        for name in databases:
            self._do("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", "suite", name)

    def address(self, database: str, password: str = "any") -> str:
        """What SUITE_STUDY_STORAGE and MLFLOW_TRACKING_URI take."""
        return f"postgresql+psycopg2://suite:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        self._do("pg_ctl", "-D", self._data, "-w", "-t", "110", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a power cut would: what was committed is recovered at the next start."""
        self._do("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def remove(self) -> None:
        """Stop it, and remove its files."""
        self.stop()
        shutil.rmtree(self.folder)

    def __enter__(self) -> "Postgres":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, asked through the socket in its folder, from whatever network."""
        psycopg2 = pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
        words = {"host": str(self.folder), "port": self.port, "user": "suite", "dbname": database}
        with closing(psycopg2.connect(**words)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _do(self, program: str, *words: str) -> None:
        command = [*self._begin, str(self._programs / program), *words]
        subprocess.run(
            command, cwd=self.folder, check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
