"""A data set in colour from the user's own data file, and a residual network with its own functions and arguments."""

from pathlib import Path

from suite.data import ensure
from suite.data.own.reading import _note, resolve
from suite.data.own.request import Request
from suite.recipe import registry
from tests.own_functions import AUGMENT, LOSS, OPTIMIZER, SCHEDULE, SCORE, text

TINTS = '''"""Pieces of 12 × 12 pixels of two photographs in colour: which one are they from?"""

import numpy as np
from sklearn.datasets import load_sample_images


def load():
    pieces = []
    for photograph in load_sample_images().images:
        rows, columns = photograph.shape[0] // 12, photograph.shape[1] // 12
        cut = photograph[: rows * 12, : columns * 12].reshape(rows, 12, columns, 12, 3)
        pieces.append(cut.transpose(0, 2, 4, 1, 3).reshape(-1, 3, 12, 12)[::5][:360])
    images, labels = np.stack(pieces, axis=1).reshape(-1, 3, 12, 12), np.arange(720) % 2
    return {
        "train_images": images[:600], "train_labels": labels[:600],
        "test_images": images[600:], "test_labels": labels[600:], "classes": ["china", "flower"],
    }
'''
NETWORK = """
def network(shape, classes, width=8, dropout=0.2):
    from torch import nn

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.path = nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width),
            )

        def forward(self, images):
            return functional.relu(images + self.path(images))

    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, stride=2), Residual(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(dropout), nn.Linear(width, classes),
    )


"""
SCORE_OF_TWO = SCORE.replace("k=3", "k=1")
OF_DIGITS = "\ndef network(width=8):\n    return"


def colour(*parts: str, network: str = NETWORK, **fields: object) -> str:
    """The text of the experiment file. Without `parts` it has all functions that a file can have."""
    if not parts:
        parts = (LOSS, OPTIMIZER, SCHEDULE, AUGMENT, SCORE_OF_TWO)
        fields = {"augment": "flip,own", "average": 0.9, "holdout": 0.3, "keep": "best", **fields}
    whole = text(*parts, **fields)
    head, found, rest = whole.partition(OF_DIGITS)
    assert found
    head = head.replace('data="digits"', 'data="tints"').replace("epochs=2", "epochs=3")
    return head + network + rest.partition("\n\n\n")[2].lstrip()


def write_tints(folder: Path) -> Path:
    """Put the data file beside the experiments of a folder. Returns the folder of the data set in the user's cache."""
    (folder / "datasets").mkdir()
    (folder / "datasets" / "tints.py").write_text(TINTS)
    registry.load([folder])  # from now on its data sets are found by name
    return ensure(resolve("tints", say=lambda _: None))


def forget(folder: Path) -> None:
    """Delete the note that the cache has about the data file in this folder."""
    note = _note(Request("script", folder / "datasets" / "tints.py"))
    note.unlink(missing_ok=True)
    note.with_suffix(".lock").unlink(missing_ok=True)
