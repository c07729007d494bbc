"""Runs trained beside the record, in folders that are thrown away: to verify one, or to gate a change."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from suite.runs.events import View
from suite.runs.plan import Planned
from suite.runs.worker import side_by_side

Show = Callable[[Sequence[Planned]], AbstractContextManager[View]]


def train_afresh(
    planned: Sequence[Planned],
    *,
    workers: int,
    data_folder: Callable[[str], Path],
    folders: tuple[Path, ...],
    view: Show,
) -> None:
    """Train those of `planned` that are not finished; each is told what became of it, and nothing is recorded."""
    todo = [item for item in planned if item.status == "planned"]
    data_folders = {name: data_folder(name) for name in sorted({item.experiment.recipe.data for item in todo})}
    jobs = [item.job(data_folders, folders) for item in todo]
    with view(todo) as shown:
        for index, event in side_by_side(jobs, workers):
            todo[index].note(event)
            shown.event(todo[index], event)
