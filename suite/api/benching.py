"""Measure speed, compared with references, and judge whether it got worse."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from suite.api.history import keep_speed
from suite.api.references import place_of
from suite.api.session import Session
from suite.errors import SuiteError
from suite.execute.cores import available_cores
from suite.recipe.experiment import Experiment

if TYPE_CHECKING:
    from suite.benching.baselines import Baseline
    from suite.benching.sides import Side, Workload
    from suite.benching.speed_gate import Gated
    from suite.benching.throughput import Throughput


def measure(session: Session, experiments: Sequence[Experiment], *, seconds: float = 30.0) -> "Iterator[Throughput]":
    """Yield each experiment's speed in training and inference, compared with other people's training loops.

    Each experiment is measured for `seconds`, without the time for loading. Raises `SuiteError`.
    """
    from suite.benching.throughput import throughput

    _require_processor()
    session.home.require_writable()
    for name, workload in _workloads(session, experiments).items():
        tell = partial(_tell, session, name)
        found = throughput(name, workload, cores=available_cores(), seconds=seconds, tell=tell)
        keep_speed(session, found)
        yield found


def check(
    session: Session,
    experiments: Sequence[Experiment],
    *,
    baseline: Path | None = None,
    seconds: float = 30.0,
    limit: float,
    margin: float | None = None,
    every: bool = False,
) -> "Iterator[Gated]":
    """Yield, for each experiment, whether its ratio to a bare loop is still the committed ratio.

    Up to `limit` times the committed ratio passes; with a `margin` it is also said whether both are equivalent. Raises
    `SuiteError`: 2 if there is no baseline, 4 if none is of this kind of processor; experiments without one are only
    named, but of `every` experiment also those that have none of any kind.
    """
    from suite.benching import baselines, speed_gate

    _require_processor()
    session.home.require_writable()
    path = baseline or place_of(session.home, baselines.COMMITTED)
    known = baselines.of_this_kind(path, [one.title for one in experiments], every=every)
    experiments = session.with_reference(experiments, known, f"{path} for {baselines.kind()}")
    jobs = _workloads(session, experiments)
    asked = speed_gate.Question(seconds, limit, len(jobs), margin)
    for name, job in jobs.items():
        found = speed_gate.check(name, job, known[name], asked, tell=partial(_tell, session, name))
        keep_speed(session, found, "the baseline")
        yield found


def against(
    session: Session,
    experiments: Sequence[Experiment],
    *,
    revision: str | None = None,
    python: str | None = None,
    seconds: float = 30.0,
    limit: float,
    margin: float | None = None,
) -> "Iterator[Gated]":
    """Yield, for each experiment, whether a step is slower than in another git revision or another interpreter.

    `python` is the other interpreter's path; there, and here beside it, torch computes the step. Up to `limit` times
    the other's time passes; with a `margin` it is also said whether both are equivalent. Raises `SuiteError`.
    """
    from suite.benching import speed_gate

    _require_processor()
    session.home.require_writable()
    with _other_side(revision, python) as other:  # first, because to check the data takes longer
        jobs = _workloads(session, experiments)
        asked = speed_gate.Question(seconds, limit, len(jobs), margin)
        for name, job in jobs.items():
            found = speed_gate.against(name, job, other, asked, tell=partial(_tell, session, name))
            keep_speed(session, found, other.name)
            yield found


def against_own(
    session: Session, one: Experiment, revision: str, folder: Path, *, seconds: float = 30.0, limit: float
) -> "Gated":
    """Whether a step of an experiment is slower than in a revision of the user's repository around `folder`.

    Both sides run this suite, unless the repository is its own. Up to `limit` times the time there passes. Raises
    `SuiteError`, also if the experiment is not in that revision.
    """
    from suite.api.revisions import both
    from suite.benching import speed_gate

    _require_processor()
    session.home.require_writable()
    with both(session, one, revision, folder, workload) as (job, other):
        asked = speed_gate.Question(seconds, limit)
        found = speed_gate.against(one.title, job, other, asked, tell=partial(_tell, session, one.title))
    keep_speed(session, found, other.name)
    return found


def update_baseline(
    session: Session, experiments: Sequence[Experiment], *, baseline: Path | None = None, seconds: float = 30.0
) -> "tuple[Path, Mapping[str, Baseline]]":
    """Measure each experiment's ratio to a bare loop again and write it; returns the file and the ratios by title.

    The file keeps the baselines of other kinds of processors.
    """
    from suite.benching import baselines, speed_gate

    _require_processor()
    session.home.require_writable()
    path, found = baseline or place_of(session.home, baselines.COMMITTED, to_write=True), {}
    for name, workload in _workloads(session, experiments).items():
        found[name] = speed_gate.measured(workload, seconds=seconds, tell=partial(_tell, session, name))
        session.screen.say(f"{name}: {found[name].ratio.words} times as long as the bare loop.")
    baselines.write(path, found)
    return path, found


def keep(session: Session, found: "Sequence[Throughput | Gated]", beside: str = "") -> None:
    """Add the measurements to the history, and write the history to reports/ as a table and a picture.

    `beside` names the other side of a gate: the baseline, a revision, or an interpreter.
    """
    from suite.benching import history
    from suite.disk import files
    from suite.pictures import bench, canvas

    home = session.home
    kept = history.add(home, history.records(found, beside))
    files.make_folder(home.reports)
    files.write(home.reports / "bench.csv", history.table(kept))
    with canvas.own_style():
        files.write(home.reports / "bench.png", canvas.image(bench.history(kept), "png"))
    session.screen.say(f"History: {home.reports / 'bench.csv'} and bench.png.")


def kind() -> str:
    """This machine's kind of processor, such as `AMD EPYC, AVX-512`: ratios of two kinds cannot be compared."""
    from suite.benching import baselines

    return baselines.kind()


def _require_processor() -> None:
    if os.environ.get("SUITE_DEVICE", "cpu") not in ("", "cpu"):
        raise SuiteError("SUITE_DEVICE: bench measures the processor only.", "Leave it out.")


def _workloads(session: Session, experiments: Sequence[Experiment]) -> "dict[str, Workload]":
    """The workload of each experiment, by title."""
    return {one.title: workload(session, one) for one in session.with_data(experiments)}


def workload(session: Session, one: Experiment) -> "Workload":
    """What a measured process must know of an experiment. Raises `SuiteError` (3) if its data cannot be fetched."""
    from suite.benching.sides import Workload

    folders = one.found_in(session.folders)
    return Workload(one.name, session.data(one.recipe.data), one.overrides, folders, one.recipe.portable)


@contextmanager
def _other_side(revision: str | None, python: str | None) -> "Iterator[Side]":
    """The other side of the comparison; a checkout of a revision exists only within this context."""
    from suite.benching.checkout import checked_out
    from suite.benching.sides import Side

    if revision:
        with checked_out(revision) as source:
            yield Side(revision, "suite", source=source)
    elif python:
        # Our kernels are the same there: what another environment can change is torch's step.
        yield Side(python, "suite", by_torch=True, python=str(Path(python).expanduser().absolute()))
    else:
        raise SuiteError("there is nothing to compare with.", "Give a git revision or another interpreter.")


def _tell(session: Session, name: str, words: str) -> None:
    session.screen.progress(f"{name}: {words}")
