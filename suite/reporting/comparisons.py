"""The report's chapters on comparisons of experiments on the same data."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.analysis.calibration import Calibration, calibration
from suite.analysis.comparison import Answers, Comparison, pairs_of
from suite.analysis.hardest import Hard, hardest
from suite.data import cached, ensure, test_images
from suite.errors import SuiteError
from suite.pictures import comparisons as comparison_pictures
from suite.reporting import drawn
from suite.reporting.chapters import Chapter
from suite.reporting.comparison_tables import (
    calibration_table,
    cells_table,
    comparison_table,
    cost_table,
    hard_table,
)
from suite.reporting.drawn import Drawn
from suite.reporting.families import Family
from suite.reporting.figures import Album, Picture, legend
from suite.reporting.keys import Keys
from suite.reporting.shown import PAIRS
from suite.reporting.table import NOTHING_LEFT_OUT
from suite.text import plural
from suite.tracking.groups import Group

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READING = (
    "The difference is of the accuracy on all test images under the same seeds. Its interval holds for other seeds and "
    "other test images of this kind: both are modelled as crossed random effects, seeds with Student's t. p is "
    "corrected for the number of comparisons by Holm's method, and the verdict goes by it. Votes: what most seeds "
    "say, image by image, by McNemar's exact test."
)


def chapters_of(families: Sequence[Family], shown: Sequence[Group], album: Album) -> list[Chapter]:
    """The chapters of families, with the recipes `shown`; all are compared, whatever is shown.

    Each chapter says which groups are not compared, and why.
    """
    numbers = Keys.of(shown).by_title
    return [_chapter(one, album, numbers) for one in families if sum(each.title in numbers for each in one.groups) > 1]


def target_of(groups: Sequence[Group]) -> float:
    """The lowest mean accuracy of the groups that learned something, rounded down to a percentage point.

    A group has learned something if its accuracy is more than twice that of a guess.
    """
    means = [one.metric("test/accuracy").mean for one in groups]
    least = min([mean for mean in means if mean > 2 / len(groups[0].classes)] or means)
    return math.floor(round(100 * least, 9)) / 100  # in floating point 100 × 0.29 is a little less than 29


def _chapter(one: Family, album: Album, numbers: Mapping[str, int]) -> Chapter:
    if not one.found:
        return Chapter(one.slug, one.title, warnings=one.left_out)
    part = _Part.of(one, numbers)
    classes, target = one.classes, target_of(one.groups)
    hard = _hardest(one.answers)
    tables = [
        *([comparison_table(part.found)] if part.found else []),
        cost_table(part.groups, target),
        calibration_table(part.calibrated),
        cells_table(pairs_of(one.answers, with_first=one.with_first), classes),
        hard_table(hard, classes),
    ]
    return Chapter(
        slug=one.slug,
        title=one.title,
        sentences=[each.words for each in part.found],
        rules=READING,
        warnings=[*part.words, *one.left_out],
        pictures=_pictures(one, part, target, hard, album, numbers),
        tables=[
            ("comparisons" if "verdict" in table.formats else "",
             replace(table, left_out=" ".join(one.left_out) or NOTHING_LEFT_OUT))
            for table in tables
            if table.rows
        ],
    )  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """What a page shows of a family: recipes, comparisons and calibrations, and the words about the others."""

    groups: Sequence[Group]
    found: Sequence[Comparison]
    calibrated: Mapping[str, Calibration]
    words: Sequence[str]

    @classmethod
    def of(cls, one: Family, numbers: Mapping[str, int]) -> "_Part":
        groups = [each for each in one.groups if each.title in numbers]
        found = _pairs(one.found, groups)
        known = [each for each in one.answers if each.title in numbers]
        left = f"{len(found):,} of {plural(len(one.found), 'comparison')} are shown; comparisons.csv has all."
        return cls(
            groups,
            found,
            {each.title: calibration(each.confidence, each.right) for each in known},
            [left] if len(found) < len(one.found) else [],
        )


def _pairs(every: Sequence[Comparison], groups: Sequence[Group]) -> list[Comparison]:
    """The comparisons of these recipes; of many, those with the recipe that has the highest mean."""
    means = {one.title: one.metric("test/accuracy").mean for one in groups}
    found = [one for one in every if one.one in means and one.other in means]
    if len(found) <= PAIRS:
        return found
    best = max(means, key=lambda title: means[title])
    return [one for one in found if best in (one.one, one.other)]


def _pictures(
    one: Family,
    part: _Part,
    target: float,
    hard: Sequence[Hard],
    album: Album,
    of_title: Mapping[str, int],
) -> list[Picture]:
    def put(name: str, says: str, chart: Drawn | None, draw: Callable[..., "Figure"], *numbers: Any) -> Picture:
        return replace(album.add(f"{one.slug}-{name}", f"{one.title}: {says}", draw, *numbers), drawn=chart)

    curves = {each.title: points for each in part.groups if (points := drawn.seconds_and_accuracy(each))}
    says = "the differences with their intervals."
    chart = drawn.differences(part.found, of_title)
    made = [put("differences", says, chart, comparison_pictures.differences, part.found)] if part.found else []
    if curves:
        says, chart = "test accuracy over seconds of training.", drawn.over_time(curves, of_title, target)
        made.append(put("time", says, chart, comparison_pictures.over_time, curves, target))
    says, chart = "how often answers are right, by how sure they are.", drawn.reliability(part.calibrated, of_title)
    made.append(put("calibration", says, chart, comparison_pictures.reliability, part.calibrated))
    pixels = _images(one.groups[0].parameter("data"))
    if hard and pixels is not None and len(pixels) == len(one.answers[0].labels):
        says = "the test images that most seeds of most experiments get wrong."
        shown = pixels[[each.image for each in hard]]
        image = put("hardest", says, None, comparison_pictures.hard_images, shown, hard, one.classes)
        made.append(replace(image, legend=legend(one.classes)))
    return made


def _hardest(answers: Sequence[Answers]) -> list[Hard]:
    predicted = np.concatenate([one.predicted for one in answers])
    return hardest(predicted, answers[0].labels, [one.title for one in answers for _ in one.seeds])


def _images(name: str) -> NDArray[np.uint8] | None:
    """The test images (m, channels, height, width), if they are on this machine: the record does not contain them."""
    try:
        return test_images(name, ensure(name)) if cached(name) else None
    except SuiteError:
        return None
