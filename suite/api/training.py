"""Train experiments and record them; train recorded runs again; check their accuracy."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.history import keep_accuracy
from suite.api.references import place_of
from suite.api.results import Recorded, Runs
from suite.api.session import Named, Session
from suite.disk.classes import mixed_classes
from suite.disk.journal import Run
from suite.errors import FAILED, MACHINE, SuiteError, one_line
from suite.recipe.experiment import Experiment
from suite.runs.events import EpochEnded, Failed
from suite.runs.plan import Planned, plan
from suite.runs.training import train, train_unrecorded
from suite.text import plural

if TYPE_CHECKING:
    from suite.runs.accuracy_gate import Gated, Reference
    from suite.runs.verify import Verdict
    from suite.tracking.recorder import Recorder


def run(
    session: Session,
    names: Sequence[Named],
    *,
    seeds: Sequence[int],
    changes: Mapping[str, Any] | None = None,
    report: bool = True,
) -> Runs:
    """Train the runs that are not finished, send them to MLflow, and write the report.

    Experiments whose data set cannot be fetched are named and skipped (`no data`). Raises `SuiteError` only before
    anything is trained. The error of a run is in its `Planned`.
    """
    planned = plan(session.chosen(names, changes), seeds, session.home.runs)
    _name_damaged(planned, session)
    todo = [item for item in planned if item.status == "planned"]
    if todo:
        _prepare(session, todo, others=len(planned) > len(todo))
    _announce(planned, session)
    recorder = train_recorded(session, planned)
    recorded = record(session, warned=recorder.away, report=report) if recorder.usable else Recorded()
    for item in planned:
        item.mlflow_run_id = recorder.ids.get(item.run.folder) or recorded.ids.get(item.run.folder.name)
    return Runs(planned, recorder.trouble or recorded.trouble, recorded.page)


def train_recorded(session: Session, planned: Sequence[Planned]) -> "Recorder":
    """Train runs and copy each to MLflow meanwhile; returns the recorder with MLflow's ids and its errors."""
    from suite.tracking.recorder import Recorder  # loads MLflow and matplotlib: only when runs are trained

    events = train(planned, session.trainer, session.data, session.folders)
    todo = any(item.status == "planned" for item in planned)
    compared = set[str]()  # the identities whose earlier seeds were looked at
    with (
        session.screen.runs(planned) as view,
        Recorder(session.home, session.data, session.screen.warn, session.store, ahead=todo) as recorder,
    ):
        try:
            with closing(events):
                for item, event in events:
                    recorder.hear(item, event)
                    view.event(item, event)
                    if isinstance(event, EpochEnded) and item.run.identity not in compared:
                        compared.add(item.run.identity)
                        _name_mixed(item.run, session)
                    if isinstance(event, Failed) and item.code != FAILED:  # a refusal, which scripts expect on stderr
                        session.screen.warn(item.reason)
        finally:
            recorder.hear_interrupted(planned)
    return recorder


def _name_mixed(run: Run, session: Session) -> None:
    """Say if other seeds of this run were trained on machines that compute other numbers."""
    if words := mixed_classes(run.name, run.folder):
        session.screen.warn(words)


def record(session: Session, *, warned: bool = False, report: bool = True) -> Recorded:
    """Send the runs that are missing in MLflow and write the report.

    If the tracker does not answer, this is only a warning, and none if the user was `warned` already. `report` sends
    the runs later.
    """
    from suite.api.reporting import send, write
    from suite.tracking.store import TrackerAway

    screen = session.screen
    screen.say("Writing the report." if report else "Sending what is missing in MLflow.")
    try:
        synced = send(session)
        if not report:
            return Recorded(synced.runs)
        page = write(session, synced.record)
    except TrackerAway as why:
        if not warned:
            screen.warn(f"MLflow did not answer ({why}); `python -m suite report` sends it what is missing.")
        return Recorded()
    except SuiteError as error:
        screen.warn(str(error))
        return Recorded(trouble=error)
    except Exception as error:  # the runs are trained: what became of them is said before all else
        reason = f"{type(error).__name__}: {one_line(str(error)):.200}"
        trouble = SuiteError(
            f"the report could not be written ({reason}); the runs' folders are whole.",
            "`python -m suite report` tries again and shows where it fails.",
            code=MACHINE,
        )
        screen.warn(str(trouble))
        return Recorded(trouble=trouble)
    screen.say(f"Report: {page}")
    return Recorded(synced.runs, page=page)


