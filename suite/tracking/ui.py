"""MLflow's own UI on our store: loopback only, in the view for model training, opened at a comparison."""

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
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

from suite.disk.home import Home
from suite.errors import MACHINE, SuiteError
from suite.tracking import views
from suite.tracking.database import require_whole
from suite.tracking.mirror import search
from suite.tracking.store import (
    Store,
    TrackerAway,
    answering,
    artifacts,
    configure,
    open_store,
    tracking_uri,
    unreachable,
)
from suite.tracking.studies import latest_trials

TRIES = 20  # ports after the first one
PATIENCE = 120.0  # seconds for the server to answer
COMPARED = 12  # the latest runs, at most
_open = build_opener(ProxyHandler({})).open  # asks this machine itself, whatever proxy the user has for the others


def require_loopback(host: str) -> None:
    """Refuse an address that other machines reach: whoever reaches MLflow's server can read and delete every run."""
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
    """Run the server until Ctrl-C, which ends it cleanly; where MLFLOW_TRACKING_URI names a server, print its links."""
    uri = tracking_uri(home)
    if uri.startswith("http"):
        _say_all(_links(home, uri.rstrip("/")), say)
        return 0
    _prepare(home)
    free = _free_port(host, port)
    if free != port:
        say(f"Port {port} is taken; using {free}.")
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # under nohup it is ignored, and stays so
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))  # a closed terminal leaves no server behind
    server = subprocess.Popen(
        _command(home, uri, host, free),
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        base = _address(host, free)
        _wait_until_up(server, base)
        say(f"MLflow is up:              {base}")
        links = _links(home, base)  # not before: loading MLflow here too held the server up, by 11 % and 21 %
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
    """Refuse a damaged store and make a missing one, before a server does either in its own way."""
    configure()
    path = Path(tracking_uri(home).removeprefix("sqlite:///"))
    with _required(home):
        if path.is_file():
            require_whole(path)
        else:
            open_store(home)


@contextmanager
def _required(home: Home) -> Iterator[None]:
    """Without the store there is nothing to show."""
    try:
        with answering():
            yield
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why


def _command(home: Home, uri: str, host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", uri, "--default-artifact-root", artifacts(home).as_uri()),
        *("--host", host, "--port", str(port)),
    ]


def _end(server: "subprocess.Popen[str]") -> None:
    """End its whole process group: the `mlflow` we started is only the parent of the process that listens."""
    with suppress(ProcessLookupError):
        try:
            os.killpg(server.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
        finally:  # mostly there is nobody left to hear it
            os.killpg(server.pid, signal.SIGKILL)


def _address(host: str, port: int) -> str:
    """Where a browser on this machine finds it; the address that means all addresses is none."""
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
            except (OSError, TypeError) as error:  # the latter for letters that no name has
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
            last = (server.stderr.read() if server.stderr else "").strip().splitlines()[-1:] or ["no reason given"]
            raise SuiteError(
                f"MLflow's server did not start: {last[0]:.200}.", "See python -m suite doctor.", code=MACHINE
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
    """What there is to look at, each with its address."""
    with _required(home):
        store = open_store(home)
        compared, studied = _compare(store), latest_trials(store)
    saved = views.save(store)
    lines = []
    for title, experiment, found in (
        ("Compare the latest runs:  ", store.experiment_id, compared),
        ("The latest study's trials:", *studied),
    ):
        if found:
            runs, experiments = quote(json.dumps(found)), quote(json.dumps([experiment]))
            lines.append(f"{title} {base}/#/compare-runs?runs={runs}&experiments={experiments}&{views.MODE}")
    here = f"{base}/#/experiments/{store.experiment_id}/runs"
    lines.append(f"All runs, as a table:     {here}?{views.TABLE.address(saved=saved)}")
    lines.append(f"All runs, as charts:      {here}?{views.CHARTS.address(saved=saved)}")
    return lines


def _compare(store: Store) -> list[str]:
    """The newest run of each recipe, so that a comparison is one of experiments rather than of seeds."""
    found = search(store, "tags.`suite.complete` = 'true' and tags.`suite.status` = 'finished'")
    newest: dict[str, str] = {}
    for run in sorted(found, key=lambda run: -run.info.start_time):
        newest.setdefault(run.data.tags["suite.identity"], run.info.run_id)
    return list(newest.values())[:COMPARED]


def _say_all(lines: list[str], say: Callable[[str], None]) -> None:
    for line in lines:
        say(line)
