"""How long `suite ui` takes to start, compared with `mlflow ui`: `python -m tests.browser.starting HOME`.

Both use the same store and start in turn, in pairs of new processes. The time ends when /health answers.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from tests.browser.test_ui import DOWN, UP, _free_port
from tests.conftest import Workspace


def seconds_until_up(command: list[str], workspace: Workspace, port: int, last_word: str = "") -> tuple[float, float]:
    """Start a command and wait for its answer and for a line that it prints. Then end it and all its processes."""
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=workspace.home, env=workspace.environment, start_new_session=True,
        stdout=subprocess.PIPE if last_word else subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        while not _answers(port):
            assert time.monotonic() < begun + UP
            time.sleep(0.02)
        up = time.monotonic() - begun
        for line in process.stdout or ():
            if line.startswith(last_word):
                break
        return up, time.monotonic() - begun
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(DOWN)


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
            return True
    except OSError:
        return False


def ours(workspace: Workspace) -> tuple[float, float]:
    """`python -m suite ui`: seconds until it answers, and until its links are printed."""
    port = _free_port()
    return seconds_until_up([sys.executable, "-m", "suite", "ui", "--port", str(port)], workspace, port, "Ctrl-C")


def theirs(workspace: Workspace) -> tuple[float, float]:
    """`mlflow ui` on the same store, as a user would type it."""
    port, mlruns = _free_port(), workspace.home / "mlruns"
    store = (
        "--backend-store-uri",
        f"sqlite:///{mlruns}/mlflow.db",
        "--artifacts-destination",
        str(mlruns / "artifacts"),
    )
    command = [sys.executable, "-m", "mlflow", "ui", *store, "--port", str(port)]
    return seconds_until_up(command, Workspace(workspace.home, {"MLFLOW_DISABLE_TELEMETRY": "true"}), port)


def main() -> None:
    """Print every pair of times, and the median and range of their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--times", type=int, default=6)
    args = parser.parse_args()
    workspace, ratios = Workspace(args.home.resolve()), []
    for turn in range(args.times):
        sides = (ours, theirs) if turn % 2 else (theirs, ours)
        took = {side.__name__: side(workspace) for side in sides}
        (up, linked), (alone, _) = took["ours"], took["theirs"]
        ratios.append(up / alone)
        print(f"ours {up:.2f} s, links {linked:.2f} s; mlflow ui {alone:.2f} s; ratio {ratios[-1]:.2f}", flush=True)
    print(f"ratio: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}, n = {len(ratios)}")
    print("load:", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
