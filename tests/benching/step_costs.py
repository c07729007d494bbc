"""What each part of a recipe costs in a training step, measured in pairs: `python -m tests.benching.step_costs`.

`cnn` on images of CIFAR-10's shape. Each part is a side beside the plain step, in its own process; the blocks of all
sides alternate (docs/benching.md). Nothing is downloaded: the images are random. With `--portable` the rows are the
experiments on their own data, and the part is `portable`.
"""

import argparse
import re
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from suite.analysis.ratios import ratio
from suite.benching import session, sides
from suite.data import ensure
from suite.data.freezing import Facts, freeze, in_blocks
from suite.data.frozen import folder_of
from suite.recipe.registry import OURS, load

PARTS: dict[str, dict[str, Any]] = {
    "crop": {"augment": "crop4"},
    "flip": {"augment": "flip"},
    "crop and flip": {"augment": "crop4,flip"},
    "rotation": {"augment": "rotate15"},
    "erasing": {"augment": "erase8"},
    "all four": {"augment": "crop4,flip,rotate15,erase8"},
    "label_smoothing": {"label_smoothing": 0.1},
    "clip_norm": {"clip_norm": 1.0},
    "average": {"average": 0.99},
    "own loss": {"loss": "own"},
    "own optimizer": {"optimizer": "own"},
    "own augment": {"augment": "own"},
}
OWN = {
    "loss": """
def loss(scores, labels):
    from torch.nn import functional

    return functional.cross_entropy(scores, labels)
""",
    "optimizer": """
def optimizer(parameters, lr):
    import torch

    return torch.optim.Adam(parameters, lr)
""",
    "augment": """
def augment(images, generator):
    import torch

    chosen = torch.randint(2, (len(images),), generator=generator).bool()
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)
""",
}


@dataclass(frozen=True)
class Part(sides.Side):
    """A side with overrides of its own."""

    overrides: dict[str, Any] = field(default_factory=dict)


class Plain(sides.Workload):
    """A workload whose sides differ in their overrides."""

    def words(self, side: sides.Side) -> str:
        """The side's job."""
        assert isinstance(side, Part)
        return sides.Workload.words(replace(self, overrides=side.overrides, portable=bool(side.overrides)), side)


class Job(sides.Workload):
    """A workload whose sides differ in their overrides, and in the file that has a function of one's own."""

    def words(self, side: sides.Side) -> str:
        """The side's job."""
        assert isinstance(side, Part)
        own = next((name for name, value in side.overrides.items() if value == "own"), "plain")
        overrides = {name: value for name, value in side.overrides.items() if value != "own"}
        mine = replace(self, experiment=f"costs_{own}", data=folder_of(side.overrides["data"]), overrides=overrides)
        return sides.Workload.words(mine, side)


def data(channels: int) -> str:
    """Freeze 10,000 random images (channels, 32, 32) of ten classes, and return their name."""
    random, labels = np.random.default_rng(0), np.arange(10_000) % 10
    images = random.integers(0, 256, (10_000, channels, 32, 32), np.uint8)
    folder_of("").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder_of("")) as given:
        facts = Facts("random", tuple("0123456789"), (channels, 32, 32))
        made = freeze(facts, in_blocks(images, labels), in_blocks(images[:10], labels[:10]), Path(given))
        if not (place := folder_of(made.name)).exists():
            Path(given).rename(place)
            Path(given).mkdir()
    return made.name


def main() -> None:
    """Measure and print the rows of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each part (10)")
    parser.add_argument("--batch-size", type=int, default=50, help="images in a step (50, as cnn has)")
    parser.add_argument("--portable", action="store_true", help="measure that of each experiment")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all")
    args = parser.parse_args()
    if args.portable:
        _portable(args.seconds)
        return
    grey, colour = data(1), data(3)
    with tempfile.TemporaryDirectory() as folder:
        text = (OURS / "cnn.py").read_text().replace("batch_size=50", f"batch_size={args.batch_size}")
        for own, function in {"plain": "", **OWN}.items():
            recipe = re.sub(rf' {own}="[^"]*",', "", text).replace("Recipe(\n", f'Recipe(\n    {own}="own",\n')
            Path(folder, f"costs_{own}.py").write_text(recipe + function if function else text)
        found = {name: change for name, change in PARTS.items() if name in (args.parts or PARTS)}
        plain = Part("plain", "suite", overrides={"data": colour})
        for name, change in found.items():
            _row(folder, name, plain, Part(name, "suite", overrides={"data": colour, **change}), args.seconds)
        if not args.parts:
            other = Part("grey", "suite", overrides={"data": grey})
            _row(folder, "3 channels for 1", other, plain, args.seconds)


def _portable(seconds: float) -> None:
    plain, part = Part("plain", "suite"), Part("portable", "suite", overrides={"portable": True})
    for name, experiment in load().experiments.items():
        _compare(name, Plain(name, ensure(experiment.recipe.data)), plain, part, seconds)


def _row(folder: str, label: str, plain: Part, part: Part, seconds: float) -> None:
    _compare(label, Job("costs_plain", Path(folder), {}, (Path(folder),)), plain, part, seconds)


def _compare(label: str, job: sides.Workload, plain: Part, part: Part, seconds: float) -> None:
    again = replace(plain, name="again")
    pair = (plain, again, part)
    seen = session.measure(job, pair, seconds, lambda _: None)
    one, same = (ratio(seen[side.name].times, seen[plain.name].times) for side in (part, again))
    print(f"| {label} | {one.words} | {same.words} | {one.rounds} × {one.cycles} |", flush=True)


if __name__ == "__main__":
    main()
