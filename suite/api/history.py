"""The history of verdicts: every `gate` and `bench` adds to it, and `history` finds where quality or speed changed."""

import math
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.session import Session
from suite.disk import verdicts
from suite.disk.documents import Record
from suite.errors import SuiteError

if TYPE_CHECKING:
    from suite.benching.speed_gate import Gated as SpeedGated
    from suite.benching.throughput import Throughput
    from suite.reporting.history import Series
    from suite.runs.accuracy_gate import Gated

ACCURACY, STEP = "test accuracy", "time of a step"


def file_of(session: Session) -> Path:
    """The file of verdicts: the session's, else SUITE_HISTORY, else one in the home."""
    if session.history:
        return session.history
    named = os.environ.get("SUITE_HISTORY")
    return Path(named).expanduser() if named else session.home.mlruns / "history.jsonl"


def keep_accuracy(session: Session, one: "Gated") -> None:
    """Add a verdict of the accuracy gate."""
    from suite.analysis.intervals import group
    from suite.benching.baselines import kind

    fresh = [value for value in one.fresh if math.isfinite(value)]  # a diverged run has none
    if not fresh:
        return
    known = group(fresh)
    low, high = (known.interval.low, known.interval.high) if known.interval else (known.worst, known.best)
    _keep(session, {
        "verb": "gate", "experiment": one.title, "measure": ACCURACY, "beside": "", "value": known.mean, "low": low,
        "high": high, "n": known.n, "verdict": one.judged.verdict, "kind": kind(), "versions": _here(),
    })  # fmt: skip


def keep_speed(session: Session, one: "Throughput | SpeedGated", beside: str = "") -> None:
    """Add what `bench` measured: the time of a step, divided by that of the bare loop or of the other side."""
    from suite.benching.baselines import kind
    from suite.benching.speed_gate import BARE, Gated

    verdict: str
    if isinstance(one, Gated):
        value, interval, verdict, n = one.value, one.slower, one.verdict, one.floor.rounds
    elif BARE.name in one.speedups:
        faster = one.speedups[BARE.name]
        value, verdict, n, beside = 1 / faster.value, "", faster.rounds, BARE.name
        interval = type(faster.interval)(1 / faster.interval.high, 1 / faster.interval.low)
    else:
        return
    _keep(session, {
        "verb": "bench", "experiment": one.title, "measure": STEP, "beside": beside, "value": value,
        "low": interval.low, "high": interval.high, "n": n, "verdict": verdict, "kind": kind(),
        "versions": dict(one.versions),
    })  # fmt: skip


def history(session: Session, names: Sequence[str] = ()) -> "list[Series]":
    """The series of these experiments, or of all, with their changes; all changes share a false-alarm rate of 5 %.

    Raises `SuiteError`: 2 for a damaged file, or if it has nothing of one of `names`.
    """
    from suite.analysis.changes import change_points
    from suite.reporting.history import Series

    path = file_of(session)
    records = verdicts.read(path)
    known = {one["experiment"] for one in records}
    if missing := [name for name in names if name not in known]:
        has = f"it has {', '.join(sorted(known))}" if known else "it is empty"
        raise SuiteError(f"{path} has no verdict on {missing[0]}; {has}.", "gate and bench add to it.")
    groups: dict[tuple[str, ...], list[Record]] = {}
    for one in _ordered([one for one in records if not names or one["experiment"] in names]):
        key = (one["experiment"], one["measure"], one["beside"], one["kind"], str(one["versions"].get("torch", "")))
        groups.setdefault(key, []).append(one)
    found = []
    for (experiment, measure, beside, kind, torch), points in sorted(groups.items()):
        commits = [one["commit"] for one in points]
        starts = [place for place in range(1, len(points)) if commits[place] != commits[place - 1]]
        changes = change_points([one["value"] for one in points], starts, among=len(groups))
        found.append(Series(experiment, measure, beside, kind, torch, points, changes))
    return found


def _keep(session: Session, facts: Record) -> None:
    """Add a line; a history that cannot be written is no reason to stop a gate."""
    line = {**facts, "at": datetime.now(UTC).isoformat(timespec="seconds"), **commit()}
    try:
        verdicts.append(file_of(session), [line])
    except OSError as error:
        session.screen.warn(f"{file_of(session)}: {error.strerror or error}; this verdict is not in the history.")


def commit() -> dict[str, Any]:
    """The commit of the repository around the current folder, and whether a file was changed since; empty without."""
    name = _git("rev-parse", "HEAD")
    return {"commit": name, "dirty": bool(name and _git("status", "--porcelain", "--untracked-files=no"))}


def _ordered(records: Sequence[Record]) -> list[Record]:
    """The records in the order of their commits; of commits that are unknown here, and within one, in that of time."""
    order = {name: place for place, name in enumerate(_git("rev-list", "--topo-order", "--reverse", "HEAD").split())}
    by_time = sorted(records, key=lambda one: one["at"])
    if not all(one["commit"] in order for one in records):
        return by_time
    return sorted(by_time, key=lambda one: order[one["commit"]])


def _git(*words: str) -> str:
    """What git answers in the current folder; empty without git or a repository, or where git does not trust its owner.

    Unlike the suite's own checkout this may be anybody's, and `git status` runs programs that a repository names.
    """
    try:
        answer = subprocess.run(["git", *words], capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _here() -> dict[str, str]:
    """The versions that compute here."""
    from importlib.metadata import version

    from suite import __version__

    return {"suite": __version__, "torch": version("torch")}
