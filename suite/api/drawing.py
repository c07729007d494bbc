"""The pictures that results show in a notebook, as PNGs. matplotlib is loaded only when one is shown."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from suite.disk.documents import Record
from suite.runs.plan import Planned
from suite.text import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from suite.analysis.comparison import Comparison

Picture = tuple[str, bytes]  # what it is, and the PNG


def of_runs(planned: Sequence[Planned], most: int) -> list[Picture]:
    """Learning curves and mean confusion of the first `most` recipes that have finished runs."""
    groups: dict[str, list[Planned]] = {}
    for item in planned:
        if item.status == "finished" and item.run.folder.is_dir():
            groups.setdefault(item.run.identity, []).append(item)
    return [picture for items in list(groups.values())[:most] for picture in _of_recipe(items)]


def _of_recipe(items: Sequence[Planned]) -> list[Picture]:
    import numpy as np

    from suite.analysis.confusion import confusion, spread
    from suite.data.catalog import data_set
    from suite.pictures import runs as pictures
    from suite.runs.artifacts import predictions

    one = items[0].experiment
    printed = one.recipe.source.history if one.recipe.source and not one.overrides else None
    classes = data_set(one.recipe.data).classes
    histories = [item.run.history() for item in items]
    answers = [predictions(item.run.folder) for item in items]
    mean, _ = spread(np.stack([confusion(labels, predicted, len(classes)) for predicted, _, labels in answers]))
    about = f"{one.title}, {plural(len(items), 'seed')}"
    return [
        (f"{about}: loss and accuracy by epoch", _png(lambda: pictures.curves(histories, printed))),
        (f"{about}: mean confusion on all test images", _png(lambda: pictures.confusion(mean, classes))),
    ]


def of_comparisons(found: "Sequence[Comparison]") -> list[Picture]:
    """Every difference with its interval."""
    from suite.pictures.comparisons import differences

    return [("Every difference with its interval", _png(lambda: differences(found)))]


def of_study(facts: Record) -> list[Picture]:
    """What the trials came to, in their order and by each field."""
    from suite.pictures.studies import CAPTIONS, study_pictures

    drawn = study_pictures(facts)
    return [(CAPTIONS[name], _png(partial(drawn.__getitem__, name))) for name in ("history", "slice") if name in drawn]


def _png(draw: "Callable[[], Figure]") -> bytes:
    from suite.pictures import canvas

    with canvas.own_style():
        return canvas.image(draw(), "png")
