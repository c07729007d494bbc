"""The tables of comparisons: differences, cost of an accuracy, calibration, changed cells, hardest images."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suite.analysis.calibration import Calibration
from suite.analysis.comparison import Answers, Comparison
from suite.analysis.confusion import changed_cells, confusion
from suite.analysis.flips import Flip
from suite.analysis.hardest import Hard
from suite.analysis.intervals import FEWEST, LEVEL
from suite.analysis.times import over_seeds, time_to
from suite.reporting.table import Row, Table
from suite.tracking.groups import Group

CELLS = 12  # rows of changed cells in a chapter


def comparison_tables(found: Sequence[Comparison]) -> dict[str, Table]:
    """The tables of all comparisons, for the CSV files."""
    return {"comparisons": comparison_table(found)} if found else {}


def comparison_table(found: Sequence[Comparison]) -> Table:
    """A row for each pair: the difference with its interval, both tests, the chance with a new seed, the power."""
    rows = [_comparison_row(one) for one in found]
    return Table("Differences, p corrected by Holm's method", rows, {
        "one": "", "other": "", "n": "d", "difference": "+.4f", _interval(found[0]): "", "p": ".2g", "verdict": "",
        "wins on a new seed": "", "could have seen": ".4f", "ruled out above": ".4f", "seeds to settle": "d",
        "votes": "", "p of votes": ".2g",
    })  # fmt: skip


def cost_table(groups: Sequence[Group], target: float) -> Table:
    """The cost of an accuracy: epochs, images and seconds to the target, and images per second.

    Runs without a test accuracy for each epoch have only a speed.
    """
    rows = []
    for one in groups:
        histories = [_counted(history) for history in one.histories]
        watched = all(histories)
        reached = over_seeds([time_to(history, target) for history in histories])
        seeds = f"{reached.reached} of {reached.n}" if watched else "not watched"
        median, speed = reached.median if watched else None, one.metric("perf/train_images_per_second")
        rows.append({
            "experiment": one.title, "target": target, "reached": seeds,
            "epochs": median.epochs if median else None, "images": median.images if median else None,
            "seconds": median.seconds if median else None, "images/s": speed.mean, "identity": one.identity,
        })  # fmt: skip
    return Table(f"What {target:.2f} costs, median of the seeds", rows, {
        "experiment": "", "target": ".2f", "reached": "", "epochs": ",.1f", "images": ",.0f", "seconds": ",.1f",
        "images/s": ",.0f",
    })  # fmt: skip


def calibration_table(found: Mapping[str, Calibration]) -> Table:
    """The expected calibration error of each experiment, over the answers of all seeds together."""
    rows: list[Row] = [{"experiment": title, "ECE": one.ece, "answers": sum(b.n for b in one.bins)}
                       for title, one in found.items()]  # fmt: skip
    return Table("Calibration", rows, {"experiment": "", "ECE": ".4f", "answers": ",d"})


def hard_table(found: Sequence[Hard], classes: Sequence[str], items: Sequence[str] | None = None) -> Table:
    """The test images that most seeds of most experiments get wrong, and the predicted classes; `items` name them."""
    rows: list[Row] = [
        {"test image": items[one.image] if items else one.image, "is": classes[one.label],
         "taken for": classes[one.taken_for], "wrong in": one.share, "experiments": one.experiments}
        for one in found
    ]  # fmt: skip
    return Table("The hardest test images", rows, {
        "test image": "" if items else ",d", "is": "", "taken for": "", "wrong in": ".0%", "experiments": "d",
    })  # fmt: skip


def flips_table(found: Sequence[tuple[str, str, Flip]], classes: Sequence[str], items: Sequence[str]) -> Table:
    """A row for each image that most seeds of one recipe have right and most of the other have not."""
    rows: list[Row] = [
        {"one": one, "other": other, "image": items[flip.image], "is": classes[flip.label],
         "one says": classes[flip.one_says], "other says": classes[flip.other_says],
         "one right": flip.one_right, "other right": flip.other_right}
        for one, other, flip in found
    ]  # fmt: skip
    return Table("Flips: right by one and not by the other, by the vote of the seeds", rows, {
        "one": "", "other": "", "image": "", "is": "", "one says": "", "other says": "", "one right": ".0%",
        "other right": ".0%",
    })  # fmt: skip


def cells_table(pairs: Sequence[tuple[Answers, Answers]], classes: Sequence[str]) -> Table:
    """The cells of two matrices that differ by more than the seeds explain, the largest differences first.

    p is corrected by Holm's method over the cells of a pair, then multiplied by the number of pairs (Bonferroni). So
    the probability that any cell is in the table by mistake is at most the level.
    """
    rows: list[Row] = []
    enough = [pair for pair in pairs if all(len(one.seeds) >= FEWEST for one in pair)]
    for one, other in enough:
        matrices = _matrices(one, len(classes)), _matrices(other, len(classes))
        for cell in changed_cells(*matrices, 1 - (1 - LEVEL) / len(enough)):
            rows.append({
                "one": one.title, "other": other.title, "true": classes[cell.true],
                "predicted": classes[cell.predicted], "images, one": cell.one, "images, other": cell.other,
                "p": cell.p * len(enough),
            })  # fmt: skip
    rows.sort(key=lambda row: -abs(row["images, one"] - row["images, other"]))
    note = f"The {CELLS} largest of {len(rows):,}." if len(rows) > CELLS else ""
    return Table("Confusions that differ by more than seeds explain", rows[:CELLS], {
        "one": "", "other": "", "true": "", "predicted": "", "images, one": ".1f", "images, other": ".1f", "p": ".2g",
    }, note)  # fmt: skip


def _interval(one: Comparison) -> str:
    """The heading of a column of intervals, with their level."""
    return f"interval, {one.level:.0%}" if one.level == LEVEL else f"interval, {one.level:.1%}"


def _chance(share: float) -> str:
    """A probability in percent. It is never rounded to 0 % or 100 %, because seeds cannot make it certain."""
    return "< 1%" if share < 0.01 else "> 99%" if share > 0.99 else f"{share:.0%}"


def _comparison_row(one: Comparison) -> Row:
    interval = one.found.interval
    return {
        "one": one.one, "other": one.other, "n": len(one.seeds), "difference": one.found.mean,
        _interval(one): f"{interval.low:+.4f} to {interval.high:+.4f}", "p": one.p, "verdict": one.verdict,
        "wins on a new seed": _chance(one.wins), "probability": one.wins,
        "could have seen": one.visible, "ruled out above": one.ruled_out, "seeds to settle": one.needed,
        "votes": f"{one.voted.only_one} to {one.voted.only_other}", "p of votes": one.voted_p,
    }  # fmt: skip


def _matrices(one: Answers, classes: int) -> NDArray[np.float64]:
    return np.stack([confusion(one.labels, row, classes) for row in one.predicted])


def _counted(history: Sequence[Row]) -> list[Row]:
    """The history with images and seconds counted from the start; empty if an old or damaged record lacks a figure."""
    wanted = ("test_accuracy", "images", "cumulative_train_seconds")
    if any(row.get(name) is None for row in history for name in wanted):
        return []
    images = np.cumsum([row["images"] for row in history])
    return [
        {**row, "images": int(seen), "train_seconds": row["cumulative_train_seconds"]}
        for row, seen in zip(history, images, strict=True)
    ]
