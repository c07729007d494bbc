"""Starts MLflow's own UI on our store, for this machine only, and prints links to its comparison pages."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from suite.disk.home import Home
from suite.errors import MACHINE, SuiteError, one_line
from suite.tracking import views
from suite.tracking.complete import complete_runs
from suite.tracking.database import require_whole
from suite.tracking.store import (
    Store,
    TrackerAway,
    answering,
    artifact_root,
    configure,
    open_store,
    tracking_uri,
    unreachable,
)
from suite.tracking.studies import latest_trials

if TYPE_CHECKING:
    from mlflow.entities import Run

TRIES = 20  # ports after the first one
PATIENCE = 120.0  # seconds to wait for the server's first answer
GRACE = 10.0  # seconds that the server has to end by itself
COMPARED = 12  # the most runs that a link compares
_open = build_opener(ProxyHandler({})).open  # connects directly, without the user's proxy


def require_loopback(host: str) -> None:
    """Refuse an address that other machines can reach: MLflow's server lets everyone read and delete all runs."""
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SuiteError(
            f"--host {host!r:.80}: other machines could read and delete the runs: MLflow asks for no password.",
            "Leave it out, or add --allow-remote if that is what you want.",
        )


def serve(home: Home, host: str, port: int, say: Callable[[str], None]) -> int:
    """Run the server until Ctrl-C. If MLFLOW_TRACKING_URI names a server, only print its links."""
    uri = tracking_uri(home)
    if uri.startswith("http"):
        _say_all(_links(home, uri.rstrip("/")), say)
        return 0
    _prepare(home)
    free = _free_port(host, port)
    if free != port:
        say(f"Port {port} is taken; using {free}.")
    server = subprocess.Popen(
        _command(home, host, free),
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_BACKEND_STORE_URI": uri},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        base = _address(host, free)
        _wait_until_up(server, base)
        say(f"MLflow is up:              {base}")
        links = _links(home, base)  # only now: to load MLflow here earlier delayed the server's start by 11 % and 21 %
        _say_all([*links, "Ctrl-C ends it."], say)
        server.communicate()
        raise SuiteError(
            "MLflow's server ended by itself.",
            "Run the same command again; python -m suite doctor looks at the record.",
            code=MACHINE,
        )
    finally:
        _end(server)


def _prepare(home: Home) -> None:
    """Refuse a damaged store and create a missing one, before MLflow's server handles it in another way."""
    configure()
    path = Path(tracking_uri(home).removeprefix("sqlite:///"))
    with _required(home):
        if path.is_file():
            require_whole(path)
        else:
            open_store(home)


@contextmanager
def _required(home: Home) -> Iterator[None]:
    """Turn `TrackerAway` into the verb's error: without the store there is nothing to show."""
    try:
        with answering():
            yield
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why


def _command(home: Home, host: str, port: int) -> list[str]:
    """Without the store's address, which may hold a password: every user of the machine can read a command line."""
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--default-artifact-root", artifact_root(home).as_uri()),
        *("--host", host, "--port", str(port)),
    ]


def _end(server: "subprocess.Popen[str]") -> None:
    """End the server's whole process group: the `mlflow` process that we started is only the parent of the server."""
    try:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(GRACE)
    finally:
        with suppress(ProcessLookupError):  # usually the processes have ended already
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()  # else the caller's process would keep one that has ended


def _address(host: str, port: int) -> str:
    """The URL for a browser on this machine. 0.0.0.0 means all addresses, so it is replaced by the loopback address."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def _free_port(host: str, first: int) -> int:
    for port in range(first, min(first + TRIES, 65_536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError as error:
                raise SuiteError(f"--port {port}: not allowed for this user.", "Give a port from 1024.") from error
            except (OSError, TypeError) as error:  # UnicodeError: a letter that no host name may have
                if getattr(error, "errno", None) != errno.EADDRINUSE:
                    why = getattr(error, "strerror", None) or "no name of a machine"
                    raise SuiteError(f"--host {host!r:.80}: {why}.", "Give an address of this machine.") from error
                continue
            return port
    raise SuiteError(
        f"--port {first}: it and the {TRIES - 1} after it are taken.", "Give another with --port.", code=MACHINE
    )


def _wait_until_up(server: "subprocess.Popen[str]", base: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            last = one_line((server.stderr.read() if server.stderr else "").strip().rpartition("\n")[2])
            raise SuiteError(
                f"MLflow's server did not start: {last or 'no reason given':.200}.",
                "See python -m suite doctor.",
                code=MACHINE,
            )
        try:
            with _open(f"{base}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SuiteError(
        f"MLflow's server did not answer within {PATIENCE:.0f} s.",
        "Wait until this machine has less to do, and run the same command again.",
        code=MACHINE,
    )


def _links(home: Home, base: str) -> list[str]:
    """The pages to look at, each with its address."""
    with _required(home):
        store = open_store(home)
        compared, studied = _compare(store), latest_trials(store)
    latest = views.comparison(compared)
    saved = views.save(store, *([latest] if compared else []))
    here = f"{base}/#/experiments/{store.experiment_id}/runs"
    lines = []
    if compared and saved:
        lines.append(f"Compare the latest runs:  {here}?{latest.address(saved=True)}")
    for title, experiment, found in (
        ("The same runs, as a table:" if saved else "Compare the latest runs:  ", store.experiment_id, list(compared)),
        ("The latest study's trials:", *studied),
    ):
        if found:
            runs, experiments = quote(json.dumps(found)), quote(json.dumps([experiment]))
            lines.append(f"{title} {base}/#/compare-runs?runs={runs}&experiments={experiments}&{views.MODE}")
    lines.append(f"All runs, as a table:     {here}?{views.TABLE.address(saved=saved)}")
    lines.append(f"All runs, as charts:      {here}?{views.CHARTS.address(saved=saved)}")
    return lines


def _compare(store: Store) -> dict[str, dict[str, str]]:
    """The parameters of the newest run of each recipe, by run id, so that experiments are compared, not seeds."""
    found = [run for run in complete_runs(store) if run.data.tags.get("suite.status") == "finished"]
    newest: dict[str, Run] = {}
    for run in sorted(found, key=lambda run: -run.info.start_time):
        newest.setdefault(run.data.tags["suite.identity"], run)
    return {run.info.run_id: run.data.params for run in list(newest.values())[:COMPARED]}


def _say_all(lines: list[str], say: Callable[[str], None]) -> None:
    for line in lines:
        say(line)
