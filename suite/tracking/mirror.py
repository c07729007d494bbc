"""From run folders to MLflow, and again without doubling anything: every call may be repeated."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from suite.disk import crash
from suite.disk.documents import Record, Result
from suite.disk.journal import Run, is_claimed
from suite.errors import machine_error
from suite.tracking.facts import datasets, group_note, note, parameters, tags
from suite.tracking.metrics import curves, over_seeds
from suite.tracking.store import Store, answering

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

STATUS = {"finished": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "interrupted": "KILLED"}
NOTE = "mlflow.note.content"  # what MLflow shows as a run's description
AS_THEY_ARE = ("recipe.json", "source.patch", "weights.safetensors", "predictions.safetensors")


BATCH = 1_000  # metrics: MLflow's limit
PATIENCE = 30.0  # seconds for another process that sends the same run


class Mirror:
    """Copies run folders to one store; `answered` is called whenever the store has taken something."""

    def __init__(self, store: Store, answered: Callable[[], None] = lambda: None) -> None:
        self._store, self._answered = store, answered
        self._ids: dict[str, str] = {}
        self._sent: dict[str, int] = {}
        self._described: set[str] = set()

    def send(self, run: Run, result: Result | None, status: str = "running") -> str:
        """Copy what the store does not have of `run` yet and return MLflow's id of it.

        The result is the caller's to give, once the pictures of it are drawn: the run may end at any moment.
        `status` counts only for a run without one. Raises `TrackerAway`.
        """
        with answering(), _alone(run.folder):
            self._passed("mirror:begin")
            facts = run.recipe()
            status = result["status"] if result else status
            run_id = self._ids.get(_key(run)) or self._find(run) or self._create(run, facts)
            self._ids[_key(run)] = run_id
            self._describe(run, run_id, facts)
            self._send_epochs(run_id, run)
            self._passed("mirror:epochs")
            if result:
                self._send_result(run, run_id, facts, result)
            self._set_status(run_id, status, _ended(run) if result else None)
            self._passed("mirror:end")
            return run_id

    def complete(self) -> list["MlflowRun"]:
        """All runs whose result the store has: the one question that grows with the record."""
        with answering():
            return search(self._store, "tags.`suite.complete` = 'true'")

    def end_dead(self, folders: Iterable[Path]) -> None:
        """End the runs in these folders that the store believes running and no living process claims.

        A run that did not finish is marked as killed.
        """
        by_name = {folder.name: folder for folder in folders}
        with answering():
            for found in search(self._store, "attributes.status = 'RUNNING'"):
                folder = by_name.get(folder_name(found.data.tags.get("suite.run", "")))
                if folder and not is_claimed(folder):
                    status = found.data.tags.get("suite.status", "interrupted")  # a crash may come after the result
                    self._store.client.set_terminated(found.info.run_id, STATUS[status])

    def sum_up(self, complete: list["MlflowRun"] | None = None) -> None:
        """Give each parent run the mean and the spread of its seeds, where they changed, and a note of them.

        `complete` are the runs that `complete()` gave, where nothing was sent since; without them the store is asked.
        """
        from mlflow.entities import Metric, RunTag

        with answering():
            ended = self.complete() if complete is None else complete
            runs = [run for run in ended if run.data.tags.get("suite.status") == "finished"]
            for parent in search(self._store, "tags.`suite.kind` = 'group'"):
                identity = parent.data.tags["suite.identity"]
                seeds = [run for run in runs if run.data.tags["suite.identity"] == identity]
                figures = over_seeds([run.data.metrics for run in seeds]) if seeds else {}
                # MLflow shows the value of the latest time, and bars only for what has no step but 0. A time of the
                # seeds', later by each of them: sent twice, or by two processes, it is one value still.
                at = len(seeds) + max((int(run.data.tags.get("suite.finished", 0)) for run in seeds), default=0)
                changed = [Metric(key, value, at, 0) for key, value in figures.items() - parent.data.metrics.items()]
                told = group_note(identity, figures) if figures else ""
                if changed or told != parent.data.tags.get(NOTE, ""):
                    self._store.client.log_batch(parent.info.run_id, metrics=changed, tags=[RunTag(NOTE, told)])

    def _find(self, run: Run) -> str | None:
        found = search(self._store, f"tags.`suite.run` = '{_key(run)}'")
        return found[0].info.run_id if found else None

    def _create(self, run: Run, facts: Record) -> str:
        client = self._store.client
        begun = int(run.folder.joinpath("recipe.json").stat().st_mtime * 1000)
        created = client.create_run(
            self._store.experiment_id,
            start_time=begun,
            run_name=run.name,
            tags={**tags(run, facts), "suite.run": _key(run), "mlflow.parentRunId": self._group(run, facts)},
        )
        run_id = str(created.info.run_id)
        self._passed("mirror:created")
        return run_id

    def _describe(self, run: Run, run_id: str, facts: Record) -> None:
        """Parameters and data, once in a process: a crash may have come between the run and its description."""
        if run_id not in self._described:
            self._send_parameters(run_id, {**parameters(run.experiment, facts["recipe"]), "seed": run.seed})
            self._store.client.log_inputs(run_id, datasets(facts["recipe"]))
            self._described.add(run_id)
            self._passed("mirror:described")

    def _group(self, run: Run, facts: Record) -> str:
        """The parent of all seeds of one recipe; made once, under the lock of its folder."""
        with _alone(run.folder.parent):
            client = self._store.client
            labels = {key: value for key, value in tags(run, facts).items() if key != "suite.seed"}
            labels |= {"suite.kind": "group", "suite.group": run.identity}
            found = search(self._store, f"tags.`suite.group` = '{run.identity}'")
            found = found or [client.create_run(self._store.experiment_id, run_name=run.experiment, tags=labels)]
            group_id = str(found[0].info.run_id)
            self._passed("mirror:grouped")
            if found[0].info.status == "RUNNING":  # new, or a crash left it so
                self._send_parameters(group_id, parameters(run.experiment, facts["recipe"]))
                client.log_inputs(group_id, datasets(facts["recipe"]))  # MLflow's table shows parents, and seeds folded
                client.set_terminated(group_id, "FINISHED")
            return group_id

    def _send_epochs(self, run_id: str, run: Run) -> None:
        """All epochs that were not sent, in few batches; equal values sent again are one value to MLflow."""
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
            "suite.complete": "true",  # last: until it stands the copy is made again
        }
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in labels.items()])

    def _send_parameters(self, run_id: str, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        self._store.client.log_batch(run_id, params=[Param(key, str(value)) for key, value in values.items()])

    def _passed(self, step: str) -> None:
        crash.at(step)
        self._answered()

    def _set_status(self, run_id: str, status: str, ended: int | None) -> None:
        """A finished run ended when its result was written, however late it is sent; others now."""
        client = self._store.client
        if status in STATUS:
            client.set_terminated(run_id, STATUS[status], ended)
        elif client.get_run(run_id).info.status != "RUNNING":  # resumed after an interruption
            client.update_run(run_id, status="RUNNING")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only process that sends what is in a folder of ours; `SuiteError` (3) where it may not be written."""
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


def search(store: Store, query: str, experiment: str = "") -> list["MlflowRun"]:
    """All runs of the suite that match, page by page; of MLflow's experiment of runs, or another one's id."""
    found: list[MlflowRun] = []
    token = None
    while True:
        page = store.client.search_runs([experiment or store.experiment_id], query, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def folder_name(key: str) -> str:
    """The name of the folder of the run that the store knows by this key; empty for no key of ours."""
    identity, _, seed = key.partition("-")
    return f"{identity[:16]}-{seed}" if seed else ""


def _key(run: Run) -> str:
    return f"{run.identity}-s{run.seed}"


def _ended(run: Run) -> int:
    return int(run.folder.joinpath("result.json").stat().st_mtime * 1000)
