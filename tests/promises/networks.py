"""Experiments on the digits whose network does one additional thing in each training step."""

from pathlib import Path
from typing import NamedTuple

from tests.promises.conftest import Event, last


class Kind(NamedTuple):
    """A network: one line of its file, one of `__init__`, and one of `forward` that sets `factor` for the images.

    `refused` is a part of the message that refuses the run. If it is empty, the run is trained.
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
    """Write the experiment files; returns their folder."""
    for kind in kinds:
        (folder / f"{kind.name}.py").write_text(TEXT.format(kind=kind))
    return folder


def reason(events: list[Event]) -> str:
    """The reason why a run failed; empty if it did not fail."""
    failed = last(events, "failed")
    return f"{failed['reason']} ({failed['code']})" if failed else ""
