"""Reports written by forked children of a process that has loaded all libraries.

Started by `python -m tests.promises.reporter`. One line of JSON on stdin asks for one report. The answer is the exit
code of the child, negative for a signal.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

LOADED = (
    "mlflow.store.tracking.sqlalchemy_store", "pandas", "jinja2", "tabulate", "scipy.special",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "suite.reporting",
)  # fmt: skip


class Reporter:
    """The other end of the pipe: asks for reports."""

    def __init__(self, environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "tests.promises.reporter"]
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)

    def write(self, home: Path, reports: Path, **order: Any) -> int:
        """Have a report written. Returns the exit code of the process that wrote it.

        Keywords: `sync` first sends new runs to MLflow; `kill_after` kills after these seconds; `crash_at` at a step.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"home": str(home), "reports": str(reports), **order}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def main() -> None:
    """Fork a child for each report."""
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        if (child := os.fork()) == 0:
            os._exit(_write(order))
        if "kill_after" in order:
            time.sleep(order["kill_after"])
            os.kill(child, signal.SIGKILL)  # the id is valid even after its end: nobody has waited for it yet
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _write(order: dict[str, Any]) -> int:
    from suite.data import ensure
    from suite.disk.home import Home
    from suite.reporting import write_report
    from suite.tracking.store import open_store
    from suite.tracking.sync import sync

    home = Home(Path(order["home"]))
    os.environ.update({"SUITE_CRASH_AT": order["crash_at"]} if "crash_at" in order else {})
    try:
        if "sync" in order:
            sync(home, lambda name: ensure(name, say=_hush), _hush)
        write_report(open_store(home), Path(order["reports"]))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _hush(_line: str) -> None:
    """Send other output elsewhere: stdout is for the answers."""


if __name__ == "__main__":
    main()
