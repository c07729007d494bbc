"""The time and memory of a report when the record grows: `python -m tests.reporting.many_runs`.

One small run is trained on the digits. All others are copies of its folder with other names, recipes and seeds, and
with their own predictions and figures. The suite's mirror sends them to a real MLflow store.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from suite.analysis.confusion import confusion
from suite.data import ensure, load
from suite.data.catalog import CATALOG
from suite.disk.documents import document, lines
from suite.disk.home import Home
from suite.disk.journal import RESULT_FILES, Run
from suite.runs import artifacts
from suite.tracking.mirror import Mirror
from suite.tracking.store import open_store
from tests.engine.conftest import small_experiment

EXPERIMENTS = 4


def trained(folder: Path) -> Run:
    """One run on the digits, with its pictures."""
    from suite.engine.train import train

    data, small = ensure("digits", say=lambda _: None), small_experiment()
    run = Run.under(folder, small.name, small.identity, 0)
    with run.claim():
        train(run, small, load("digits", data), lambda _: None)
    artifacts.make(run, lambda _: data)
    return run


def planned(home: Home, count: int, seeds: int) -> Iterator[tuple[Run, dict[str, float]]]:
    """`count` runs, each with the changes of its recipe: complete seed groups, spread over the experiments."""
    for number in range(count):
        group, seed = divmod(number, seeds)
        change, experiment = divmod(group, EXPERIMENTS)
        overrides = {"lr": change / 1000} if change else {}
        identity = sha256(f"{experiment} {change}".encode()).hexdigest()
        yield Run.under(home.runs, f"experiment_{experiment}", identity, seed), overrides


def copied(whole: Run, run: Run, overrides: dict[str, float]) -> dict[str, object]:
    """Fill the folder of a run with a copy of `whole`. A tenth of the predictions and all figures are random."""
    shutil.copytree(whole.folder, run.folder)
    names = {"experiment": run.experiment, "identity": run.identity, "seed": run.seed}
    result, draw = whole.result(), np.random.default_rng([run.seed, int(run.identity[:8], 16)])
    assert result is not None
    (run.folder / "recipe.json").write_bytes(document({**whole.recipe(), **names, "overrides": overrides}))
    history = [{**line, "train_loss": line["train_loss"] + draw.random() / 50} for line in whole.history()]
    (run.folder / "history.jsonl").write_bytes(lines(history))
    stored = load_file(run.folder / "predictions.safetensors")
    other = draw.random(len(stored["label"])) < 0.1
    stored["predicted"] = np.where(other, draw.integers(0, 10, len(other)), stored["predicted"]).astype(np.uint8)
    save_file(stored, run.folder / "predictions.safetensors")
    columns = tuple(artifacts.HISTORY)
    artifacts._write_csv(run.folder / "artifacts/history.csv", columns, [{**line, **line["clock"]} for line in history])
    matrix = confusion(stored["label"], stored["predicted"])
    artifacts._write_confusion(run.folder / "artifacts/confusion.csv", matrix, CATALOG["digits"].classes)
    accuracy = float((stored["predicted"] == stored["label"]).mean())
    result |= {**names, "metrics": {**result["metrics"], "test/accuracy": accuracy, "test/source_accuracy": accuracy}}
    result["files"] = {
        name: sha256((run.folder / name).read_bytes()).hexdigest()
        for name in RESULT_FILES if (run.folder / name).exists()
    }  # fmt: skip
    (run.folder / "result.json").write_bytes(document(result))
    return result


def grow(home: Home, whole: Run, count: int, seeds: int) -> None:
    """Send runs until MLflow has `count`."""
    mirror = Mirror(open_store(home))
    for run, overrides in planned(home, count, seeds):
        if not run.folder.exists():
            mirror.send(run, copied(whole, run, overrides))
    mirror.sum_up()


def measured(home: Home, *words: str) -> tuple[float, float]:
    """Processor seconds and peak MiB of `python -m suite report`, run as its own process."""
    environment = {**os.environ, "SUITE_HOME": str(home.root)}
    process = subprocess.Popen(
        [sys.executable, "-m", "suite", "report", *words], env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Print a line for each size: processor seconds without and with kept pictures, peak MiB, ratios to the first size.

    Processor seconds are used because they stay the same on a busy machine.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 300, 1_000], help="sizes of the record")
    parser.add_argument("--seeds", type=int, default=25, help="seeds of each recipe")
    parser.add_argument("--times", type=int, default=3, help="reports at each size")
    parser.add_argument("--folder", type=Path, help="a folder to keep the record in, or to find it in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(asked.folder or Path(scratch, "home"))
        whole, first = trained(Path(scratch, "whole")), None
        for count in sorted(asked.runs):
            grow(home, whole, count, asked.seeds)
            cold = measured(home)
            found = [measured(home) for _ in range(asked.times)]
            seconds, peak = statistics.median(one[0] for one in found), max(one[1] for one in [*found, cold])
            first = first or (cold[0], seconds, peak)
            print(json.dumps({
                "runs": count, "groups": -(-count // asked.seeds), "cold s": round(cold[0], 1), "s": round(seconds, 1),
                "range": [round(min(found)[0], 1), round(max(found)[0], 1)], "MiB": round(peak),
                "ratios": [round(now / then, 2) for now, then in zip((cold[0], seconds, peak), first, strict=True)],
            }), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
