"""What each verb does, as a list of steps; its docstring is its help, its return the exit code."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.errors import USER, SuiteError
from suite.home import Home
from suite.plan import Planned, exit_code, plan
from suite.recipe import parse_override
from suite.registry import Experiment, Registry
from suite.registry import load as load_registry
from suite.rows import list_row, listed, summary_row
from suite.terminal import Terminal
from suite.words import plural


def list_experiments(args: Namespace) -> int:
    """List the experiments: network size, data, cost and published figure.

    python -m suite list
    python -m suite list --experiments ~/my_experiments
    """
    terminal, registry = Terminal(as_json=args.json), load_registry(_folders(args))
    experiments = list(registry.experiments.values())
    if args.json:
        terminal.json([listed(experiment) for experiment in experiments])
    else:
        columns = ("experiment", "data", "parameters>", "epochs>", "batch>", "images>", "published", "source")
        terminal.table("Experiments", columns, [list_row(experiment) for experiment in experiments])
    return _complain_of_broken(registry, terminal)


def show(args: Namespace) -> int:
    """Show one experiment: layers, output shapes, parameters, multiply-accumulates, protocol, source.

    python -m suite show lenet
    python -m suite show lenet --set lr=0.01 --json
    """
    from suite.show import show_experiment

    terminal, registry = Terminal(as_json=args.json), load_registry(_folders(args))
    if args.name == "all":
        raise SuiteError("show takes one experiment, got 'all'.", "See python -m suite list.")
    show_experiment(terminal, _chosen(registry, [args.name], args)[0])
    return 0


def run(args: Namespace) -> int:
    """Train experiments side by side; what is finished is skipped, what is half done goes on.

    python -m suite run all
    python -m suite run lenet cnn --seeds 5
    python -m suite run lenet --set lr=0.01 batch_size=128 --epochs 2
    python -m suite run all --data digits --json > runs.json
    """
    terminal, home, registry = Terminal(as_json=args.json), Home.find(), load_registry(_folders(args))
    chosen = _chosen(registry, args.names, args)
    planned = plan(chosen, range(args.seeds), home.runs)
    data_folders = _ensure_data({item.experiment.recipe.data for item in planned}, args, terminal)
    _announce(planned, terminal)
    from suite.execute.processes import available_cores
    from suite.run import train_all  # with it the libraries: a refusal above did not wait for them

    with terminal.view(planned) as view:
        recorder = train_all(
            planned,
            home=home,
            workers=args.workers or available_cores(),
            data_folders=data_folders,
            folders=_folders(args),
            watch=view.event,
            say=view.say,
        )
    ids, trouble = _record_and_report(home, args, terminal)
    for item in planned:
        item.mlflow_run_id = recorder.ids.get(item.run.folder) or ids.get((item.run.identity, item.run.seed))
    _summarise(planned, terminal)
    return exit_code(planned, recorder.trouble or trouble)


def report(args: Namespace) -> int:
    """Write reports/: tables as CSV, pictures, report.md and the one-file page report.html, from MLflow's record.

    python -m suite report
    """
    from suite.report import write_report
    from suite.tracking.store import TrackerAway, open_store, tracking_uri, unreachable

    terminal, home = Terminal(as_json=args.json), Home.find()
    try:
        _sync(home, args, terminal)
        written = write_report(open_store(home), home.reports)
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    if args.json:
        terminal.json({"reports": str(home.reports), **written.facts()})
    else:
        terminal.table("Accuracy", *written.accuracy_table())
        terminal.say(f"Report: {written.page}")
    return 0


def sync(args: Namespace) -> int:
    """Send MLflow what it lacks of the finished runs; run and report do it by themselves.

    python -m suite sync
    """
    from suite.tracking.store import TrackerAway, tracking_uri, unreachable

    terminal, home = Terminal(as_json=args.json), Home.find()
    try:
        sent = _sync(home, args, terminal)
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    if args.json:
        terminal.json({"sent": sent, "tracking_uri": tracking_uri(home)})
    else:
        terminal.say(f"{plural(sent, 'run')} sent to {tracking_uri(home)}.")
    return 0


def ui(args: Namespace) -> int:
    """Start MLflow's UI on the runs, for this machine only, and print the link that compares the latest of them.

    python -m suite ui
    python -m suite ui --port 5050
    """
    from suite.tracking.ui import serve

    terminal = Terminal()
    return serve(Home.find(), args.port, terminal.say)


def doctor(args: Namespace) -> int:
    """Say what this machine has, and what would stop a run.

    python -m suite doctor
    """
    from suite.doctor import examine

    terminal, registry = Terminal(as_json=args.json), load_registry(_folders(args))
    findings = examine(Home.find(), registry, args.data_dir)
    if args.json:
        terminal.json([finding.facts() for finding in findings])
    else:
        terminal.table("Doctor", ("", "what", "found"), [finding.row() for finding in findings])
    return max((finding.code for finding in findings), default=0)


def _folders(args: Namespace) -> tuple[Path, ...]:
    return tuple(folder.expanduser().resolve() for folder in args.experiments)


def _chosen(registry: Registry, names: Sequence[str], args: Namespace) -> list[Experiment]:
    """The named experiments with the command's overrides."""
    words = list(args.set)
    words += [f"epochs={args.epochs}"] if args.epochs is not None else []
    words += [f"data={args.data}"] if args.data is not None else []
    overrides = dict(parse_override(word) for word in words)
    if len(overrides) < len(words):
        raise SuiteError(f"a field is given twice in {' '.join(words)}.", "Give each field once.")
    return [_changed(experiment, overrides) for experiment in registry.choose(names)]


def _changed(experiment: Experiment, overrides: dict[str, Any]) -> Experiment:
    try:
        return experiment.changed(overrides)
    except SuiteError as error:
        raise SuiteError(f"{experiment.name}: {error}") from error


def _ensure_data(names: set[str], args: Namespace, terminal: Terminal) -> dict[str, Path]:
    from suite.data import ensure

    return {name: ensure(name, folder=args.data_dir, say=terminal.warn) for name in sorted(names)}


def _announce(planned: Sequence[Planned], terminal: Terminal) -> None:
    done = sum(item.skipped for item in planned)
    already = f"; {done} finished before and skipped" if done else ""
    terminal.say(f"{plural(len(planned) - done, 'run')} to train{already}.")


def _sync(home: Home, args: Namespace, terminal: Terminal) -> int:
    from suite.data import ensure
    from suite.recorder import sync as send

    return send(home, lambda name: ensure(name, folder=args.data_dir, say=terminal.warn), terminal.warn)


def _record_and_report(
    home: Home, args: Namespace, terminal: Terminal
) -> tuple[dict[tuple[str, int], str], SuiteError | None]:
    """Send what MLflow lacks and write the report; returns MLflow's run ids, and what stood in the way.

    A tracker that is away only warns: `report` makes up for it later.
    """
    from suite.report import write_report
    from suite.tracking.store import TrackerAway, open_store

    terminal.say("Writing the report.")
    try:
        _sync(home, args, terminal)
        written = write_report(open_store(home), home.reports)
    except TrackerAway as why:
        terminal.warn(f"no report: MLflow did not answer ({why}). `python -m suite report` writes it later.")
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


def _complain_of_broken(registry: Registry, terminal: Terminal) -> int:
    for error in registry.errors:
        terminal.warn(str(error))
    return USER if registry.errors else 0
