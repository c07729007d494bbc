"""Reports written by children of a process that has loaded everything: `python -m tests.promises.reporter`.

A line of JSON on stdin names home and reports, whether MLflow is to be told of new runs first, and, where the child is
to die, a crash point; two lines answer it: the child's process id at once, and its exit code at its end.
"""

import importlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

LOADED = (
    "mlflow.store.tracking.sqlalchemy_store", "pandas", "jinja2", "tabulate", "scipy.stats",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "suite.report",
)  # fmt: skip


class Reporter:
    """The other end: orders reports and kills those who write them."""

    def __init__(self, environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "tests.promises.reporter"]
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)

    def begin(self, home: Path, reports: Path, crash_at: str = "", *, sync: bool = False) -> int:
        """Let a report be written; returns the id of the process that does it."""
        order = {"home": str(home), "reports": str(reports), "crash_at": crash_at, "sync": sync}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> int:
        """Wait for it; returns its exit code, negative for a signal."""
        return self._answer()

    def write(self, home: Path, reports: Path, crash_at: str = "", *, sync: bool = False) -> int:
        """Both."""
        self.begin(home, reports, crash_at, sync=sync)
        return self.end()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> None:
    """Fork a child for every order."""
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            os._exit(_write(json.loads(line)))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _write(order: dict[str, Any]) -> int:
    from suite.data import ensure
    from suite.home import Home
    from suite.report import write_report
    from suite.sync import sync
    from suite.tracking.store import open_store

    home = Home(Path(order["home"]))
    if order["crash_at"]:
        os.environ["SUITE_CRASH_AT"] = order["crash_at"]
    try:
        if order["sync"]:
            sync(home, lambda name: ensure(name, say=print), print)
        write_report(open_store(home), Path(order["reports"]))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
