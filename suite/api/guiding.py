"""What a user can do next, by what the home has already."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.api.session import Session
from suite.disk.journal import Run, begun_runs
from suite.errors import SuiteError
from suite.runs.naming import experiment_of, name_of
from suite.text import plural

SUITE = "python -m suite"
MOST = 5  # next commands that are named


@dataclass(frozen=True)
class Step:
    """A command that makes sense now, and what it is for."""

    command: str
    purpose: str


def guide(session: Session) -> tuple[str, list[Step]]:
    """One sentence on what is in the home, and the next commands, the most useful first.

    Nothing is written, and damaged run folders are left out: `doctor` names them.
    """
    begun = begun_runs(session.home.runs)
    finished = [folder for folder in begun if (folder / "result.json").exists()]
    open_runs = list(_runs(folder for folder in begun if folder not in set(finished)))
    if not begun:
        return f"Nothing is trained yet in {session.home.root}.", _first()
    experiments = plural(len({folder.parent for folder in begun}), "experiment")
    state = f"{plural(len(finished), 'run')} of {experiments} finished in {session.home.root}"
    left = f", {plural(len(open_runs), 'run')} interrupted or in training" if open_runs else ""
    steps = [*_to_continue(open_runs, session), *_after(finished, session)]
    return f"{state}{left}.", steps[:MOST] or _first()


def _first() -> list[Step]:
    return [
        Step(f"{SUITE} run mlp", "a first accuracy on real MNIST, in less than a minute"),
        Step(f"{SUITE} run all", "every experiment with three seeds: 8 minutes on a fast machine, 20 on a slow one"),
        Step(f"{SUITE} list", "what there is to train"),
        Step(f"{SUITE} new my_net", "a file of your own to begin with"),
    ]


def _runs(folders: Iterator[Path]) -> Iterator[Run]:
    for folder in folders:
        try:
            yield Run.at(folder)
        except SuiteError:
            continue  # it has not come to its recipe, or it is damaged


def _to_continue(runs: Sequence[Run], session: Session) -> Iterator[Step]:
    """A command for each recipe that has runs without a result, if its experiment's file is still the same."""
    seeds: dict[str, int] = {}
    for run in runs:
        try:
            experiment_of(run, session.registry)
        except SuiteError:
            continue
        words = " ".join([run.experiment, *_settings(run.recipe()["overrides"])])
        seeds[words] = max(seeds.get(words, 0), run.seed + 1)
    for words, amount in sorted(seeds.items()):
        yield Step(f"{SUITE} run {words} --seeds {amount}", "continue where it was interrupted")


def _after(finished: Sequence[Path], session: Session) -> Iterator[Step]:
    """What can be done with finished runs."""
    if not finished:
        return
    page = session.home.page
    latest = max((folder / "result.json").stat().st_mtime for folder in finished)
    if not page.exists() or page.stat().st_mtime < latest:
        yield Step(f"{SUITE} report", "write the page with tables and pictures of all runs")
    names = sorted({folder.parent.name for folder in finished})
    same_data: dict[str, list[str]] = {}
    for name in names:
        one = session.registry.experiments.get(name)
        if one and any(folder.name.startswith(one.identity[:16]) for folder in finished):  # with its published values
            same_data.setdefault(one.recipe.data, []).append(name)
    pair = next((many[:2] for many in same_data.values() if len(many) > 1), None)
    if pair:
        yield Step(f"{SUITE} compare {' '.join(pair)}", "which of the two is better, and how certain is that?")
    else:
        yield Step(f"{SUITE} run all", "the other experiments; what is finished is skipped")
    yield Step(f"{SUITE} ui", "the runs in MLflow's UI")
    if alone := [name for name, runs in Counter(map(name_of, finished)).items() if runs == 1]:
        yield Step(f"{SUITE} predict {alone[0]} PICTURE.png", "the class of a picture of your own")
    yield Step(f"{SUITE} new my_net --from {names[0]}", "a copy to change, and to compare with the original")


def _settings(overrides: Mapping[str, Any]) -> list[str]:
    """The option that gives these values to a command again, exactly."""
    return ["--set", *(shlex.quote(f"{name}={_word(value)}") for name, value in overrides.items())] if overrides else []


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_word, value))
    return str(value) if isinstance(value, str | float) else str(value).lower()  # none, true, false
