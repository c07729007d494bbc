"""The chapter on the measurement: machines and versions, commands, seeds, recipes, commits, digests of the data."""

from collections import Counter
from collections.abc import Sequence

from suite.data.catalog import CATALOG
from suite.reporting.keys import command
from suite.reporting.summary import data_sets
from suite.reporting.table import Row, Table
from suite.tracking.facts import ENVIRONMENT
from suite.tracking.groups import Group


def machines(groups: Sequence[Group]) -> Table:
    """A row for each machine: its versions, and the number of runs there."""
    found = Counter(tuple(_given(run, name) for name in ENVIRONMENT) for one in groups for run in one.runs)
    rows = [{**dict(zip(ENVIRONMENT, machine, strict=True)), "runs": n} for machine, n in found.most_common()]
    known = [name for name in ENVIRONMENT if not rows or any(row[name] for row in rows)]
    return Table("Machines and versions", rows, {**dict.fromkeys(known, ""), "runs": "d"})


def _given(run: Row, name: str) -> str:
    """A fact about the run's environment; empty if the version that recorded it did not know that fact."""
    found = run.get(f"suite.env.{name}")
    return found if isinstance(found, str) else ""


def recipes(groups: Sequence[Group]) -> Table:
    """A row for each group: the command that repeats its runs, its seeds, its whole identity, its commits."""
    rows = [
        {
            "experiment": one.title,
            "command": command(one),
            "seeds": ", ".join(str(run["seed"]) for run in one.runs),
            "commit": ", ".join(sorted({run["commit"][:10] for run in one.runs} - {""})) or None,
            "identity of the recipe": one.identity,
        }
        for one in groups
    ]
    return Table("Commands, seeds and recipes", rows, dict.fromkeys(rows[0], "") if rows else {})


def digests(groups: Sequence[Group]) -> Table:
    """The SHA-256 of every uncompressed file, or of every archive, for the data sets of the catalog."""
    rows: list[Row] = [
        {
            "data": CATALOG[name].title,
            "file": file,
            "bytes": None if CATALOG[name].archived else CATALOG[name].size(file),
            "SHA-256": sha256,
        }
        for name in data_sets(groups)
        if name in CATALOG
        for file, sha256 in [*CATALOG[name].sha256.items(), *_md5_of(name)]
    ]
    return Table("Digests of the data", rows, {"data": "", "file": "", "bytes": ",d", "SHA-256": ""})


def _md5_of(name: str) -> list[tuple[str, str]]:
    """The archives of which only the MD5 is known."""
    return [(file, f"MD5 {md5}") for file, md5 in CATALOG[name].md5.items()]
