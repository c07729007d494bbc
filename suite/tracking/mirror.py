"""Copies run folders to MLflow. Every call may be repeated: nothing is stored twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from suite.disk import crash
from suite.disk.documents import Record, Result
from suite.disk.journal import Run, is_claimed
from suite.errors import machine_error
from suite.tracking.complete import complete_runs
from suite.tracking.facts import datasets, group_note, note, parameters, tags
from suite.tracking.metrics import curves, over_seeds
from suite.tracking.store import Store, answering, search
from suite.tracking.whose import BEGUN, HOME, began, begun, folder_name, is_of, key, newest_of_seeds, of_home

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

STATUS = {"finished": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "interrupted": "KILLED"}
NOTE = "mlflow.note.content"  # what MLflow shows as a run's description
AS_THEY_ARE = ("recipe.json", "source.patch", "weights.safetensors", "predictions.safetensors")
BATCH = 1_000  # metrics in one request: MLflow's limit
PATIENCE = 30.0  # seconds to wait for another process that sends the same run


class Mirror:
    """Copies run folders to one store; `answered` is called after each step of a copy."""

    def __init__(self, store: Store, answered: Callable[[], None] = lambda: None) -> None:
        self._store, self._answered = store, answered
        self._ids: dict[str, str] = {}
        self._sent: dict[str, int] = {}
        self._described: set[str] = set()
        self._own = f"tags.`{HOME}` = '{store.home}'"

    def send(self, run: Run, result: Result | None, status: str = "running") -> str:
        """Copy what is missing of `run` in the store, and return the run's MLflow id.

        The caller gives the result, after its pictures were drawn: the run could end while it is being copied. `status`
        is only used without a result. Raises `TrackerAway`.
        """
        with answering(), _alone(run.folder):
            self._passed("mirror:begin")
            facts = run.recipe()
            status = result["status"] if result else status
            run_id = self._ids.get(key(run)) or self._find(run) or self._create(run, facts)
            self._ids[key(run)] = run_id
            self._describe(run, run_id, facts)
            self._send_epochs(run_id, run)
            self._passed("mirror:epochs")
            if result:
                self._send_result(run, run_id, facts, result)
            self._set_status(run_id, status, _ended(run) if result else None)
            self._passed("mirror:end")
            return run_id

    def complete(self) -> list["MlflowRun"]:
        """All runs of this home whose result is in the store. No other request takes longer when the record grows."""
        with answering():
            return of_home(complete_runs(self._store), self._store.home)

    def adopt(self, run: Run, run_id: str) -> None:
        """Note that a record of an older version, which has no home, is this home's, and its parent too."""
        from mlflow.entities import RunTag

        with answering():
            labels = {HOME: self._store.home, "mlflow.parentRunId": self._group(run, run.recipe())}
            self._store.client.log_batch(run_id, tags=[RunTag(name, value) for name, value in labels.items()])

    def end_dead(self, folders: Iterable[Path]) -> None:
        """End the runs in these folders that are RUNNING in the store although no process trains them.

        A run that did not finish is marked as killed.
        """
        by_name = {folder.name: folder for folder in folders}
        with answering():
            for found in search(self._store, f"attributes.status = 'RUNNING' and {self._own}"):
                folder = by_name.get(folder_name(found.data.tags.get("suite.run", "")))
                if folder and not is_claimed(folder):
                    status = found.data.tags.get("suite.status", "interrupted")  # a crash may come after the result
                    self._store.client.set_terminated(found.info.run_id, STATUS[status])

    def sum_up(self, complete: list["MlflowRun"] | None = None) -> None:
        """Update each parent run: mean and standard deviation of its seeds, and a note with these figures.

        `complete` is an earlier answer of `complete()`, if nothing was sent since then. Without it the store is asked.
        """
        from mlflow.entities import Metric, RunTag

        with answering():
            finished: dict[str, list[MlflowRun]] = {}  # by identity
            for run in self.complete() if complete is None else complete:
                if run.data.tags.get("suite.status") == "finished" and HOME in run.data.tags:
                    finished.setdefault(run.data.tags["suite.identity"], []).append(run)
            for parent in search(self._store, f"tags.`suite.kind` = 'group' and {self._own}"):
                identity = parent.data.tags["suite.identity"]
                seeds = newest_of_seeds(finished.get(identity, []))
                figures = over_seeds([run.data.metrics for run in seeds]) if seeds else {}
                # MLflow shows the value with the latest time, and bars only for metrics whose only step is 0. The time
                # is the newest seed's end plus the number of seeds: later than before, and equal when sent twice.
                at = len(seeds) + max((int(run.data.tags.get("suite.finished", 0)) for run in seeds), default=0)
                changed = [Metric(key, value, at, 0) for key, value in figures.items() - parent.data.metrics.items()]
                told = group_note(identity, figures) if figures else ""
                if changed or told != parent.data.tags.get(NOTE, ""):
                    self._store.client.log_batch(parent.info.run_id, metrics=changed, tags=[RunTag(NOTE, told)])

    def _find(self, run: Run) -> str | None:
        found = of_home(search(self._store, f"tags.`suite.run` = '{key(run)}'"), self._store.home)
        for one in found:
            if is_of(one, run.folder):
                run_id = str(one.info.run_id)
                if HOME not in one.data.tags:
                    self.adopt(run, run_id)
                if began(one) != begun(run.folder):
                    self._store.client.set_tag(run_id, BEGUN, str(begun(run.folder)))
                return run_id
        return None

    def _create(self, run: Run, facts: Record) -> str:
        labels = {**tags(run, facts), HOME: self._store.home}
        created = self._store.client.create_run(
            self._store.experiment_id,
            start_time=begun(run.folder),
            run_name=run.name,
            tags={**labels, "suite.run": key(run), "mlflow.parentRunId": self._group(run, facts)},
        )
        run_id = str(created.info.run_id)
        self._passed("mirror:created")
        return run_id

    def _describe(self, run: Run, run_id: str, facts: Record) -> None:
        """Send parameters and data sets, once in each process: a crash may have left the run without them."""
        if run_id not in self._described:
            self._send_parameters(run_id, {**parameters(run.experiment, facts["recipe"]), "seed": run.seed})
            self._store.client.log_inputs(run_id, datasets(facts["recipe"]))
            self._described.add(run_id)
            self._passed("mirror:described")

    def _group(self, run: Run, facts: Record) -> str:
        """The id of the parent run of all seeds of one recipe. It is created once, under the lock of its folder."""
        with _alone(run.folder.parent):
            client = self._store.client
            labels = {name: value for name, value in tags(run, facts).items() if name != "suite.seed"}
            labels |= {"suite.kind": "group", "suite.group": run.identity, HOME: self._store.home}
            found = of_home(search(self._store, f"tags.`suite.group` = '{run.identity}'"), self._store.home)
            found = found or [client.create_run(self._store.experiment_id, run_name=run.experiment, tags=labels)]
            group_id = str(found[0].info.run_id)
            if HOME not in found[0].data.tags:
                client.set_tag(group_id, HOME, self._store.home)
            self._passed("mirror:grouped")
            if found[0].info.status == "RUNNING":  # it is new, or a crash left it unfinished
                self._send_parameters(group_id, parameters(run.experiment, facts["recipe"]))
                client.log_inputs(group_id, datasets(facts["recipe"]))  # MLflow's table shows the parents first
                client.set_terminated(group_id, "FINISHED")
            return group_id

    def _send_epochs(self, run_id: str, run: Run) -> None:
        """Send all new epochs in few batches. If MLflow gets an equal value twice, it stores it once."""
        sent = self._sent.get(run_id, 0)
        history = run.history(skip=sent)
        metrics = [metric for record in history for metric in curves(record)]
        for start in range(0, len(metrics), BATCH):
            self._store.client.log_batch(run_id, metrics=metrics[start : start + BATCH])
        self._sent[run_id] = sent + len(history)

    def _send_result(self, run: Run, run_id: str, facts: Record, result: Result) -> None:
        from mlflow.entities import Metric, RunTag

        client = self._store.client
        at = _ended(run)
        figures = {**result["metrics"], **result["clock"]}
        figures |= {f"network/{key}": value for key, value in result.get("network", {}).items() if key != "layers"}
        client.log_batch(run_id, metrics=[Metric(key, value, at, 0) for key, value in figures.items()])
        for path in [*(run.folder / name for name in AS_THEY_ARE), *sorted(run.folder.glob("artifacts/[!.]*"))]:
            if path.is_file() and not path.is_symlink():
                client.log_artifact(run_id, str(path))
                self._passed("mirror:artifact")
        self._passed("mirror:sent")
        labels = {
            "suite.status": result["status"],
            "suite.weights_sha256": result.get("weights_sha256", ""),
            "suite.finished": str(at),
            NOTE: note(run, facts, result),
            "suite.complete": "true",  # the last tag: without it the run is copied again
        }
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in labels.items()])

    def _send_parameters(self, run_id: str, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        self._store.client.log_batch(run_id, params=[Param(key, str(value)) for key, value in values.items()])

    def _passed(self, step: str) -> None:
        crash.at(step)
        self._answered()

    def _set_status(self, run_id: str, status: str, ended: int | None) -> None:
        """Set the run's status in MLflow. A finished run ended when its result was written; other runs end now."""
        client = self._store.client
        if status in STATUS:
            client.set_terminated(run_id, STATUS[status], ended)
        elif client.get_run(run_id).info.status != "RUNNING":  # resumed after an interruption
            client.update_run(run_id, status="RUNNING")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock a folder, so that only this process sends it. Raises `SuiteError` (3) if the folder cannot be written."""
    lock = FileLock(folder / "tracking.lock", timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise
    except OSError as error:
        raise machine_error(error, error.filename or folder) from error
    try:
        yield
    finally:
        lock.release()


def _ended(run: Run) -> int:
    return int(run.folder.joinpath("result.json").stat().st_mtime * 1000)
