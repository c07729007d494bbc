"""The runs that are missing in a report: recipes whose seeds are not all in its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.reporting.table import NOTHING_LEFT_OUT
from suite.text import MOST, listed_seeds, plural, some
from suite.tracking.frame import unfinished_runs
from suite.tracking.groups import Group
from suite.tracking.naming import changes
from suite.tracking.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Gap:
    """A recipe with seeds that are not in the tables: seeds that other recipes have, and seeds without a result."""

    title: str
    missing: tuple[int, ...] = ()
    running: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    interrupted: tuple[int, ...] = ()
    damaged: tuple[int, ...] = ()


KINDS = {
    "missing": "Fewer seeds than others on the same data set",
    "running": "Still running, and not in the tables",
    "failed": "Failed, and not in the tables",
    "interrupted": "Interrupted, and not in the tables",
    "damaged": "Damaged in MLflow, and not in the tables (`python -m suite sync --rebuild` writes it anew)",
}


def diverged_words(title: str, seeds: Sequence[int]) -> str:
    """A sentence about diverged seeds, which have no accuracy."""
    return f"{title} diverged under seed {', '.join(map(str, seeds))}: no accuracy, and no part of the mean."


def diverged_sentences(found: Sequence[tuple[str, Sequence[int]]]) -> list[str]:
    """A sentence for each recipe with its diverged seeds; of many only the first ones, and the number of the others."""
    said = [diverged_words(title, seeds) for title, seeds in found[:MOST]]
    if len(found) > MOST:
        said.append(f"So did seeds of {plural(len(found) - MOST, 'more recipe')}.")
    return said


def gap_sentences(gaps: Sequence[Gap]) -> list[str]:
    """A sentence for each reason why runs are missing, like `Still running, and not in the tables: lenet seed 3.`"""
    found = []
    for kind, words in KINDS.items():
        lacking = [(one.title, getattr(one, kind)) for one in gaps if getattr(one, kind)]
        if lacking:
            which = "lacks seed" if kind == "missing" else "seed"
            found.append(f"{words}: {some([f'{title} {which} {listed_seeds(seeds)}' for title, seeds in lacking])}.")
    return found


def left_out(gaps: Sequence[Gap], groups: Sequence[Group], shown: Sequence[Group]) -> str:
    """What a table on the recipes `shown` leaves out, and why. A recipe of which no run is in any table counts too."""
    known, wanted = ({one.title for one in some} for some in (groups, shown))
    found = gap_sentences([one for one in gaps if one.title in wanted or one.title not in known])
    found += diverged_sentences([(one.title, one.diverged) for one in shown if one.diverged])
    return " ".join(found) or NOTHING_LEFT_OUT


def find_gaps(
    store: Store, runs: "pd.DataFrame", groups: Sequence[Group], experiments: Sequence[str] = ()
) -> list[Gap]:
    """The recipes whose seeds are not all in the tables, by title.

    `runs` is the frame that `groups` were read from. If `experiments` are named, only these are examined. Raises
    `TrackerAway`.
    """
    titles = {one.identity: one.title for one in groups}
    seeds: dict[str, dict[str, set[int]]] = {}

    def note(identity: str, status: str, found: set[int]) -> None:
        seeds.setdefault(identity, {}).setdefault(status, set()).update(found)

    for row in [*_rows(unfinished_runs(store, runs)), *_unread(runs, groups)]:
        if not experiments or row["experiment"] in experiments:
            titles.setdefault(row["identity"], ", ".join(filter(None, (row["experiment"], changes(row)))))
            note(row["identity"], row["status"], {row["seed"]})
    for one in groups:
        if left := set(one.missing).difference(*seeds.get(one.identity, {}).values()):
            note(one.identity, "missing", left)
    found = [
        Gap(titles[key], **{status: tuple(sorted(numbers)) for status, numbers in by_status.items()})
        for key, by_status in seeds.items()
    ]
    return sorted(found, key=lambda one: one.title)


def _unread(runs: "pd.DataFrame", groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The finished runs that are in no group because their artifacts are damaged."""
    if runs.empty:
        return []
    shown = {(one.identity, seed) for one in groups for seed in one.seeds}
    keys = zip(runs["identity"], runs["seed"], runs["status"], strict=True)
    damaged = [status == "finished" and (identity, seed) not in shown for identity, seed, status in keys]
    return [{**row, "status": "damaged"} for row in _rows(runs[damaged])]


def _rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
