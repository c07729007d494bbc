"""The verb that looks inside a trained network."""

from argparse import Namespace

from suite.api import inspecting
from suite.cli.verbs.common import opened


def gallery(args: Namespace) -> int:
    """Draw what a trained network has inside: filters, activations, surest mistakes, features (PCA, t-SNE), graph.

    The pictures are PNG files in reports/gallery/RUN/, or in the folder that --to names.

    python -m suite gallery cnn-s0
    python -m suite gallery cnn-s0 --image 8 --to pictures/
    """
    terminal, session = opened(args)
    found = inspecting.gallery(session, args.run, image=args.image, to=args.to)
    if args.json:
        terminal.json("suite/gallery/1", found.facts())
        return 0
    for one in found.pictures:
        terminal.say(f"{one.path}: {one.says}")
    for remark in found.remarks:
        terminal.say(remark)
    return 0
