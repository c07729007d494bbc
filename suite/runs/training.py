"""The main job: plan, train side by side, record."""

from collections.abc import Callable, Sequence
from pathlib import Path

from suite.disk.documents import Record
from suite.disk.home import Home
from suite.runs.plan import Planned
from suite.runs.worker import side_by_side
from suite.tracking.recorder import Recorder

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
    jobs = [item.job(data_folders, folders) for item in todo]
    with Recorder(home, data_folders, say) as recorder:
        try:
            for index, event in side_by_side(jobs, workers):
                todo[index].note(event)
                _record(todo[index], event, recorder)
                watch(todo[index], event)
        except KeyboardInterrupt:
            for item in todo:
                if item.status == "running":
                    item.status, item.reason = "interrupted", "run the same command again to go on"
                    recorder.note(item.run, "interrupted")
            raise
    return recorder


def _record(item: Planned, event: Record, recorder: Recorder) -> None:
    """Let the recorder know where the run's folder has something new."""
    match event["event"]:
        case "epoch" | "done":
            recorder.note(item.run)
        case "failed" if item.begun():
            recorder.note(item.run, "failed")
        case "ended" if item.status == "killed" and item.begun():
            recorder.note(item.run, "interrupted")
