"""The session, which all verbs and calls share: the home, the registry, the executor, and the screen."""

import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api import notebook
from suite.api.engines import Cluster, cluster_of, share_asked
from suite.api.progress import Screen, Silent, Stream
from suite.disk import verdicts
from suite.disk.home import Home
from suite.errors import MACHINE, SuiteError, machine_error
from suite.execute.executor import Executor
from suite.kernels import compiled
from suite.recipe.experiment import Experiment
from suite.recipe.registry import Registry
from suite.recipe.registry import load as load_registry
from suite.runs.worker import local_processes

if TYPE_CHECKING:
    from suite.tracking.store import Store


COMPILING = "The kernels are being compiled: once on this machine, about 20 s of processor time."
Named = str | Experiment  # a name, or the experiment itself


@dataclass
class Session:
    """Everything that the calls of one user need: home, experiments, executor, screen.

    `workers` is the number of runs at once, and `data_dir` a folder with data files. `folders` are the user's own
    folders of experiments; the worker processes read them too.
    """

    home: Home
    registry: Registry
    executor: Executor
    screen: Screen
    workers: int
    data_dir: Path | None = None
    folders: tuple[Path, ...] = ()
    history: Path | None = None  # another file of verdicts than the home's, or SUITE_HISTORY's
    cluster: "Cluster | None" = None  # what trains instead of this machine
    without: dict[str, SuiteError] = field(default_factory=dict)  # the data sets that cannot be fetched
    _data: dict[str, Path] = field(default_factory=dict)
    _skipped: set[str] = field(default_factory=set)  # the experiments that a warning has named
    _store: "Store | None" = None

    @classmethod
    def open(
        cls,
        screen: Screen | None = None,
        *,
        experiments: Iterable[Path] = (),
        data_dir: Path | None = None,
        workers: int | None = None,
        progress: bool | None = None,
        engine: str = "local",
        address: str | None = None,
        allow_unauthenticated: bool = False,
        slurm_options: Sequence[str] = (),
        cores_per_run: int | None = None,
        memory: int | str | None = None,
        gpus: float | None = None,
        history: Path | None = None,
    ) -> "Session":
        """A session on this machine's home (SUITE_HOME, the checkout, or the current folder).

        `experiments` are folders of experiments, in addition to the suite's own. `progress` shows what is trained: in
        the cell of a notebook, else as lines on stderr; by default only in a notebook. With the `engine` "ray" runs
        are trained on a Ray cluster: the one at `address`, or one of this machine (docs/cluster.md). With "slurm" they
        are trained by tasks of Slurm; its options are those of sbatch, such as `["partition=gpu"]` (docs/slurm.md).
        `cores_per_run`, `memory` (bytes, or a text such as "2G") and `gpus` (0.25 of one, or whole ones) are what each
        run gets of its machine there. `history` is the file that verdicts are added to and read from.
        Raises `SuiteError` (2) for a folder that does not exist, and for a history that is no file of verdicts.
        """
        folders = tuple(_resolved(folder) for folder in experiments)
        home, executor = Home.find(), local_processes(workers)
        registry = load_registry(folders, kept=home.experiments)
        screen = screen or _screen(progress)
        cluster = cluster_of(
            engine, home, screen, workers, address=address, unauthenticated=allow_unauthenticated,
            options=slurm_options, share=share_asked(cores_per_run, memory, gpus),
        )  # fmt: skip
        place = Path(history).expanduser() if history else None
        if place:
            verdicts.read(place)  # before hours of training, and before a line is added to a file of another kind
        return cls(home, registry, executor, screen, executor.workers, data_dir, folders, place, cluster)

    @property
    def scratch(self) -> Path | None:
        """The folder for temporary runs, which all machines must reach that train; None for the usual one."""
        return self.cluster.scratch if self.cluster else None

    @property
    def trainer(self) -> Executor:
        """What trains runs: the cluster, or this machine, which also answers all questions (`executor`)."""
        return self.cluster or self.executor

    def chosen(self, names: Sequence[Named], changes: Mapping[str, Any] | None = None) -> list[Experiment]:
        """The named experiments (`all` for every one) with these recipe fields changed; raises `SuiteError` (2).

        An experiment instead of a name stands for itself.
        """
        given = ["all"] if "all" in names else names
        found = [
            item for one in given for item in ([one] if isinstance(one, Experiment) else self.registry.choose([one]))
        ]
        different = {(one.name, one.path, one.title): one for one in found}
        return [_changed(experiment, changes or {}) for experiment in different.values()]

    def one(self, name: Named, verb: str, changes: Mapping[str, Any] | None = None) -> Experiment:
        """The named experiment, for a verb that takes a single one; raises `SuiteError` (2)."""
        if name == "all":
            raise SuiteError(f"{verb} takes one experiment, got 'all'.", "See python -m suite list.")
        return self.chosen([name], changes)[0]

    def data(self, name: str) -> Path:
        """The folder of a data set. It is downloaded if it is missing. Every byte is checked, once in a session."""
        from suite.data import ensure

        if name not in self._data:
            self._data[name] = ensure(name, folder=self.data_dir, say=self.screen.warn)
        return self._data[name]

    def store(self, asks: Callable[[], None] = lambda: None) -> "Store":
        """MLflow's store, opened and checked once in a session; raises `SuiteError` or `TrackerAway`.

        `asks` is called before the first request to a server.
        """
        from suite.tracking.store import open_store

        if self._store is None:
            self._store = open_store(self.home, asks)
        return self._store

    def prepare(self, experiments: Sequence[Experiment]) -> list[Experiment]:
        """Prepare a training: check the home, start the processes that load torch, and check the data meanwhile.

        Returns those of the experiments that have data, as `with_data` says.
        """
        self.warm_up()
        say_so = not self.cluster and self.compiles
        found = self.with_data(experiments)
        if say_so:
            self.screen.say(COMPILING)
        return found

    def warm_up(self) -> None:
        """Check the home, and let the processes that train load torch in the background; raises `SuiteError` (3)."""
        self.home.require_writable()
        try:
            self.trainer.warm_up()
        except OSError as error:
            raise machine_error(error, error.filename or "the worker processes") from error

    @property
    def compiles(self) -> bool:
        """Whether a process that uses the kernels has to compile them first."""
        return not compiled.are_ready() and os.environ.get("SUITE_KERNELS") != "torch"

    def fetch(self, experiments: Iterable[Experiment]) -> None:
        """Download and check the experiments' data."""
        for name in sorted({one.recipe.data for one in experiments}):
            self.data(name)

    def with_data(self, experiments: Sequence[Experiment]) -> list[Experiment]:
        """Those of the experiments whose data set is here or can be fetched; each other is named once, in a warning.

        `code` is 3 from then on if any is left out. Raises `SuiteError`: 3 if all are, 2 for a damaged file.
        """
        for name in sorted({one.recipe.data for one in experiments} - self.without.keys()):
            try:
                self.data(name)
            except SuiteError as error:
                if error.code != MACHINE:  # a mistake of the user
                    raise
                self.without[name] = error
        kept = [one for one in experiments if one.recipe.data not in self.without]
        if experiments and not kept:
            raise self.without[experiments[0].recipe.data]
        for name, reason in self.without.items():
            left = dict.fromkeys(one.name for one in experiments if one.recipe.data == name)
            if new := [one for one in left if one not in self._skipped]:
                self.screen.warn(f"{', '.join(new)}: skipped. {reason}")
            self._skipped |= left.keys()
        return kept

    @property
    def code(self) -> int:
        """The exit code of a command that left out nothing (0), or experiments without data (3)."""
        return MACHINE if self.without else 0

    def with_reference(
        self, experiments: Sequence[Experiment], known: Container[str], path: Path | str
    ) -> list[Experiment]:
        """Those of all experiments that a file of references knows by their titles; the others are named."""
        if left := [one.title for one in experiments if one.title not in known]:
            self.screen.warn(f"{', '.join(left)}: not judged, because {path} has no entry. --update measures one.")
        return [one for one in experiments if one.title in known]


def _screen(progress: bool | None) -> Screen:
    """What shows the progress of a call from Python."""
    here = notebook.is_here()
    if progress is False or (progress is None and not here):
        return Silent()
    return notebook.Notebook() if here else Stream()


def _resolved(folder: Path) -> Path:
    try:
        return Path(folder).expanduser().resolve()
    except (RuntimeError, ValueError) as error:  # an unknown user's home, a name that no file can have
        raise SuiteError(
            f"--experiments: {str(folder)!r:.80} is no folder: {error}.", "Give the path of one."
        ) from error


def _changed(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    try:
        return experiment.changed(changes)
    except SuiteError as error:
        raise SuiteError(f"{experiment.name}: {error}") from error
