"""The public functions of the package: each verb as a function that returns its result or raises `SuiteError`.

Each takes a `session`. Without it, the function opens one on this machine's home, which shows progress in a notebook
and nothing elsewhere. Where a call takes an experiment's name, it takes the experiment itself too, as `experiment`
makes it; where it takes a run's name, also what `run` returned. Nothing of the caller's process is changed.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api import benching, reporting, rows, training, tuning
from suite.api.arguments import at_least, share
from suite.api.caller import leaves_no_trace
from suite.api.naming import RunName, words_of
from suite.api.results import Results, Runs, Tuned
from suite.api.session import Named, Session
from suite.errors import SuiteError
from suite.text import nearest

if TYPE_CHECKING:
    from suite.benching.speed_gate import Gated as SpeedGated
    from suite.benching.throughput import Throughput
    from suite.reporting import Written
    from suite.runs.accuracy_gate import Gated
    from suite.runs.verify import Verdict


@leaves_no_trace
def run(
    *names: Named, seeds: int | Sequence[int] = 3, report: bool = True, session: Session | None = None, **changes: Any
) -> Runs:
    """Train experiments (`"all"` for every one). `seeds` is a number of seeds, counted from 0, or the seeds themselves.

    `changes` are other values of recipe fields, such as `epochs=3` or `lr=0.01`. Finished runs are skipped.
    """
    if isinstance(seeds, Sequence):
        under = [at_least(0, "a seed", seed) for seed in seeds]
    else:
        under = [*range(at_least(1, "seeds", seeds))]
    return training.run(session or Session.open(), names, seeds=under, changes=changes, report=report)


@leaves_no_trace
def tune(
    name: Named,
    *,
    trials: int = 40,
    fresh_seeds: int = 6,
    timeout: float | None = None,
    save: bool = False,
    report: bool = True,
    changes: Mapping[str, Any] | None = None,
    session: Session | None = None,
    **request: Any,
) -> Tuned:
    """Search the best settings of an experiment on validation images.

    `trials` is the total, earlier trials included; `timeout` is in seconds. `request` are fields of
    `suite.tuning.request.Request`, such as `space={"lr": "1e-4..1e-2"}` or `sampler="random"`.
    """
    from suite.analysis.intervals import FEWEST
    from suite.tuning.request import Request

    if unknown := request.keys() - Request.__dataclass_fields__.keys():
        raise SuiteError(
            f"tune has no {sorted(unknown)[0]!r}{nearest(sorted(unknown)[0], Request.__dataclass_fields__)}"
        )
    at_least(1, "trials", trials)
    at_least(FEWEST, "fresh_seeds", fresh_seeds)
    for count in ("seeds", "generation"):
        at_least(1, count, request.get(count, 1))
    wanted = Request(**request)
    return tuning.tune(
        session or Session.open(), name, wanted,
        changes=changes, trials=trials, fresh_seeds=fresh_seeds, timeout=timeout, save=save, report=report,
    )  # fmt: skip


@leaves_no_trace
def verify(*runs: RunName, session: Session | None = None) -> "Results[Verdict]":
    """Train finished runs again and compare every number, bit for bit; a name is like `"lenet-s0"`, or `"all"`."""
    found = training.verify(session or Session.open(), words_of(runs))
    return Results(found, lambda some: [rows.verdicts_table(some)], lambda one: one.facts())


@leaves_no_trace
def gate(
    *names: Named,
    margin: float | None = None,
    limit: int = 12,
    reference: Path | None = None,
    session: Session | None = None,
    **changes: Any,
) -> "Results[Gated]":
    """Train experiments with fresh seeds and judge whether they are as accurate as their committed reference."""
    from suite.analysis.intervals import FEWEST

    at_least(FEWEST, "limit", limit)
    share("margin", margin)
    opened = session or Session.open()
    chosen = opened.chosen(names, changes)
    found = training.gate(opened, chosen, reference=reference, margin=margin, limit=limit, every="all" in names)
    return Results(list(found), lambda some: [rows.gate_table(some)], lambda one: one.facts())


@leaves_no_trace
def bench(
    *names: Named,
    seconds: float = 30.0,
    against: str | None = None,
    against_env: str | None = None,
    limit: float | None = None,
    margin: float | None = None,
    session: Session | None = None,
    **changes: Any,
) -> "Results[Throughput] | Results[SpeedGated]":
    """Measure the speed of experiments, each for `seconds`; without names, of all experiments.

    With `against`, a git revision, or `against_env`, another interpreter, judge whether a step is slower here than
    there. Up to `limit` times the other's time passes; a `margin`, such as 0.03, asks whether both are equivalent.
    """
    from suite.benching import LIMIT

    if not 0 < seconds < math.inf:
        raise SuiteError(f"seconds must be above 0, got {seconds!r:.80}.", "Give a number such as 30.")
    opened = session or Session.open()
    chosen = opened.chosen(names or ("all",), changes)
    if not against and not against_env:
        speeds = list(benching.measure(opened, chosen, seconds=seconds))
        return Results(speeds, rows.speed_tables, lambda one: one.facts())
    other = {"revision": against, "python": against_env}
    share("margin", margin)
    judged = list(benching.against(opened, chosen, **other, seconds=seconds, limit=limit or LIMIT, margin=margin))
    beside = str(against or against_env)
    return Results(judged, lambda some: [rows.speed_gate_table(some, beside)], lambda one: one.facts())


@leaves_no_trace
def report(
    *experiments: Named, since: datetime | None = None, baseline: Named = "", session: Session | None = None
) -> "Written":
    """Write reports/ from MLflow's record: all runs, or only those of these experiments and finished `since` a time."""
    from suite.reporting.choice import Choice

    names = [one if isinstance(one, str) else one.name for one in (*experiments, baseline)]
    return reporting.report(session or Session.open(), Choice(tuple(dict.fromkeys(names[:-1])), since, names[-1]))


@leaves_no_trace
def sync(*, rebuild: bool = False, to: str = "", session: Session | None = None) -> reporting.Sent:
    """Send the runs that are missing in MLflow; with `rebuild`, write its record again from the run folders.

    `to` is the address of another MLflow: everything is sent there and compared with the present record.
    """
    return reporting.sync(session or Session.open(), rebuild=rebuild, to=to)


@leaves_no_trace
def ui(*, host: str = "127.0.0.1", port: int = 5000, allow_remote: bool = False, session: Session | None = None) -> int:
    """Serve MLflow's UI until Ctrl-C."""
    return reporting.ui(session or Session.open(), host=host, port=port, allow_remote=allow_remote)
