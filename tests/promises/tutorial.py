"""An experiment as its source has it, a program of its own: python -m tests.promises.tutorial NAME OVERRIDES SHARE.

Pictures through a DataLoader, torch's own number of threads, and the source's own looks at held-out and test images,
those on the way with the images in memory. Each kind of step is like the one before, so only a `SHARE` of each is
done. Prints the seconds that all of them take.
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
from suite.engine.batches import normalised
from suite.engine.sets import Labelled, published
from suite.recipe import registry


def main(name: str, overrides: str, share: str) -> None:
    """Do a share of all there is to do, and say how long the whole takes."""
    experiment = registry.load().experiments[name].changed(json.loads(overrides))
    recipe = experiment.recipe
    sets = published(recipe, load(recipe.data, ensure(recipe.data)))
    model, optimizer = usual(experiment)

    def step(batch: Labelled) -> None:
        optimizer.zero_grad()
        usual_loss(recipe, model(batch[0]), batch[1]).backward()
        optimizer.step()

    @torch.no_grad()
    def look(batch: Labelled) -> None:
        (model(batch[0]).argmax(1) == batch[1]).sum().item()

    def timed(do: Callable[[Labelled], None], batches: Iterable[Labelled], number: int) -> float:
        """The seconds that so many batches take, by doing a share of them."""
        some = max(1, round(number * float(share)))
        begun = time.perf_counter()
        for batch in islice(_again_and_again(batches), some):
            do(batch)
        return (time.perf_counter() - begun) * number / some

    steps = math.ceil(len(sets.training[1]) / recipe.batch_size) * recipe.epochs
    seconds = timed(step, picture_loader(recipe, sets.training, shuffle=recipe.shuffle), steps)
    if recipe.probe_every and sets.probes:
        probes = normalised(sets.probes[0], recipe), sets.probes[1]
        seconds += timed(look, [probes], steps // recipe.probe_every)
    for held_out, times in ((sets.validation, recipe.epochs), (sets.test, 1)):
        if held_out:
            batches = math.ceil(len(held_out[1]) / recipe.batch_size)
            seconds += timed(look, picture_loader(recipe, held_out, shuffle=False), batches * times)
    print(seconds)


def _again_and_again(batches: Iterable[Labelled]) -> Iterator[Labelled]:
    while True:
        yield from batches


if __name__ == "__main__":
    main(*sys.argv[1:])
