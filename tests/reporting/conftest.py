"""Seed groups made by hand: known labels, known predictions, known figures."""

from collections.abc import Callable

import numpy as np
import pytest

from suite.analysis.confusion import confusion
from suite.data.catalog import CATALOG
from suite.tracking.groups import Group

LABELS = np.repeat(np.arange(10), [30, 30, 30, 30, 30, 30, 30, 29, 29, 29])
IDENTITY = "0123456789abcdef" * 4
SOURCE = {
    "title": "A tutorial", "parameters": 44_426, "accuracy": 0.8677, "accuracy_words": "",
    "history": {"0": [1.3207, 0.5002, 0.8333, 0.6904], "1": [0.5339, 0.7921, 0.516, 0.7925]},
    "confused": ["T-shirt/top", "Shirt", 154], "seconds": 298, "machine": "GeForce MX250", "remark": "As printed.",
}  # fmt: skip
LAYERS = [
    {"name": "0", "kind": "Flatten", "shape": "784", "parameters": 0, "macs": 0},
    {"name": "1", "kind": "Linear(784, 10)", "shape": "10", "parameters": 7850, "macs": 7840},
]


def predictions(seed: int) -> np.ndarray:
    """The predictions of one seed's run for `LABELS`."""
    draw = np.random.default_rng(seed)
    return np.where(draw.random(len(LABELS)) < 0.8, LABELS, draw.integers(0, 10, len(LABELS)))


def run(seed: int, *, keep: str = "best", experiment: str = "lenet", cpu: str = "A processor") -> dict[str, object]:
    """A finished run's row, as `finished_runs` gives it."""
    right = float((predictions(seed) == LABELS).mean())
    return {
        "run_id": f"{seed:032x}", "started": 1_000 + seed, "experiment": experiment, "identity": IDENTITY,
        "seed": seed, "status": "finished", "overrides": {}, "source": SOURCE, "weights_sha256": f"{seed + 10:064x}",
        "commit": "abcdef0123456789", "param.experiment": experiment, "param.data": "fashion-mnist",
        "param.lr": "0.001", "param.epochs": "2", "param.keep": keep, "param.probe_images": "100",
        "param.seed": str(seed), "param.log10_lr": "-3.0", "suite.env.cpu": cpu, "suite.env.cores": "2",
        "suite.env.torch": "2.9.0", "test/accuracy": right, "test/source_accuracy": right - 0.01,
        "test/images": float(len(LABELS)), "test/source_images": 200.0, "val/best_epoch": 1.0,
        "perf/train_images_per_second": 9_000.0 + 100 * seed, "perf/inference_images_per_second": 30_000.0 - seed,
        "perf/seconds_per_epoch": 5.0 + seed / 4, "perf/peak_memory_mib": 400.0 + seed,
        "perf/train_seconds": 10.0 + seed / 2, "network/parameters": 44_426.0, "network/macs": 281_640.0,
    }  # fmt: skip


def history(seed: int) -> list[dict[str, float]]:
    """The history of a seed: two epochs."""
    return [
        {"epoch": epoch, "train_loss": 1.2 - epoch / 2 + seed / 100, "train_accuracy": 0.5 + epoch / 4 - seed / 100,
         "val_loss": 1.1 - epoch / 2, "val_accuracy": 0.6 + epoch / 4}
        for epoch in (0, 1)
    ]  # fmt: skip


def group(*, seeds: int = 3, experiment: str = "lenet", cpu: str = "A processor", **fields: object) -> Group:
    """A group of several seeds of an experiment. Keywords are fields of `Group`."""
    numbers = range(seeds)
    whole = {
        "experiment": experiment,
        "identity": IDENTITY,
        "changes": "",
        "runs": tuple(run(seed, experiment=experiment, cpu=cpu) for seed in numbers),
        "diverged": (),
        "source": SOURCE,
        "histories": tuple(history(seed) for seed in numbers),
        "probes": tuple([] for _ in numbers),
        "layers": LAYERS,
        "classes": CATALOG["fashion-mnist"].classes,
        "confusion": np.mean([confusion(LABELS, predictions(seed)) for seed in numbers], axis=0),
        "samples": None,
    }
    return Group(**{**whole, **fields})


@pytest.fixture(scope="package")
def make_group() -> Callable[..., Group]:
    """Makes a group of several seeds of an experiment. Keywords are fields of `Group`."""
    return group