def verify(session: Session, runs: Sequence[str]) -> "list[Verdict]":
    """Train finished runs again from their recorded recipes, and compare every number, bit for bit.

    A word is a run's name, the start of a recipe's identity, MLflow's id of a run, a run's folder, or `all`. Raises
    `SuiteError` (2) for any other word.
    """
    from suite.runs.naming import find_runs
    from suite.runs.verify import verify_all
    from suite.tracking.frame import run_key

    if session.cluster:
        session.cluster.warm_up()  # here: nothing is judged if it cannot be used
    return verify_all(
        find_runs(runs, session.home.runs, partial(run_key, session.home)),
        session.registry,
        executor=session.trainer,
        data_folder=session.data,
        folders=session.folders,
        show=session.screen.runs,
        scratch=session.scratch,
    )


def gate(
    session: Session,
    experiments: Sequence[Experiment],
    *,
    reference: Path | None = None,
    margin: float | None = None,
    limit: int = 12,
    every: bool = False,
) -> "Iterator[Gated]":
    """Train experiments with fresh seeds and yield, for each, whether it is as accurate as its committed reference.

    Raises `SuiteError` (2) if there is no reference; of `every` experiment those without one are only named.
    """
    from suite.runs import accuracy_gate

    path = reference or place_of(session.home, accuracy_gate.COMMITTED)
    references = accuracy_gate.read_references(path, () if every else experiments)
    if every:
        experiments = session.with_reference(experiments, references, path)
    experiments = session.with_data(experiments)
    session.trainer.warm_up()

    def trained(planned: Sequence[Planned]) -> None:
        train_unrecorded(planned, session.trainer, session.data, session.folders, session.screen.runs)

    gate_all = partial(accuracy_gate.gate, margin=margin, most=limit, scratch=session.scratch)
    for one in gate_all(experiments, references, trained):
        keep_accuracy(session, one)
        yield one


def update_reference(
    session: Session, experiments: Sequence[Experiment], *, seeds: int, path: Path | None = None
) -> "tuple[Path, Mapping[str, Reference], SuiteError | None]":
    """Measure the accuracy gate's references again, from recorded runs, and write them; missing runs are trained.

    Returns the file, the references by title, and the error that prevented MLflow's record, if any.
    """
    from suite.runs import accuracy_gate

    path = path or place_of(session.home, accuracy_gate.COMMITTED, to_write=True)
    planned = plan(session.prepare(experiments), range(seeds), session.home.runs)
    recorder = train_recorded(session, planned)
    references = accuracy_gate.measured(planned)
    accuracy_gate.write_references(path, references)
    return path, references, recorder.trouble


def _name_damaged(planned: Sequence[Planned], session: Session) -> None:
    """Warn of finished runs whose folders are damaged; raise `SuiteError` if there are no other runs."""
    refused = [item for item in planned if item.status == "failed"]
    if refused and len(refused) == len(planned):
        raise SuiteError(refused[0].reason, code=refused[0].code)
    for item in refused:
        session.screen.warn(item.reason)


def _prepare(session: Session, todo: Sequence[Planned], *, others: bool) -> None:
    """Prepare the training, and mark the runs without data; raise `SuiteError` if there is nothing else."""
    try:
        session.prepare([item.experiment for item in todo])
    except SuiteError as error:
        if error not in session.without.values() or not others:
            raise
    for item in todo:
        if reason := session.without.get(item.experiment.recipe.data):
            item.skip(reason)


def _announce(planned: Sequence[Planned], session: Session) -> None:
    done = sum(item.skipped for item in planned)
    already = f"; {done} finished before and skipped" if done else ""
    todo = sum(item.status == "planned" for item in planned)
    session.screen.say(f"{plural(todo, 'run')} to train{already}.")
