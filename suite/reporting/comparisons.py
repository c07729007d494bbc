"""The report's chapters on comparisons of experiments on the same data."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.analysis.calibration import Calibration, calibration
from suite.analysis.comparison import Answers, Comparison, common_seeds, compare, pairs_of
from suite.analysis.hardest import Hard, hardest
from suite.analysis.intervals import FEWEST
from suite.data import CATALOG, cached, ensure, test_images
from suite.errors import SuiteError
from suite.pictures import comparisons as comparison_pictures
from suite.reporting import drawn
from suite.reporting.chapters import Chapter
from suite.reporting.choice import unchanged
from suite.reporting.comparison_tables import (
    calibration_table,
    cells_table,
    comparison_table,
    cost_table,
    hard_table,
)
from suite.reporting.drawn import Drawn
from suite.reporting.figures import Album, Picture, legend
from suite.reporting.keys import Keys
from suite.reporting.table import NOTHING_LEFT_OUT
from suite.tracking.groups import Group, data_titles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READING = (
    "The difference is of the accuracy on all test images under the same seeds. Its interval holds for other seeds and "
    "other test images of this kind: both are modelled as crossed random effects, seeds with Student's t. p is "
    "corrected for the number of comparisons by Holm's method, and the verdict goes by it. Votes: what most seeds "
    "say, image by image, by McNemar's exact test."
)


@dataclass(frozen=True)
class _Family:
    """Groups on the same data set that are compared in one chapter."""

    slug: str
    title: str
    groups: Sequence[Group]

    @cached_property
    def known(self) -> list[Answers]:
        """The groups whose predictions are intact."""
        return [answers for one in self.groups if (answers := answers_of(one))]

    @cached_property
    def answers(self) -> list[Answers]:
        """The answers about the test images that most groups have: on a shared server some may have other images."""
        about = Counter(map(self._about, self.known)).most_common(1)
        return [one for one in self.known if self._about(one) == about[0][0]]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names of the answers."""
        return self._about(self.answers[0])[1]

    def _about(self, answers: Answers) -> tuple[bytes, tuple[str, ...]]:
        """The labels of the test images, and the class names."""
        names = next(one.classes for one in self.groups if one.title == answers.title)
        return answers.labels.tobytes(), names

    @cached_property
    def with_first(self) -> bool:
        """Whether variants are compared only with their original recipe; it must be comparable."""
        varied = any(not unchanged(one) for one in self.groups)
        return varied and [one.title for one in self.answers[:1]] == [self.groups[0].title]

    @cached_property
    def found(self) -> list[Comparison]:
        return compare(self.answers, with_first=self.with_first)

    @property
    def left_out(self) -> list[str]:
        """The groups that are not compared: a sentence for each reason."""
        read, kept = ({one.title for one in found} for found in (self.known, self.answers))
        few = [one.title for one in self.answers if len(one.seeds) < FEWEST]
        apart = [
            f"{one.title} with {other.title}"
            for one, other in pairs_of(self.answers, with_first=self.with_first)
            if len(common_seeds((one, other))) < FEWEST and not {one.title, other.title} & {*few}
        ]
        reasons = {
            "Left out, for MLflow has not all predictions of their runs": [
                one.title for one in self.groups if one.title not in read
            ],
            "Left out for being about other test images": [one.title for one in self.known if one.title not in kept],
            f"Left out for having fewer than {FEWEST} seeds": few,
            f"Not compared for having fewer than {FEWEST} seeds in common": apart,
        }
        return [f"{reason}: {'; '.join(titles)}." for reason, titles in reasons.items() if titles]


def comparison_chapters(groups: Sequence[Group], album: Album) -> tuple[list[Chapter], list[Comparison]]:
    """The chapters, and all comparisons in them.

    There is a chapter for each data set, with the experiments of which nothing else was changed, and one for each
    experiment that was also run with other changes. Each chapter says which groups are not compared, and why.
    """
    families = _families(groups)
    numbers = Keys.of(groups).by_title
    return [_chapter(one, album, numbers) for one in families], [found for one in families for found in one.found]


