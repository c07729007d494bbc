"""The verb that asks a trained network about one's own pictures."""

from argparse import Namespace
from typing import TYPE_CHECKING

from suite.api import predicting
from suite.cli.verbs.common import opened
from suite.predicting.listing import listed

if TYPE_CHECKING:
    from suite.predicting.worker import Prediction

REMARKS = 10


def predict(args: Namespace) -> int:
    """Give the class of your own pictures, with its probability, after making them look like the training images.

    Polarity, range and margins of each picture are measured, compared with the run's training images and corrected.
    The picture's own file is not changed.

    python -m suite predict cnn-s0 seven.png
    python -m suite predict cnn-s0 scans/ --picture seen.png
    python -m suite predict cnn-s0 seven.png --as-is --json
    """
    terminal, session = opened(args)
    if args.picture:
        predicting.require_drawable(args.picture, listed(args.pictures))
    found = predicting.predict(session, args.run, args.pictures, as_is=args.as_is)
    for error in found.refused:
        terminal.warn(str(error))
    if args.json:
        terminal.json(found.facts())
    else:
        for line in _remarks(found.predictions):
            terminal.say(line)
        if not found.compared:
            terminal.say("Polarity, range and margins were not compared: the training images are in colour, or have no "
                         "plain background.")  # fmt: skip
        terminal.table(*found.table())
    if args.picture:
        terminal.say(f"What the network saw: {predicting.draw(found, args.picture)}")
    return found.code


def _remarks(predictions: "list[Prediction]") -> list[str]:
    """A line for each picture that differs from the training images, for the first few."""
    lines = [
        f"{one.path.name}: {'; '.join(_words(what.words, what.what, what.corrected) for what in one.seen.differences)}."
        for one in predictions
        if one.seen.differences
    ]
    more = f"{len(lines) - REMARKS:,} more pictures differ from the training images; --json says how."
    return lines if len(lines) <= REMARKS else [*lines[:REMARKS], more]


def _words(words: str, what: str, corrected: bool) -> str:
    if what in ("size", "colour"):
        return words
    left = "squeezed" if what == "proportions" else "left"
    return f"{words} ({'corrected' if corrected else left})"
