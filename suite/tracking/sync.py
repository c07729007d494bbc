"""Sends the runs that are missing in the tracker, or prepares it to get all of them again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.data.catalog import CATALOG
from suite.data.frozen import is_here, is_own
from suite.disk import crash, files
from suite.disk.home import Home
from suite.disk.journal import Run, begun_runs, is_claimed, whole_runs
from suite.errors import SuiteError, machine_error
from suite.runs.artifacts import undrawn_in
from suite.runs.naming import name_of
from suite.runs.training import DataFolder
from suite.text import printable
from suite.tracking import settled
from suite.tracking.mirror import Mirror
from suite.tracking.publisher import send_studies
from suite.tracking.recorder import prepare, say_undrawn, to_draw_again
from suite.tracking.store import Store, artifact_root, database, open_store, tracking_uri
from suite.tracking.whose import HOME, folder_name, is_of

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

Say = Callable[[str], None]


@dataclass(frozen=True)
class Synced:
    """The number of runs that were sent, MLflow's ids of all runs that it has, by the names of their folders, and the
    digest of the record if nothing is missing in it (`suite.tracking.settled`), else an empty text.
    """

    sent: int
    runs: Mapping[str, str]
    record: str


def sync(home: Home, data_folder: DataFolder, say: Say, open_home: Callable[[], Store] | None = None) -> Synced:
    """Send every run that is not complete in the tracker, end runs whose process has ended, update the groups.

    A complete run is sent again if a picture of it could not be drawn before. The tracker is asked once which runs are
    complete, and only the folders of the others are read; `doctor` reads every folder. It is not asked at all, nor
    opened by `open_home`, if nothing has changed since all was complete. A damaged folder is named and left out. Raises
    `SuiteError` or `TrackerAway`.
    """
    folders = begun_runs(home.runs)
    found, note = settled.digest(home, folders), settled.read(home)
    if found and found == note.record:
        return Synced(0, note.runs, found)
    store = open_home() if open_home else open_store(home)
    mirror = Mirror(store)
    complete = mirror.complete()
    held = _held(folders, complete)
    again, undrawn = to_draw_again(home.runs), undrawn_in(home.runs)  # also those that this process tried to draw
    incomplete = whole_runs((folder for folder in folders if folder not in held or folder.name in again), say)
    missing = [run for run in incomplete if not is_claimed(run.folder)]  # a run in training is sent by its own command
    missing = [run for run in missing if _of_known_data(run, say)]
    adopted = [*whole_runs((folder for folder, record in held.items() if HOME not in record.data.tags), say)]
    for run in adopted:
        mirror.adopt(run, held[run.folder].info.run_id)
    ids = {folder.name: str(record.info.run_id) for folder, record in held.items()}
    for run in missing:
        result = prepare(run, data_folder)
        say_undrawn(run, say)
        ids[run.folder.name] = mirror.send(run, result, "interrupted")
    mirror.end_dead(folders)
    mirror.sum_up(None if missing or adopted else complete)
    ended = send_studies(home, store, say)
    whole = ended and not undrawn and len(held) == len(folders)
    if not whole or settled.digest(home, folders) != found:
        return Synced(len(missing), ids, "")
    settled.write(home, settled.Note(found, ids, note.report))
    return Synced(0, ids, found)


def _held(folders: list[Path], complete: list["MlflowRun"]) -> dict[Path, "MlflowRun"]:
    """Those of the run folders whose whole result the tracker has, each with its record."""
    by_name: dict[str, list[MlflowRun]] = {}
    for record in complete:
        by_name.setdefault(folder_name(record.data.tags["suite.run"]), []).append(record)
    found = {folder: [one for one in by_name.get(folder.name, []) if is_of(one, folder)] for folder in folders}
    return {folder: records[0] for folder, records in found.items() if records}


def _of_known_data(run: Run, say: Say) -> bool:
    """Whether this version knows the run's data set. A run of a newer version is named and left out."""
    name = run.recipe()["recipe"]["data"]
    if name in CATALOG:
        return True
    if is_own(name):
        if is_here(name):
            return True
        say(f"{run.name} is left out: its data, {name}, is no longer in the cache. See python -m suite data.")
        return False
    say(f"{run.name} is left out: this version does not know the data set {printable(str(name))!r}.")
    return False


def set_aside(home: Home) -> Path | None:
    """Move MLflow's database and artifacts away, so that the next `sync` writes both anew from the run folders.

    Returns their new folder, or None if there were none. Raises `SuiteError` (2) if the record is on a server or in
    another database, and if a run is being trained, because its process writes to the old record.
    """
    if tracking_uri(home) != f"sqlite:///{database(home)}":
        raise SuiteError(
            f"--rebuild writes {database(home)} anew, and MLFLOW_TRACKING_URI names {tracking_uri(home)}.",
            "Unset it, or leave out --rebuild.",
        )
    for folder in begun_runs(home.runs):
        if is_claimed(folder):
            raise SuiteError(
                f"--rebuild: {name_of(folder)} is being trained.", "Wait for its end, or end it with Ctrl-C."
            )
    aside = home.mlruns / time.strftime("before-rebuild-%Y%m%d-%H%M%S", time.gmtime())
    # The journal is moved first: SQLite would apply a journal that stayed behind to the new database.
    there = [path for path in (Path(f"{database(home)}-journal"), database(home), artifact_root(home)) if path.exists()]
    try:
        for path in there:
            files.make_folder(aside)
            path.rename(aside / path.name)
            crash.at("rebuild:moved", path.name)
    except OSError as error:
        raise machine_error(error, aside) from error
    return aside if there else None
