"""The rows that MLflow must hold, computed from the run folders alone and compared row by row.

MLflow's SQLite file is read directly. `suite.tracking` is not used, because a fault there must not hide itself here.
"""

import json
import math
import sqlite3
import statistics
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Point = tuple[str, int, float]  # key, step, value
Json = dict[str, Any]

AFTER = {"finished": {"FINISHED"}, "diverged": {"FAILED"}, None: {"KILLED", "FAILED"}}  # None: it has no result yet
COPIED = ("recipe.json", "source.patch", "weights.safetensors", "predictions.safetensors")


Ask = Callable[[str], list[tuple[Any, ...]]]  # gives the rows of a query


def assert_mirror_is_exact(
    home: Path, database: Path | None = None, artifacts: Path | None = None, ask: Ask | None = None
) -> int:
    """Every run folder of a home is in MLflow's database: complete, exactly once, and ended. Nothing else is there.

    A shared database may also hold runs of other homes. `artifacts` is the folder of its artifacts. `ask` asks a
    database on a server. Returns the number of metric rows that were compared.
    """
    folders = sorted(path.parent for path in home.glob("mlruns/runs/*/*/recipe.json"))
    identities = {_read(folder / "recipe.json")["identity"] for folder in folders}
    own = home / "mlruns" / "mlflow.db"
    shared = (ask is not None or database not in (None, own)) and (home / "mlruns" / "origin").exists()
    origin = (home / "mlruns" / "origin").read_text().strip() if shared else None
    if ask is not None:
        record = _Record(ask, origin)
    else:
        with closing(sqlite3.connect(f"{(database or own).as_uri()}?mode=rw", uri=True, timeout=60)) as connection:
            [(integrity,)] = connection.execute("PRAGMA integrity_check").fetchall()[:1]
            assert integrity == "ok", integrity
            record = _Record(lambda query: connection.execute(query).fetchall(), origin)
    record.require_sound()
    faults = list(record.faults)
    for folder in folders:
        faults += _faults_of_run(record, folder, artifacts or home / "mlruns" / "artifacts")
    for identity in sorted(identities):
        faults += _faults_of_group(record, identity, folders)
    runs = {
        f"{_read(folder / 'recipe.json')['identity']}-s{_read(folder / 'recipe.json')['seed']}" for folder in folders
    }
    for run_id, tags in record.tags.items():
        if tags.get("suite.run") not in runs and tags.get("suite.group") not in identities:
            faults.append(f"MLflow holds a run {run_id} of no folder")
    assert not faults, f"{len(faults)} faults in the mirror of {home}:\n" + "\n".join(faults[:20])
    return sum(len(points) for points in record.points.values())


class _Record:
    """Those tables of MLflow that hold runs."""

    def __init__(self, ask: Ask, home: str | None) -> None:
        self.faults: list[str] = []
        rows = ask("SELECT run_uuid, status, lifecycle_stage, end_time FROM runs")
        tags: dict[str, dict[str, str]] = {run_id: {} for run_id, *_ in rows}
        for run_id, key, value in ask("SELECT run_uuid, key, value FROM tags"):
            tags[run_id][key] = value
        wanted = [row for row in rows if home is None or tags[row[0]].get("suite.home") == home]
        self.ids = {run_id for run_id, *_ in wanted}
        self.tags = {run_id: tags[run_id] for run_id in self.ids}
        self.status = {run_id: status for run_id, status, *_ in wanted}
        self.faults += [f"{run_id} is {stage}" for run_id, _, stage, _ in wanted if stage != "active"]
        self.faults += [f"{run_id} has no end" for run_id, *_, end in wanted if end is None]
        self.points: dict[str, list[Point]] = {run_id: [] for run_id in self.ids}
        self.latest: dict[str, list[Point]] = {run_id: [] for run_id in self.ids}
        for table, into in (("metrics", self.points), ("latest_metrics", self.latest)):
            for run_id, *point, nan in ask(f"SELECT run_uuid, key, step, value, is_nan FROM {table}"):
                if run_id in self.ids:
                    into[run_id].append((point[0], point[1], point[2]))
                    if nan or abs(point[2]) > 1e300:  # MLflow stores an infinity as 1.797e308, and a NaN as 0
                        self.faults.append(f"{table}: {point} of {run_id} is no number")
        self.params: dict[str, dict[str, str]] = {run_id: {} for run_id in self.ids}
        for run_id, key, value in ask("SELECT run_uuid, key, value FROM params"):
            if run_id in self.ids:
                self.params[run_id][key] = value
        inputs = "SELECT destination_id FROM inputs WHERE destination_type = 'RUN' AND source_type = 'DATASET'"
        self.inputs = Counter(run_id for (run_id,) in ask(inputs))

    def require_sound(self) -> None:
        self.faults += [f"{run_id} is RUNNING" for run_id, status in self.status.items() if status == "RUNNING"]

    def having(self, tag: str, value: str) -> list[str]:
        return [run_id for run_id, tags in self.tags.items() if tags.get(tag) == value]


