"""A real PostgreSQL server on this machine, with its files in a folder of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres(*databases: str) -> Iterator[str]:
    """Start a server on loopback that asks nobody for a password, make databases, and give its `host:port`.

    PostgreSQL refuses root, so root starts it as the package's user.
    """
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
        for name in databases:
            do(str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "suite", name)
        yield f"127.0.0.1:{port}"
    finally:
        do(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)
