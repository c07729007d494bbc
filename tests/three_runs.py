"""A home with three runs of three fates, of which `predict` and `gallery` are asked."""

from pathlib import Path

from tests.conftest import Workspace

BLOTS = """import numpy as np


def load():
    images = np.zeros((120, 3, 8, 8), np.uint8)
    labels = np.arange(120) % 2
    images[labels == 0, 0], images[labels == 1, 2] = 200, 200
    arrays = {"train_images": images, "train_labels": labels, "test_images": images[:20], "test_labels": labels[:20]}
    return {**arrays, "classes": ["red", "blue"]}
"""


def trained(top: Path, *, pen: str, wild: str, colour: str, **more: str) -> Workspace:
    """Train these experiments: `pen` on the digits, `wild`, which diverges, `colour` on two colours, and `more`."""
    for name in ("home", "own", "own/datasets"):
        (top / name).mkdir()
    for name, text in (("pen", pen), ("wild", wild), ("colour", colour), ("datasets/blots", BLOTS), *more.items()):
        (top / "own" / f"{name}.py").write_text(text)
    workspace = Workspace(
        top / "home", {"SUITE_EXPERIMENTS": str(top / "own"), "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    )
    answer = workspace.suite("run", "pen", "wild", "colour", *more, "--seeds", "1", "--no-report", "--json")
    statuses = {one["experiment"]: one["status"] for one in answer.json["runs"]}
    assert statuses == {
        "pen": "finished",
        "wild": "diverged",
        "colour": "finished",
        **dict.fromkeys(more, "finished"),
    }, answer.err
    return workspace
