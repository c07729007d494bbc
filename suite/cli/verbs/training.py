"""The verbs that train."""

from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli.rows import summary_row
from suite.cli.terminal import Terminal
from suite.cli.verbs.common import chosen, ensure_data, folders, send
from suite.disk.documents import Record
from suite.disk.home import Home
from suite.errors import FAILED, SuiteError
from suite.execute.processes import available_cores
from suite.recipe.registry import load as load_registry
from suite.runs.events import View
from suite.runs.plan import Planned, exit_code, plan, worst
from suite.runs.worker import warm_up
from suite.text import plural

if TYPE_CHECKING:
    from suite.tracking.recorder import Recorder


def run(args: Namespace) -> int:
    """Train experiments side by side; what is finished is skipped, what is half done goes on.

    python -m suite run all
    python -m suite run lenet cnn --seeds 5
    python -m suite run lenet --set lr=0.01 batch_size=128 --epochs 2
    python -m suite run all --data digits --json > runs.json
    python -m suite run mlp --seeds 20 --no-report
    """
    terminal, home, registry = Terminal(as_json=args.json), Home.find(), load_registry(folders(args))
    planned = plan(chosen(registry, args.names, args), range(args.seeds), home.runs)
    _refuse_damaged(planned, terminal)
    if any(item.status == "planned" for item in planned):
        home.require_writable()
        warm_up()
    data_folders = ensure_data({item.experiment.recipe.data for item in planned}, args, terminal)
    _announce(planned, terminal)
    recorder = train(planned, home, args, terminal, data_folders)
    ids, trouble = (
        record_and_report(home, args, terminal, recorder.away, report=not args.no_report)
        if recorder.usable
        else ({}, None)
    )
    for item in planned:
        item.mlflow_run_id = recorder.ids.get(item.run.folder) or ids.get((item.run.identity, item.run.seed))
    _summarise(planned, terminal)
    return exit_code(planned, recorder.trouble or trouble)


def train(
    planned: Sequence[Planned], home: Home, args: Namespace, terminal: Terminal, data_folders: dict[str, Path]
) -> "Recorder":
    """Train and record what is planned, showing it."""
    from suite.runs.training import train_all  # with it the libraries: a refusal does not wait for them

    with terminal.view(planned) as view:
        return train_all(
            planned,
            home=home,
            workers=args.workers or available_cores(),
            data_folders=data_folders,
            folders=folders(args),
            watch=_watch(view, terminal),
            say=terminal.warn,
        )


def verify(args: Namespace) -> int:
    """Train finished runs again from their recorded recipes and say whether every number is the same, bit for bit.

    RUN is a name, the start of a recipe's identity, MLflow's id of a run, a run's folder, or all. The run and its
    record are left as they are.

    python -m suite verify lenet-s0
    python -m suite verify all --json
    """
    terminal, home, registry = Terminal(as_json=args.json), Home.find(), load_registry(folders(args))
    from suite.runs.verify import find_runs, verify_all
    from suite.tracking.frame import run_key

    verdicts = verify_all(
        find_runs(args.runs, home.runs, lambda run_id: run_key(home, run_id)),
        registry,
        workers=args.workers or available_cores(),
        data_folder=lambda name: ensure_data({name}, args, terminal)[name],
        folders=folders(args),
        view=terminal.view,
    )
    if args.json:
        terminal.json([verdict.facts() for verdict in verdicts])
    for verdict in verdicts:
        (terminal.warn if verdict.code else terminal.say)(verdict.line())
    return worst([verdict.code for verdict in verdicts])


def _refuse_damaged(planned: Sequence[Planned], terminal: Terminal) -> None:
    """Name the finished runs whose folders are damaged; where there is no other run, that is the end of it."""
    refused = [item for item in planned if item.status == "failed"]
    if refused and len(refused) == len(planned):
        raise SuiteError(refused[0].reason, code=refused[0].code)
    for item in refused:
        terminal.warn(item.reason)


def _watch(view: View, terminal: Terminal) -> Callable[[Planned, Record], None]:
    """Show every event; what a run was refused for goes to stderr too, where scripts look for it."""

    def watch(item: Planned, event: Record) -> None:
        view.event(item, event)
        if event["event"] == "failed" and item.code != FAILED:
            terminal.warn(item.reason)

    return watch


def _announce(planned: Sequence[Planned], terminal: Terminal) -> None:
    done = sum(item.skipped for item in planned)
    already = f"; {done} finished before and skipped" if done else ""
    terminal.say(f"{plural(sum(item.status == 'planned' for item in planned), 'run')} to train{already}.")


def record_and_report(
    home: Home, args: Namespace, terminal: Terminal, told: bool, *, report: bool = True
) -> tuple[dict[tuple[str, int], str], SuiteError | None]:
    """Send what MLflow lacks and write the report; returns MLflow's run ids, and what stood in the way.

    A tracker that is away only warns, unless the user was `told` already: `report` makes up for it later.
    """
    from suite.report import write_report
    from suite.tracking.store import TrackerAway, open_store

    terminal.say("Writing the report." if report else "Sending what MLflow lacks.")
    try:
        send(home, args, terminal)
        if not report:
            return {}, None
        written = write_report(open_store(home), home.reports, pictures_kept=home.pictures)
    except TrackerAway as why:
        if not told:
            terminal.warn(f"MLflow did not answer ({why}); `python -m suite report` sends it what is missing.")
        return {}, None
    except SuiteError as error:
        terminal.warn(str(error))
        return {}, error
    terminal.say(f"Report: {written.page}")
    return written.run_ids(), None


def _summarise(planned: Sequence[Planned], terminal: Terminal) -> None:
    if terminal.as_json:
        terminal.json([item.facts() for item in planned])
        return
    columns = ("run", "status", "test accuracy>", "source's figure>", "published>", "images/s>", "weights")
    terminal.table("Runs", columns, [summary_row(item) for item in planned])
