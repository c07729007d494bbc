"""Training as one generator, for `run`, `verify`, `gate` and the winner of a study alike."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

from suite.execute.executor import Executor
from suite.runs.events import Event, ShowRuns
from suite.runs.plan import Planned
from suite.runs.worker import work

DataFolder = Callable[[str], Path]  # of a data set's name; every byte in it was checked


def train(
    planned: Sequence[Planned], executor: Executor, data_folder: DataFolder, folders: tuple[Path, ...]
) -> Generator[tuple[Planned, Event], None, None]:
    """Train what is not finished yet, and yield (the run, what it said) as it happens.

    Each `Planned` already knows what its event means for it. Closing the generator ends the worker processes and marks
    their runs as interrupted. `folders` are the user's own folders of experiments.
    """
    todo = [item for item in planned if item.status == "planned"]
    jobs = [item.job(data_folder, folders) for item in todo]
    try:
        with closing(executor.run(work, jobs)) as events:
            for index, event in events:
                todo[index].note(event)
                yield todo[index], event
    finally:
        for item in todo:
            item.interrupt()


def train_unrecorded(
    planned: Sequence[Planned],
    executor: Executor,
    data_folder: DataFolder,
    folders: tuple[Path, ...],
    show: ShowRuns,
) -> None:
    """Train runs that no record keeps, to verify one or to judge a change; each is told what became of it."""
    todo = [item for item in planned if item.status == "planned"]
    with show(todo) as view, closing(train(todo, executor, data_folder, folders)) as events:
        for item, event in events:
            view.event(item, event)
