"""The public functions of the package: each verb as a function that returns its result or raises `SuiteError`.

Each takes a `session`. Without it, the function opens a session that shows nothing, on this machine's home.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api import benching, checking, comparing, looking, predicting, reporting, starting, training, tuning
from suite.api.results import Compared, Runs, Tuned
from suite.api.session import Session
from suite.recipe.experiment import Experiment

if TYPE_CHECKING:
    from suite.api.datasets import Entry
    from suite.api.doctor import Finding
    from suite.api.planning import SeedPlan
    from suite.benching.speed_gate import Gated as SpeedGated
    from suite.benching.throughput import Throughput
    from suite.checking.findings import Checked
    from suite.predicting.worker import Predicted
    from suite.reporting import Written
    from suite.runs.accuracy_gate import Gated
    from suite.runs.verify import Verdict


def run(
    *names: str, seeds: int | Sequence[int] = 3, report: bool = True, session: Session | None = None, **changes: Any
) -> Runs:
    """Train experiments (`"all"` for every one). `seeds` is a number of seeds, counted from 0, or the seeds themselves.

    `changes` are other values of recipe fields, such as `epochs=3` or `lr=0.01`. Finished runs are skipped.
    """
    under = range(seeds) if isinstance(seeds, int) else seeds
    return training.run(session or Session.open(), names, seeds=under, changes=changes, report=report)


def tune(
    name: str,
    *,
    trials: int = 40,
    fresh_seeds: int = 6,
    timeout: float | None = None,
    save: bool = False,
    report: bool = True,
    changes: dict[str, Any] | None = None,
    session: Session | None = None,
    **request: Any,
) -> Tuned:
    """Search the best settings of an experiment on validation images.

    `trials` is the total, earlier trials included; `timeout` is in seconds. `request` are fields of
    `suite.tuning.request.Request`, such as `space={"lr": "1e-4..1e-2"}` or `sampler="random"`.
    """
    from suite.tuning.request import Request

    wanted = Request(**request)
    return tuning.tune(
        session or Session.open(), name, wanted,
        changes=changes, trials=trials, fresh_seeds=fresh_seeds, timeout=timeout, save=save, report=report,
    )  # fmt: skip


def compare(
    *names: str,
    until_decided: bool = False,
    limit: int | None = None,
    margin: float | None = None,
    session: Session | None = None,
    **changes: Any,
) -> Compared:
    """Compare each pair of these experiments by their finished runs; the start of a recipe's identity is a name too.

    With a `margin`, such as 0.005 for half a point of accuracy, the verdict can be `equivalent`.
    """
    opened = session or Session.open()
    return comparing.compare(opened, names, changes=changes, until_decided=until_decided, limit=limit, margin=margin)


def plan(
    *names: str,
    effect: float | None = None,
    margin: float | None = None,
    power: float = 0.8,
    session: Session | None = None,
    **changes: Any,
) -> "list[SeedPlan]":
    """The seeds that a comparison of these experiments needs to see an `effect`, such as 0.005, or rule out a `margin`.

    Their finished runs are the pilot; `power` is how often that shall succeed.
    """
    from suite.api import planning

    opened = session or Session.open()
    return planning.plan(opened, names, changes=changes, effect=effect, margin=margin, power=power)


def verify(*runs: str, session: Session | None = None) -> "list[Verdict]":
    """Train finished runs again and compare every number, bit for bit; a name is like `"lenet-s0"`, or `"all"`."""
    return training.verify(session or Session.open(), runs)


def check(name: str, *, session: Session | None = None, **changes: Any) -> "Checked":
    """Try an experiment on 64 images in seconds; `findings` of the result say in words what must be fixed."""
    return checking.check(session or Session.open(), name, changes)


def new(name: str, *, like: str | None = None, data: str | None = None, session: Session | None = None) -> Path:
    """Write a commented experiment's file to begin with, a copy of `like` if that is given; returns its path.

    It goes into the session's last folder of experiments, else into experiments/. No file is overwritten.
    """
    return starting.new(session or Session.open(), name, like=like, data=data)


def predict(run: str, *pictures: str | Path, as_is: bool = False, session: Session | None = None) -> "Predicted":
    """The classes that a finished run gives to pictures, corrected to look like its training images unless `as_is`.

    A folder among the pictures stands for all of its pictures. `refused` of the result has the error of each picture
    that cannot be read.
    """
    return predicting.predict(session or Session.open(), run, [Path(one) for one in pictures], as_is=as_is)


def gate(
    *names: str,
    margin: float | None = None,
    limit: int = 12,
    reference: Path | None = None,
    session: Session | None = None,
    **changes: Any,
) -> "list[Gated]":
    """Train experiments with fresh seeds and judge whether they are as accurate as their committed reference."""
    opened = session or Session.open()
    chosen = opened.chosen(names, changes)
    return list(training.gate(opened, chosen, reference=reference, margin=margin, limit=limit, every="all" in names))


def bench(
    *names: str,
    seconds: float = 30.0,
    against: str | None = None,
    against_env: str | None = None,
    limit: float | None = None,
    session: Session | None = None,
) -> "list[Throughput] | list[SpeedGated]":
    """Measure the speed of experiments, each for `seconds`; without names, of all experiments.

    With `against`, a git revision, or `against_env`, another interpreter, judge whether a step is slower here than
    there. Up to `limit` times the other's time passes.
    """
    from suite.benching import LIMIT

    opened = session or Session.open()
    chosen = opened.chosen(names or ("all",))
    if not against and not against_env:
        return list(benching.measure(opened, chosen, seconds=seconds))
    other = {"revision": against, "python": against_env}
    return list(benching.against(opened, chosen, **other, seconds=seconds, limit=limit or LIMIT))


def report(
    *experiments: str, since: datetime | None = None, baseline: str = "", session: Session | None = None
) -> "Written":
    """Write reports/ from MLflow's record: all runs, or only those of these experiments and finished `since` a time."""
    from suite.reporting.choice import Choice

    return reporting.report(session or Session.open(), Choice(experiments, since, baseline))


def sync(*, rebuild: bool = False, session: Session | None = None) -> reporting.Sent:
    """Send the runs that are missing in MLflow; with `rebuild`, write its record again from the run folders."""
    return reporting.sync(session or Session.open(), rebuild=rebuild)


def ui(*, host: str = "127.0.0.1", port: int = 5000, allow_remote: bool = False, session: Session | None = None) -> int:
    """Serve MLflow's UI until Ctrl-C."""
    return reporting.ui(session or Session.open(), host=host, port=port, allow_remote=allow_remote)


def datasets(*names: str, session: Session | None = None) -> "list[Entry]":
    """The known data sets; with names (`"all"` for the catalog), those sets, prepared for use without a network.

    Raises the first error of a set that cannot be had, after the others were prepared.
    """
    from suite.api import datasets as sets

    entries, errors = sets.fetch(session or Session.open(), names) if names else sets.listed()
    if names and errors:
        raise errors[0]
    return entries


def experiments(session: Session | None = None) -> list[Experiment]:
    """Every experiment that can be loaded, by name."""
    return looking.experiments(session or Session.open())


def show(name: str, *, session: Session | None = None, **changes: Any) -> dict[str, Any]:
    """An experiment's network: its `layers`, `parameters` and `macs` (multiply-accumulates an image)."""
    return looking.network((session or Session.open()).one(name, "show", changes))


def doctor(session: Session | None = None) -> "list[Finding]":
    """Examine this machine: what it has, and what would stop a run."""
    from suite.api.doctor import examine

    return examine(session or Session.open())
