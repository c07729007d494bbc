"""Joins a Ray cluster, or starts one for this process alone: on loopback, with a token, without dashboard or noise."""

import functools
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STORE = 256 << 20  # bytes of a local cluster's object store: events and data sets pass through it, none stays
TRIALS = 4  # to reach the head, in about 6 seconds
ANSWER = 60.0  # seconds that a cluster has to say whether it asks for a token
PREFIX, SHORT = "suite-ray-", 20  # of a local cluster's folder, and bytes of the path of the one that it is in
LOOPBACK = ("127.0.0.1", "::1")

# Ray reads these when it is loaded, or when it starts its programs.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its programs write on the terminal otherwise
    "RAY_LOG_TO_DRIVER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # or it warns of what a later version will do
    "RAY_task_events_report_interval_ms": "0",  # a record of every task, which only the dashboard reads
}
# On Linux Ray listens on all addresses, unless it is told that it shall do as it does on a Mac.
LOCAL = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


class Refused(Exception):
    """Why Ray cannot be used, and what to do, in words; `user` says that the user can fix it."""

    def __init__(self, what: str, remedy: str, *, user: bool = True) -> None:
        super().__init__(what)
        self.remedy, self.user = remedy, user


def require() -> None:
    """Raise `Refused` if Ray is not installed; loads nothing."""
    if importlib.util.find_spec("ray") is None:
        raise Refused("--engine ray: Ray is not installed.", 'Install it: python -m pip install "suite[cluster]".')


def start(places: int, clean: dict[str, str]) -> None:
    """Start a cluster for this process, with `places` jobs at once, which ends with it.

    Its programs get the variables `clean` alone. It listens on loopback and asks for a token that no file has.
    """
    with _quietly({**SETTINGS, **LOCAL, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _token()}, only=clean):
        ray = _mute()
        try:
            ray.init(
                address="local", num_cpus=places, include_dashboard=False, log_to_driver=False,
                logging_level=logging.CRITICAL, configure_logging=False, object_store_memory=STORE,
                _temp_dir=_place(),
            )  # fmt: skip
        except Exception as error:
            raise Refused(f"Ray does not start here: {_words(error)}.", "See docs/cluster.md.", user=False) from error
        here = {node["NodeManagerAddress"] for node in ray.nodes()}
        if not here <= {*LOOPBACK}:
            ray.shutdown()
            raise Refused(
                f"Ray would listen on {', '.join(sorted(here))}, which other machines can reach.",
                "Another program in this process has loaded it already: open the session before that.",
            )


def join(address: str, *, unauthenticated: bool) -> None:
    """Join the cluster at this address; raises `Refused` if everybody may, unless that is allowed."""
    with _quietly(SETTINGS):
        open_to_all = _answers_anybody(address)
    if open_to_all and not unauthenticated:
        raise Refused(
            f"--address: the cluster at {address} asks for no token: whoever reaches it can run programs there.",
            "Start it with RAY_AUTH_MODE=token (docs/cluster.md), or give --allow-unauthenticated.",
        )
    mode = "disabled" if open_to_all else "token"
    with _quietly({**SETTINGS, "RAY_AUTH_MODE": mode}):
        ray = _mute()
        try:
            ray.init(
                address=address, log_to_driver=False, logging_level=logging.CRITICAL, configure_logging=False
            )  # fmt: skip
        except Exception as error:
            remedy = "Give HOST:PORT of its head, on a machine that has joined it, with its token (docs/cluster.md)."
            raise Refused(f"--address {address}: {_words(error)}.", remedy) from error


def is_connected() -> bool:
    """Whether this process has joined a cluster, or started one."""
    if "ray" not in sys.modules:
        return False
    import ray

    return bool(ray.is_initialized())


def _place() -> str:
    """A new folder for a cluster's sockets and logs, for this user alone; those of processes that are gone are removed.

    Its path is short, because a socket's has at most 107 bytes.
    """
    usual = tempfile.gettempdir()
    parent = Path(usual if len(os.fsencode(usual)) <= SHORT else "/tmp")
    for left in parent.glob(f"{PREFIX}*"):
        number = left.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True)  # another user's stays: it may not be removed
    return tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent)


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process
        return True
    return True


def _mute() -> Any:
    """Ray, which writes about lost machines on stdout, where a JSON document may be; no setting keeps it from that."""
    import ray
    from ray._private import worker

    worker.print_to_stdstream = lambda *_, **__: None
    return ray


def require_head() -> None:
    """Raise `Refused` if the cluster's head does not answer any more: a minute later Ray would end this process."""
    import ray

    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    for again in range(TRIALS):
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
            return
        except OSError:
            time.sleep(again)
    raise Refused("the head of the Ray cluster is lost.", "Start it, and run the same command again.", user=False)


def _answers_anybody(address: str) -> bool:
    """Whether the cluster answers a program without a token, asked in a process of its own: Ray keeps its mode."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER).close()
    except (OSError, ValueError, OverflowError) as error:  # OverflowError: a port above 65,535
        raise _silent(address) from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    try:
        answer = subprocess.run(
            command, env={**quiet, "RAY_AUTH_MODE": "disabled"}, capture_output=True, text=True, timeout=ANSWER
        )
    except subprocess.TimeoutExpired as error:
        raise _silent(address) from error
    if answer.returncode and "AuthenticationError" not in answer.stderr:
        raise _silent(address)
    return answer.returncode == 0


def _silent(address: str) -> Refused:
    return Refused(f"--address: no Ray cluster answers at {address!r:.80}.", "Give HOST:PORT of its head.")


@functools.cache
def _token() -> str:
    return secrets.token_hex(32)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(".")


@contextmanager
def _quietly(settings: dict[str, str], only: dict[str, str] | None = None) -> Iterator[None]:
    """Within it the environment has these settings, on top of what there is or of `only`; nothing else changes.

    Ray sets a handler of SIGTERM and the levels of its loggers; the caller keeps its own.
    """
    before = dict(os.environ)
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    if only is not None:
        _become(only)
    os.environ.update(settings)
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    terminal, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)  # Ray's libraries write there as they start, past Python
    os.close(null)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        _become(before)
        if in_main and handler is not None:
            signal.signal(signal.SIGTERM, handler)


def _become(variables: dict[str, str]) -> None:
    for name in {*os.environ} - {*variables}:
        del os.environ[name]
    os.environ.update(variables)
