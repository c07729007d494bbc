"""What several verbs share: the experiments that a command names, its data, its record."""

from argparse import Namespace
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from suite.cli.terminal import Terminal
from suite.disk.home import Home
from suite.errors import USER, SuiteError
from suite.recipe.fields import parse_override
from suite.recipe.registry import Experiment, Registry


def folders(args: Namespace) -> tuple[Path, ...]:
    """The user's own folders of experiments."""
    return tuple(_resolved(folder) for folder in args.experiments)


def _resolved(folder: Path) -> Path:
    try:
        return folder.expanduser().resolve()
    except (RuntimeError, ValueError) as error:  # a user that is not there, a name that can be no file's
        raise SuiteError(f"--experiments: {str(folder)!r:.80}: {error}.", "Name a folder.") from error


def chosen(registry: Registry, names: Sequence[str], args: Namespace) -> list[Experiment]:
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


def ensure_data(names: set[str], args: Namespace, terminal: Terminal) -> dict[str, Path]:
    """The folder of each data set, every byte checked."""
    from suite.data import ensure

    return {name: ensure(name, folder=args.data_dir, say=terminal.warn) for name in sorted(names)}


def send(home: Home, args: Namespace, terminal: Terminal) -> int:
    """Send what MLflow lacks; returns how many runs that were. Raises `SuiteError` or `TrackerAway`."""
    from suite.data import ensure
    from suite.tracking.sync import sync

    return sync(home, cache(lambda name: ensure(name, folder=args.data_dir, say=terminal.warn)), terminal.warn)


def complain_of_broken(registry: Registry, terminal: Terminal) -> int:
    """Name the files that could not be loaded; the exit code of a verb that went on without them."""
    for error in registry.errors:
        terminal.warn(str(error))
    return USER if registry.errors else 0
