"""The report's chapters on comparisons: what was trained on the same data, laid side by side."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite import comparison_pictures, files
from suite.analysis.calibration import Calibration, calibration
from suite.analysis.comparison import Answers, Comparison, compare
from suite.analysis.hardest import Hard, hardest
from suite.analysis.intervals import FEWEST
from suite.data import CATALOG, cached, ensure, image_bytes
from suite.errors import SuiteError
from suite.report.chapters import Chapter
from suite.report.comparison_tables import (
    calibration_table,
    cells_table,
    comparison_table,
    cost_table,
    hard_table,
)
from suite.report.figures import NOWHERE, Picture, draw_picture
from suite.report.groups import Group
from suite.report.kept import Kept

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READING = (
    "The difference is of the accuracy on all test images under the same seeds. Its interval holds for other seeds and "
    "other test images of this kind: both are modelled as crossed random effects, seeds with Student's t. p is "
    "corrected for the number of comparisons by Holm's method, and the verdict goes by it. Votes: what most seeds "
    "say, image by image, by McNemar's exact test."
)
TEST_IMAGES = "t10k-images-idx3-ubyte"


def comparison_chapters(
    groups: Sequence[Group], folder: Path, kept: Kept = NOWHERE
) -> tuple[list[Chapter], list[Comparison]]:
    """A chapter for the unchanged recipes of each data set, and one for each recipe that was also run changed.

    And all comparisons that are in them.
    """
    files.make_folder(folder)
    chapters, every = [], []
    for slug, title, members in _sets(groups):
        answers = [known for one in members if (known := answers_of(one))]
        found = compare(answers, with_first=any(one.changes for one in members)) if answers else []
        if found:
            chapters.append(_chapter(slug, title, members, answers, found, folder, kept))
            every += found
    return chapters, every


def answers_of(one: Group) -> Answers | None:
    """What a group's runs say of the test images; None where not every seed's answers are whole."""
    predicted, confidence, labels = one.predicted, one.confidence, one.labels
    if predicted is None or confidence is None or labels is None:
        return None
    return Answers(one.title, one.seeds, predicted, confidence, labels)


def target_of(groups: Sequence[Group]) -> float:
    """The accuracy that the least accurate of them has on average, rounded down to a point."""
    return math.floor(100 * min(one.metric("test/accuracy").mean for one in groups)) / 100


def _sets(groups: Sequence[Group]) -> list[tuple[str, str, list[Group]]]:
    """What belongs side by side: slug, title and groups."""
    found = []
    for data in sorted({one.parameter("data") for one in groups}):
        members = [one for one in groups if one.parameter("data") == data and not one.changes]
        found.append((f"comparison-{data}", f"Experiments on {CATALOG[data].title}", members))
    for name in sorted({one.experiment for one in groups if one.changes}):
        family = [one for one in groups if one.experiment == name]
        for data in sorted({one.parameter("data") for one in family if one.changes}):
            members = [one for one in family if one.parameter("data") == data]
            title = f"{name} and its variants" + (f" on {CATALOG[data].title}" if not members[0].as_published else "")
            found.append((f"comparison-of-{members[-1].slug}", title, members))
    return [one for one in found if len(one[2]) > 1]


def _chapter(
    slug: str,
    title: str,
    groups: Sequence[Group],
    answers: Sequence[Answers],
    found: Sequence[Comparison],
    folder: Path,
    kept: Kept,
) -> Chapter:
    target, classes, data = target_of(groups), groups[0].classes, groups[0].parameter("data")
    calibrated = {one.title: calibration(one.confidence, one.right) for one in answers}
    hard = _hardest(answers)
    cells = cells_table(answers, classes)
    few = [one.title for one in answers if len(one.seeds) < FEWEST]
    tables = [comparison_table(found), cost_table(groups, target), calibration_table(calibrated), cells,
              hard_table(hard, classes)]  # fmt: skip
    return Chapter(
        slug=slug,
        title=title,
        sentences=[one.words for one in found],
        rules=READING,
        warnings=[f"Left out for having fewer than {FEWEST} seeds: {'; '.join(few)}."] if few else [],
        pictures=_pictures(slug, title, groups, target, found, calibrated, hard, _images(data), folder, kept),
        tables=[("comparisons" if n == 0 else "", table) for n, table in enumerate(tables) if table.rows],
    )


def _pictures(
    slug: str,
    title: str,
    groups: Sequence[Group],
    target: float,
    found: Sequence[Comparison],
    calibrated: Mapping[str, Calibration],
    hard: Sequence[Hard],
    pixels: NDArray[np.uint8] | None,
    folder: Path,
    kept: Kept,
) -> list[Picture]:
    def put(name: str, says: str, draw: Callable[..., "Figure"], *numbers: Any) -> Picture:
        return draw_picture(kept, folder / f"{slug}-{name}", f"{title}: {says}", draw, *numbers)

    curves = {one.title: points for one in groups if (points := _curves(one))}
    made = [put("differences", "the differences with their intervals.", comparison_pictures.differences, found)]
    if curves:
        says = "test accuracy over seconds of training."
        made.append(put("time", says, comparison_pictures.over_time, curves, target))
    says = "how often answers are right, by how sure they are."
    made.append(put("calibration", says, comparison_pictures.reliability, calibrated))
    if hard and pixels is not None:
        says = "the test images that most seeds of most experiments get wrong."
        shown = pixels[[one.image for one in hard]]
        made.append(put("hardest", says, comparison_pictures.hard_images, shown, hard, groups[0].classes))
    return made


def _hardest(answers: Sequence[Answers]) -> list[Hard]:
    predicted = np.concatenate([one.predicted for one in answers])
    return hardest(predicted, answers[0].labels, [one.title for one in answers for _ in one.seeds])


def _images(name: str) -> NDArray[np.uint8] | None:
    """The test images (m, 28, 28), where this machine has them: they are no part of the record."""
    try:
        return image_bytes(ensure(name), TEST_IMAGES) if cached(name) else None
    except SuiteError:
        return None


def _curves(one: Group) -> list[list[tuple[float, float]]]:
    """Seconds and test accuracy after each epoch, by seed; old records have none."""
    found = [
        [(row["cumulative_train_seconds"], row["test_accuracy"]) for row in history if row["test_accuracy"] is not None]
        for history in one.histories
    ]
    return [points for points in found if points and all(seconds is not None for seconds, _ in points)]
