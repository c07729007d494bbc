"""The report's tables about classes: the pairs confused most, the figures of each class, the confusion matrices."""

from collections.abc import Sequence

import numpy as np

from suite.analysis.confusion import MOST_SQUARE, by_class, confused_pairs
from suite.analysis.intervals import Interval
from suite.reporting.table import Table
from suite.tracking.groups import Group

MOST_LISTED = 200  # confusions behind the chart of a large matrix
MOST_CLASSES = MOST_SQUARE  # of which the page shows every row, and the CSV every cell


def pairs(groups: Sequence[Group]) -> Table:
    """The pairs of classes with the most confusions: mean counts over the seeds, for both cells and their sum."""
    rows = []
    for one in groups:
        printed = one.source.get("confused") if one.as_published else None
        for pair in confused_pairs(one.confusion, one.classes):
            same = printed is not None and {pair.one, pair.other} == set(printed[:2])
            rows.append({
                "experiment": one.title, "identity": one.identity, "n": len(one.runs),
                "one class": pair.one, "other class": pair.other,
                "one as other": pair.one_as_other, "other as one": pair.other_as_one, "both": pair.total,
                "published": printed[2] if printed and same else None,
            })  # fmt: skip
    formats = {"experiment": "", "n": "d", "one class": "", "other class": "", "one as other": ".1f",
               "other as one": ".1f", "both": ".1f", "published": "d"}  # fmt: skip
    return Table("The pairs confused most", rows, formats)


def classes(groups: Sequence[Group]) -> Table:
    """Precision, recall and F1 of every class, from the mean confusion matrix over the seeds."""
    rows = [
        {"experiment": one.title, "identity": one.identity, "class": figures.name, "images": round(figures.images),
         "precision": figures.precision, "precision, 95 %": _range(figures.precision_interval),
         "recall": figures.recall, "recall, 95 %": _range(figures.recall_interval),
         "F1": figures.f1, "F1, 95 %": _range(figures.f1_interval)}
        for one in groups for figures in by_class(one.confusion, one.classes)
    ]  # fmt: skip
    figures = {
        name: how for kind in ("precision", "recall", "F1") for name, how in ((kind, ".4f"), (f"{kind}, 95 %", ""))
    }
    note = "Intervals are Wilson's: the sampling error of the test images, not the spread between seeds."
    return Table("Figures by class", rows, {"experiment": "", "class": "", "images": ",d", **figures}, note)


def confusion(groups: Sequence[Group]) -> Table:
    """The cells of every confusion matrix: the mean count over the seeds. Of a large matrix, those that are not 0."""
    rows = [
        {"experiment": one.title, "identity": one.identity, "n": len(one.runs),
         "true": one.classes[i], "predicted": one.classes[j], "images": float(one.confusion[i, j]),
         "sd over seeds": None if one.confusion_sd is None else float(one.confusion_sd[i, j])}
        for one in groups for i, j in _cells(one)
    ]  # fmt: skip
    return Table("Confusion", rows, {
        "experiment": "", "true": "", "predicted": "", "images": ".1f", "sd over seeds": ".1f",
    })  # fmt: skip


def largest(one: Group) -> Table:
    """The most frequent single confusions of one recipe: mean counts, with their shares of the true class."""
    wrong = one.confusion - np.diag(np.diag(one.confusion))
    places = np.argwhere(wrong)
    order = np.argsort(-wrong[tuple(places.T)], kind="stable")[:MOST_LISTED]
    images = np.maximum(one.confusion.sum(axis=1), 1)
    rows = [
        {"true": one.classes[i], "predicted": one.classes[j], "images": float(wrong[i, j]),
         "share of the class": float(wrong[i, j] / images[i])}
        for i, j in places[order]
    ]  # fmt: skip
    formats = {"true": "", "predicted": "", "images": ",.1f", "share of the class": ".1%"}
    more = f" of {len(places):,}; confusion.csv has all" if len(places) > len(rows) else ""
    return Table(f"The {len(rows):,} most frequent confusions{more}", rows, formats)


def _cells(one: Group) -> list[tuple[int, int]]:
    wanted = np.ones_like(one.confusion) if len(one.classes) <= MOST_CLASSES else one.confusion
    return [(int(i), int(j)) for i, j in np.argwhere(wanted)]


def _range(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"
