"""What earlier sessions of the bench found on this machine, kept beside the runs."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suite.bench.speed_gate import Gated
from suite.bench.throughput import Throughput
from suite.disk import files
from suite.disk.home import Home
from suite.engine.exact import machine
from suite.errors import SuiteError

Record = dict[str, Any]
LARGEST = 1 << 28  # bytes
COLUMNS = ("at", "experiment", "beside", "times as long", "low", "high", "verdict", "suite", "torch", "cpu")


def records(found: Sequence[Throughput | Gated], beside: str) -> list[Record]:
    """A session as records: each ratio of times with its interval, the suite's own step above the fraction line."""
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
    """Keep a session's records; returns all there are, the oldest first."""
    files.make_folder(home.mlruns)
    found = [*read(home.bench), *new]
    files.write(home.bench, json.dumps(found, indent=1, ensure_ascii=False).encode())
    return found


def read(path: Path) -> list[Record]:
    """All records of a history, none where there is no file; raises `SuiteError` (2) where it is damaged."""
    try:
        found = json.loads(files.read(path, LARGEST))
        if not isinstance(found, list) or not all(isinstance(one, dict) and {*COLUMNS} <= {*one} for one in found):
            raise ValueError("it is no list of sessions")
        return found
    except FileNotFoundError:
        return []
    except (files.Unfit, ValueError, RecursionError) as error:
        raise SuiteError(f"{path}: {error}.", "Move it away: the next session begins another one.") from error


def table(found: Sequence[Record]) -> bytes:
    """The history as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue().encode()
