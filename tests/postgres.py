"""A real PostgreSQL server for tests, from the system's packages."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def server(names: Sequence[str], user: str = "suite") -> Iterator[str]:
    """The address of a new server on this machine, with these databases; without the database's name.

    PostgreSQL refuses root, so root starts it as the package's user.
    """
    place = programs()
    assert place, "PostgreSQL is not installed"
    folder = Path(tempfile.mkdtemp(prefix="suite-postgres-"))
    owner = {}
    if os.geteuid() == 0:
        facts = pwd.getpwnam("postgres")
        os.chown(folder, facts.pw_uid, facts.pw_gid)
        owner = {"user": facts.pw_uid, "group": facts.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def do(*words: str) -> None:
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=120, **owner)  # type: ignore[call-overload]

    data = str(folder / "data")
    do(str(place / "initdb"), "-D", data, "-U", "suite", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    do(str(place / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        for name in names:
            do(str(place / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "suite", name)
        yield f"postgresql+psycopg2://{user}@127.0.0.1:{port}"
    finally:
        do(str(place / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)
