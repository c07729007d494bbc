"""The main job: plan, train side by side, record."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from suite.engine import exact
from suite.engine.journal import Record
from suite.errors import FAILED
from suite.execute.processes import run_jobs
from suite.home import Home
from suite.plan import Planned
from suite.recorder import Recorder
from suite.worker import Job, work

Watch = Callable[[Planned, Record], None]


def train_all(
    planned: Sequence[Planned],
    *,
    home: Home,
    workers: int,
    data_folders: dict[str, Path],
    folders: tuple[Path, ...],
    watch: Watch,
    say: Callable[[str], None],
) -> Recorder:
    """Train what is not finished yet; each `Planned` is told what became of it, and `watch` is told every event.

    An interruption ends the worker processes, marks their runs as interrupted and is raised again.
    """
    todo = [item for item in planned if item.status == "planned"]
    jobs = [
        Job(
            experiment=item.run.experiment,
            run=item.run,
            data_folder=data_folders[item.experiment.recipe.data],
            overrides=dict(item.experiment.overrides),
            folders=folders,
        )
        for item in todo
    ]
    with Recorder(home, data_folders, say) as recorder:
        try:
            for index, event in run_jobs(
                work, jobs, workers=workers, environment=exact.ENVIRONMENT, preload="suite.engine.train"
            ):
                _note(todo[index], event, recorder)
                watch(todo[index], event)
        except KeyboardInterrupt:
            for item in todo:
                if item.status == "running":
                    item.status, item.reason = "interrupted", "run the same command again to go on"
                    recorder.note(item.run, "interrupted")
            raise
    return recorder


def _note(item: Planned, event: Record, recorder: Recorder) -> None:
    """Bring one run's state up to date with what its process said or how it ended."""
    match event["event"]:
        case "started":
            item.status = "running"
        case "epoch":
            recorder.note(item.run)
        case "done":
            item.result = event["result"]
            item.status = event["result"]["status"]
            recorder.note(item.run)
        case "failed":
            item.status, item.reason, item.code = "failed", event["reason"], event["code"]
            _note_if_begun(item, recorder, "failed")
        case "ended" if item.status in ("planned", "running") and event["exit"] != 0:
            item.status, item.reason, item.code = "killed", _how_it_died(event["exit"]), FAILED
            _note_if_begun(item, recorder, "interrupted")


def _note_if_begun(item: Planned, recorder: Recorder, status: str) -> None:
    if (item.run.folder / "recipe.json").exists():
        recorder.note(item.run, status)


def _how_it_died(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}; see output.log in its folder"
    hint = "; the system may have run out of memory" if code == -signal.SIGKILL else ""
    return f"its process was ended by {signal.Signals(-code).name}{hint}; run the same command again to go on"
