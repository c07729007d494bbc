"""From all run folders to the tracker: what it lacks, or everything anew."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from suite.disk import crash, files
from suite.disk.home import Home
from suite.disk.journal import Run
from suite.errors import SuiteError, machine_error
from suite.tracking.mirror import Mirror
from suite.tracking.publisher import send_studies
from suite.tracking.recorder import prepare
from suite.tracking.store import artifacts, database, open_store, tracking_uri

Say = Callable[[str], None]


def sync(home: Home, data_folder: Callable[[str], Path], say: Say) -> int:
    """Send every finished run that the tracker lacks, end those it wrongly believes running, sum up the groups.

    Returns how many runs were sent. A damaged folder is named and left out. Raises `SuiteError` or `TrackerAway`.
    """
    store = open_store(home)
    mirror = Mirror(store)
    runs = list(whole_runs(home.runs, say))
    missing = [run for run in mirror.lacking(runs) if not run.is_claimed()]  # the others have a recorder of their own
    for run in missing:
        name = run.recipe()["recipe"]["data"]
        mirror.send(run, prepare(run, {name: data_folder(name)}), "interrupted")
    mirror.end_dead(runs)
    mirror.sum_up()
    send_studies(home, store, say)
    return len(missing)


def set_aside(home: Home, say: Say) -> Path | None:
    """Move MLflow's database and artifacts away, so that the next `sync` writes both anew from the run folders.

    Returns where they are now, None where there were none. Raises `SuiteError` (2) for a record that is not ours to
    write anew, and while a run is being trained, whose process writes to the old one.
    """
    if tracking_uri(home) != f"sqlite:///{database(home)}":
        raise SuiteError(
            f"--rebuild writes {database(home)} anew, and MLFLOW_TRACKING_URI names {tracking_uri(home)}.",
            "Unset it, or leave out --rebuild.",
        )
    for run in whole_runs(home.runs, say):
        if run.is_claimed():
            raise SuiteError(f"--rebuild: {run.name} is being trained.", "Wait for its end, or end it with Ctrl-C.")
    aside = home.mlruns / time.strftime("before-rebuild-%Y%m%d-%H%M%S", time.gmtime())
    # The journal goes first: SQLite would play one that stayed behind into the new database.
    there = [path for path in (Path(f"{database(home)}-journal"), database(home), artifacts(home)) if path.exists()]
    try:
        for path in there:
            files.make_folder(aside)
            path.rename(aside / path.name)
            crash.at("rebuild:moved", path.name)
    except OSError as error:
        raise machine_error(error, aside) from error
    return aside if there else None


def whole_runs(runs: Path, say: Say) -> Iterator[Run]:
    """The runs whose folders are whole; `say` is told of the others."""
    begun = {path.parent for name in ("recipe.json", "result.json", "checkpoint") for path in runs.glob(f"*/*/{name}")}
    for folder in sorted(begun):
        try:
            run = Run.at(folder)
            run.check_files()
            run.history()
        except SuiteError as error:
            say(str(error))
        else:
            yield run