def answers_of(one: Group) -> Answers | None:
    """The answers of a group's runs for the test images; None if any seed's predictions are damaged."""
    predicted, confidence, labels = one.predicted, one.confidence, one.labels
    if predicted is None or confidence is None or labels is None:
        return None
    return Answers(one.title, one.seeds, predicted, confidence, labels)


def target_of(groups: Sequence[Group]) -> float:
    """The lowest mean accuracy of the groups that learned something, rounded down to a percentage point.

    A group has learned something if its accuracy is more than twice that of a guess.
    """
    means = [one.metric("test/accuracy").mean for one in groups]
    least = min([mean for mean in means if mean > 2 / len(groups[0].classes)] or means)
    return math.floor(round(100 * least, 9)) / 100  # in floating point 100 × 0.29 is a little less than 29


def _families(groups: Sequence[Group]) -> list[_Family]:
    found, titles = [], data_titles(groups)
    for data in sorted({one.parameter("data") for one in groups}):
        members = [one for one in groups if one.parameter("data") == data and unchanged(one)]
        found.append(_Family(f"comparison-{_data_slug(data)}", f"Experiments on {titles[data]}", members))
    for name in sorted({one.experiment for one in groups if one.changes}):
        family = [one for one in groups if one.experiment == name]
        for data in sorted({one.parameter("data") for one in family if one.changes}):
            members = [one for one in family if one.parameter("data") == data]
            title = f"{name} and its variants" + (f" on {titles[data]}" if not members[0].as_published else "")
            found.append(_Family(f"comparison-of-{members[-1].slug}", title, members))
    return [one for one in found if len(one.groups) > 1]


def _data_slug(data: str) -> str:
    """A data set's name as a part of file names and anchors. A name from the record may contain any letters."""
    if data in CATALOG:
        return data
    return f"{re.sub('[^a-z0-9]', '_', data)[:40]}-{sha256(data.encode()).hexdigest()[:8]}"


def _chapter(one: _Family, album: Album, numbers: Mapping[str, int]) -> Chapter:
    if not one.found:
        return Chapter(one.slug, one.title, warnings=one.left_out)
    classes, target = one.classes, target_of(one.groups)
    calibrated = {each.title: calibration(each.confidence, each.right) for each in one.answers}
    hard = _hardest(one.answers)
    tables = [
        comparison_table(one.found),
        cost_table(one.groups, target),
        calibration_table(calibrated),
        cells_table(pairs_of(one.answers, with_first=one.with_first), classes),
        hard_table(hard, classes),
    ]
    return Chapter(
        slug=one.slug,
        title=one.title,
        sentences=[each.words for each in one.found],
        rules=READING,
        warnings=one.left_out,
        pictures=_pictures(one, target, calibrated, hard, album, numbers),
        tables=[
            ("comparisons" if n == 0 else "", replace(table, left_out=" ".join(one.left_out) or NOTHING_LEFT_OUT))
            for n, table in enumerate(tables)
            if table.rows
        ],
    )


def _pictures(
    one: _Family,
    target: float,
    calibrated: Mapping[str, Calibration],
    hard: Sequence[Hard],
    album: Album,
    of_title: Mapping[str, int],
) -> list[Picture]:
    def put(name: str, says: str, chart: Drawn | None, draw: Callable[..., "Figure"], *numbers: Any) -> Picture:
        return replace(album.add(f"{one.slug}-{name}", f"{one.title}: {says}", draw, *numbers), drawn=chart)

    curves = {each.title: points for each in one.groups if (points := drawn.seconds_and_accuracy(each))}
    says = "the differences with their intervals."
    made = [
        put("differences", says, drawn.differences(one.found, of_title), comparison_pictures.differences, one.found)
    ]
    if curves:
        says, chart = "test accuracy over seconds of training.", drawn.over_time(curves, of_title, target)
        made.append(put("time", says, chart, comparison_pictures.over_time, curves, target))
    says, chart = "how often answers are right, by how sure they are.", drawn.reliability(calibrated, of_title)
    made.append(put("calibration", says, chart, comparison_pictures.reliability, calibrated))
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
