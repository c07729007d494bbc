"""Training as one generator, which `run`, `verify`, `gate` and the test of a study's winner use."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

from suite.execute.executor import Executor
from suite.runs.events import Event, ShowRuns
from suite.runs.plan import Planned
from suite.runs.worker import work

DataFolder = Callable[[str], Path]  # the checked folder of a data set, by name


def train(
    planned: Sequence[Planned], executor: Executor, data_folder: DataFolder, folders: tuple[Path, ...]
) -> Generator[tuple[Planned, Event], None, None]:
    """Train the runs that are not finished, and yield (run, event) as the events come.

    When an event is yielded, its `Planned` is already updated. Closing the generator ends the worker processes and
    marks their runs as interrupted. `folders` are the user's own folders of experiments.
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
    """Train runs that are not recorded in MLflow, for `verify` and `gate`; each `Planned` gets its result."""
    todo = [item for item in planned if item.status == "planned"]
    with show(todo) as view, closing(train(todo, executor, data_folder, folders)) as events:
        for item, event in events:
            view.event(item, event)
