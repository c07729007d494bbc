"""MLflow's own UI on our store: loopback only, in the view for model training, opened at a comparison."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, build_opener

from suite.errors import MACHINE, SuiteError
from suite.home import Home
from suite.tracking.mirror import search
from suite.tracking.store import Store, TrackerAway, answering, artifacts, open_store, unreachable
from suite.tracking.studies import latest_trials

TRIES = 20  # ports after the first one
PATIENCE = 120.0  # seconds for the server to answer
COMPARED = 12  # the latest runs, at most
_open = build_opener(ProxyHandler({})).open  # asks this machine itself, whatever proxy the user has for the others
# The runs of single seeds, best first: their parents, which MLflow shows in their stead, have no curves by epoch.
CURVES = urlencode(
    {"searchFilter": "tags.`suite.kind` = 'run'", "orderByKey": "metrics.`test/accuracy`", "orderByAsc": "false"},
    quote_via=quote,
)


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
    try:
        store = open_store(home)
        compared, studied = _compare(store), latest_trials(store)
    except TrackerAway as why:
        raise unreachable(os.environ.get("MLFLOW_TRACKING_URI", str(home.mlruns)), why) from why
    if store.uri.startswith("http"):
        _print_links(store.uri.rstrip("/"), store, compared, studied, say)
        return 0
    free = _free_port(host, port)
    if free != port:
        say(f"Port {port} is taken; using {free}.")
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # under nohup it is ignored, and stays so
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))  # a closed terminal leaves no server behind
    server = subprocess.Popen(
        _command(home, store, host, free),
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        base = _address(host, free)
        _wait_until_up(server, base)
        _print_links(base, store, compared, studied, say)
        say("Ctrl-C ends it.")
        server.communicate()
        raise SuiteError("MLflow's server ended by itself.", "Start it again.", code=MACHINE)
    finally:
        _end(server)


def _command(home: Home, store: Store, host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", store.uri, "--default-artifact-root", artifacts(home).as_uri()),
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
    raise SuiteError(f"MLflow's server did not answer within {PATIENCE:.0f} s.", "Try again.", code=MACHINE)


def _compare(store: Store) -> list[str]:
    """The newest run of each recipe, so that a comparison is one of experiments rather than of seeds."""
    with answering():
        found = search(store, "tags.`suite.complete` = 'true' and tags.`suite.status` = 'finished'")
    newest: dict[str, str] = {}
    for run in sorted(found, key=lambda run: -run.info.start_time):
        newest.setdefault(run.data.tags["suite.identity"], run.info.run_id)
    return list(newest.values())[:COMPARED]


def _print_links(
    base: str, store: Store, compared: list[str], studied: tuple[str, list[str]], say: Callable[[str], None]
) -> None:
    mode = "workflowType=machine_learning"
    here = f"{base}/#/experiments/{store.experiment_id}/runs"
    for title, experiment, found in (
        ("Compare the latest runs:  ", store.experiment_id, compared),
        ("The latest study's trials:", *studied),
    ):
        if found:
            runs, experiments = quote(json.dumps(found)), quote(json.dumps([experiment]))
            say(f"{title} {base}/#/compare-runs?runs={runs}&experiments={experiments}&{mode}")
    say(f"All runs, as a table:     {here}?{mode}")
    say(f"All runs, as charts:      {here}?{CURVES}&compareRunsMode=CHART&{mode}")
