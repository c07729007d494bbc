"""The results of earlier bench sessions on this machine, kept beside the runs."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from suite.benching.speed_gate import Gated
from suite.benching.throughput import Throughput
from suite.disk import files
from suite.disk.home import Home
from suite.engine.exact import machine
from suite.errors import SuiteError

Record = dict[str, Any]
LARGEST = 1 << 28  # bytes
COLUMNS = ("at", "experiment", "beside", "times as long", "low", "high", "verdict", "suite", "torch", "cpu")


def records(found: Sequence[Throughput | Gated], beside: str) -> list[Record]:
    """A session as records, one per ratio: the time of the suite's step divided by the other side's, with interval."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = []
    for one in found:
        facts = {"at": now, "experiment": one.title, "cpu": machine()["cpu"], **one.versions}
        if isinstance(one, Gated):
            figures = {"times as long": one.value, "low": one.slower.low, "high": one.slower.high}
            lines.append({**facts, "beside": beside, **figures, "verdict": one.verdict})
            continue
        for name, faster in one.speedups.items():
            interval = faster.interval
            figures = {"times as long": 1 / faster.value, "low": 1 / interval.high, "high": 1 / interval.low}
            lines.append({**facts, "beside": name, **figures, "verdict": ""})
    return lines


def add(home: Home, new: Sequence[Record]) -> list[Record]:
    """Append a session's records to the history and return all records, oldest first."""
    files.make_folder(home.mlruns)
    with FileLock(f"{home.bench}.lock"):  # two commands may end at the same time
        found = [*read(home.bench), *new]
        files.write(home.bench, json.dumps(found, indent=1, ensure_ascii=False).encode())
    return found


def read(path: Path) -> list[Record]:
    """All records of a history, an empty list if there is no file; raises `SuiteError` (2) if it is damaged."""
    try:
        found = json.loads(files.read(path, LARGEST))
        if not isinstance(found, list) or not all(isinstance(one, dict) and {*COLUMNS} <= {*one} for one in found):
            raise ValueError("it is not a list of sessions")
        return found
    except FileNotFoundError:
        return []
    except (files.Unfit, ValueError, RecursionError) as error:
        raise SuiteError(f"{path}: {error}.", "Move it away: the next session starts a new one.") from error


def table(found: Sequence[Record]) -> bytes:
    """The history as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue().encode()