def _faults_of_run(record: _Record, folder: Path, artifacts: Path) -> list[str]:
    facts, result = _read(folder / "recipe.json"), _read(folder / "result.json")
    key = f"{facts['identity']}-s{facts['seed']}"
    found = record.having("suite.run", key)
    if len(found) != 1:
        return [f"{folder}: MLflow holds it {len(found)} times"]
    [run_id] = found
    tags, name = record.tags[run_id], f"{facts['experiment']}-s{facts['seed']}"
    labels = {
        "mlflow.runName": name,
        "suite.kind": "run",
        "suite.experiment": facts["experiment"],
        "suite.identity": facts["identity"],
        "suite.seed": str(facts["seed"]),
    }
    if result:
        weights = result.get("weights_sha256", "")
        labels |= {"suite.complete": "true", "suite.status": result["status"], "suite.weights_sha256": weights}
    faults = [f"{name}: tag {tag} is {tags.get(tag)!r}" for tag, value in labels.items() if tags.get(tag) != value]
    if not result and "suite.complete" in tags:
        faults.append(f"{name}: called complete without a result")
    if [tags.get("mlflow.parentRunId")] != record.having("suite.group", facts["identity"]):
        faults.append(f"{name}: its parent is {tags.get('mlflow.parentRunId')}")
    if record.status[run_id] not in AFTER[result.get("status")]:
        faults.append(f"{name}: MLflow says {record.status[run_id]}")
    if record.inputs[run_id] != 2:
        faults.append(f"{name}: {record.inputs[run_id]} inputs")
    faults += _differences(name, _points(folder, result), record.points[run_id], record.latest[run_id])
    faults += _unequal(name, {**_parameters(facts), "seed": str(facts["seed"])}, record.params[run_id])
    if result:
        faults += _faults_of_artifacts(name, folder, artifacts / run_id / "artifacts")
    return faults


def _faults_of_group(record: _Record, identity: str, folders: list[Path]) -> list[str]:
    found = record.having("suite.group", identity)
    if len(found) != 1:
        return [f"MLflow holds the parent of {identity} {len(found)} times"]
    [run_id] = found
    mine = [folder for folder in folders if _read(folder / "recipe.json")["identity"] == identity]
    results = [_read(folder / "result.json") for folder in mine]
    seeds = [{**one["metrics"], **one["clock"]} for one in results if one.get("status") == "finished"]
    expected = [("seeds/n", float(len(seeds)))] if seeds else []
    for key in seeds[0] if seeds else ():
        if key.startswith(("test/", "perf/")):
            values = [float(seed[key]) for seed in seeds]
            expected += [(key, statistics.mean(values))]
            expected += [(f"{key}_sd", statistics.stdev(values))] if len(values) > 1 else []
    held = {key: value for key, _, value in record.latest[run_id]}
    # Mean and spread are computed, and so rounded. They are the only numbers that are not compared to the last bit.
    same = held.keys() == dict(expected).keys() and all(math.isclose(held[key], value, rel_tol=1e-12, abs_tol=1e-12)
                                                        for key, value in expected)  # fmt: skip
    name = f"the parent of {identity[:12]}"
    faults = [] if same else [f"{name} holds {held}, not {dict(expected)}"]
    faults += [] if record.inputs[run_id] == 2 else [f"{name}: {record.inputs[run_id]} inputs"]
    told = f"over {len(seeds)} seed" in record.tags[run_id].get("mlflow.note.content", "")
    faults += [] if told or not seeds else [f"{name}: its note is of other seeds"]
    # The mean changes with each new seed, and MLflow keeps all its values: each must be there once and have no step.
    faults += [f"{name}: {point} {n} times" for point, n in Counter(record.points[run_id]).items() if n > 1]
    faults += [f"{name}: {point} is no figure" for point in record.points[run_id] if point[1] != 0]
    faults += _unequal(name, _parameters(_read(mine[0] / "recipe.json")), record.params[run_id])
    return faults + ([f"{name} is {record.status[run_id]}"] if record.status[run_id] != "FINISHED" else [])


