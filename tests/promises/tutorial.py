"""Time an experiment as its source does it: python -m tests.promises.tutorial NAME OVERRIDES SHARE.

Images come through a DataLoader, torch chooses the number of threads, and held-out and test images are evaluated as
often as in the source (during the training with the images in memory). All steps of a kind take about the same time,
so only a `SHARE` of each kind is done. Prints the seconds that all steps would take.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import torch

from suite.benching.loops import picture_loader, usual, usual_loss
from suite.data import ensure, load
from suite.engine.batches import Batch, normalised
from suite.engine.sets import published
from suite.recipe import registry


def main(name: str, overrides: str, share: str) -> None:
    """Do a share of all steps and print the seconds that all of them would take."""
    experiment = registry.load().experiments[name].changed(json.loads(overrides))
    recipe = experiment.recipe
    sets = published(recipe, load(recipe.data, ensure(recipe.data)))
    model, optimizer = usual(experiment)

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        usual_loss(recipe, model(batch[0]), batch[1]).backward()
        optimizer.step()

    @torch.no_grad()
    def look(batch: Batch) -> None:
        (model(batch[0]).argmax(1) == batch[1]).sum().item()

    def timed(do: Callable[[Batch], None], batches: Iterable[Batch], number: int) -> float:
        """The seconds for so many batches, estimated from a share of them."""
        some = max(1, round(number * float(share)))
        begun = time.perf_counter()
        for batch in islice(_again_and_again(batches), some):
            do(batch)
        return (time.perf_counter() - begun) * number / some

    steps = math.ceil(len(sets.training.labels) / recipe.batch_size) * recipe.epochs
    seconds = timed(step, picture_loader(recipe, sets.training, shuffle=recipe.shuffle), steps)
    if recipe.probe_every and sets.probes:
        probes = normalised(sets.probes.images, recipe), sets.probes.labels
        seconds += timed(look, [probes], steps // recipe.probe_every)
    for held_out, times in ((sets.validation, recipe.epochs), (sets.test, 1)):
        if held_out:
            batches = math.ceil(len(held_out.labels) / recipe.batch_size)
            seconds += timed(look, picture_loader(recipe, held_out, shuffle=False), batches * times)
    print(seconds)


def _again_and_again(batches: Iterable[Batch]) -> Iterator[Batch]:
    while True:
        yield from batches


if __name__ == "__main__":
    main(*sys.argv[1:])
