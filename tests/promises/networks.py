"""Experiments on the digits whose network does one more thing in each step of its training."""

from pathlib import Path
from typing import NamedTuple

from tests.promises.conftest import Event, last


class Kind(NamedTuple):
    """A network: a line of its file, of its `__init__` and of its `forward`, which makes `factor` for the images.

    `refused` is a part of the reason for which the run is refused; empty: it is trained.
    """

    name: str
    forward: str
    init: str = "pass"
    file: str = ""
    refused: str = ""
    only: str = "self.training"


TEXT = '''"""A linear layer whose images are scaled in training."""

import collections
import os
import random
import time
import uuid

import numpy as np

from suite.recipe import Recipe

recipe = Recipe(
    data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, momentum=0.9, batch_size=100, epochs=4,
)
{kind.file}


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(784, 10)
            {kind.init}

        def forward(self, images):
            factor = 1
            if {kind.only}:
                {kind.forward}
            return self.last(images.flatten(1) * factor)

    return Net()
'''


def write(folder: Path, kinds: tuple[Kind, ...]) -> Path:
    """Write the experiments' files; returns the folder."""
    for kind in kinds:
        (folder / f"{kind.name}.py").write_text(TEXT.format(kind=kind))
    return folder


def reason(events: list[Event]) -> str:
    """Why a run failed; empty if it did not."""
    failed = last(events, "failed")
    return f"{failed['reason']} ({failed['code']})" if failed else ""