def _points(folder: Path, result: Json) -> list[Point]:
    """Every number in the folder of a run, with the key and the step that it must have in MLflow."""
    points: list[Point] = []
    history = folder / "history.jsonl"
    for line in history.read_text().split("\n")[:-1] if history.exists() else ():
        epoch = json.loads(line)
        for key in ("train_loss", "train_accuracy", "val_loss", "val_accuracy"):
            if epoch[key] is not None:
                points.append((key.replace("_", "/", 1), epoch["epoch"], epoch[key]))
        points.append(("epoch/test_accuracy", epoch["epoch"], epoch["test_accuracy"]))
        for probe in epoch["probes"]:
            points += [(f"probe/{key}", probe["step"], probe[key]) for key in ("test_accuracy", "batch_loss")]
    final = {**result.get("metrics", {}), **result.get("clock", {})}
    final |= {f"network/{key}": value for key, value in result.get("network", {}).items() if key != "layers"}
    return points + [(key, 0, value) for key, value in final.items()]


def _differences(name: str, expected: list[Point], held: list[Point], latest: list[Point]) -> list[str]:
    wanted, found = Counter(expected), Counter(held)
    last = {}
    for point in sorted(expected, key=lambda point: point[1]):
        last[point[0]] = point
    return [
        *(f"{name}: {point} is missing" for point in wanted - found),
        *(f"{name}: {point} is too much" for point in found - wanted),
        *(f"{name}: {step} {n} times" for step, n in _steps(held).items() if n > 1),
        *([] if Counter(last.values()) == Counter(latest) else [f"{name}: the latest values are not the last ones"]),
    ]


def _steps(points: list[Point]) -> "Counter[tuple[str, int]]":
    return Counter((key, step) for key, step, _ in points)


def _parameters(facts: Json) -> dict[str, str]:
    recipe = facts["recipe"]
    flat = {key: json.dumps(value) if isinstance(value, list) else str(value) for key, value in recipe.items()}
    return {"experiment": facts["experiment"], **flat, "log10_lr": str(round(math.log10(recipe["lr"]), 6))}


def _unequal(name: str, expected: dict[str, str], held: dict[str, str]) -> list[str]:
    keys = sorted(expected.keys() | held.keys())
    return [f"{name}: {key} is {held.get(key)!r}" for key in keys if held.get(key) != expected.get(key)]


def _faults_of_artifacts(name: str, folder: Path, kept: Path) -> list[str]:
    ours = [path for path in (*(folder / one for one in COPIED), *folder.glob("artifacts/*")) if path.exists()]
    expected = {path.name: path.read_bytes() for path in ours}
    held = {path.name: path.read_bytes() for path in kept.glob("*")}
    names = sorted(expected.keys() | held.keys())
    return [f"{name}: artifact {one} differs" for one in names if expected.get(one) != held.get(one)]


def _read(path: Path) -> Json:
    return json.loads(path.read_bytes()) if path.exists() else {}
