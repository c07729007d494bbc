"""The families of recipes that a report compares: experiments on the same data, an experiment and its variants."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from suite.analysis.comparison import Answers, Comparison, common_seeds, compare, pairs_of
from suite.analysis.intervals import FEWEST
from suite.data import CATALOG
from suite.reporting.choice import unchanged
from suite.text import some
from suite.tracking.groups import Group, data_titles


@dataclass(frozen=True)
class Family:
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
        return [f"{reason}: {some(titles)}." for reason, titles in reasons.items() if titles]


def families_of(groups: Sequence[Group]) -> list[Family]:
    """A family for each data set, of unchanged recipes, and one for each experiment that has changed ones."""
    found, titles = [], data_titles(groups)
    for data in sorted({one.parameter("data") for one in groups}):
        members = [one for one in groups if one.parameter("data") == data and unchanged(one)]
        found.append(Family(f"comparison-{_data_slug(data)}", f"Experiments on {titles[data]}", members))
    for name in sorted({one.experiment for one in groups if one.changes}):
        family = [one for one in groups if one.experiment == name]
        for data in sorted({one.parameter("data") for one in family if one.changes}):
            members = [one for one in family if one.parameter("data") == data]
            title = f"{name} and its variants" + (f" on {titles[data]}" if not members[0].as_published else "")
            found.append(Family(f"comparison-of-{members[-1].slug}", title, members))
    return [one for one in found if len(one.groups) > 1]


def answers_of(one: Group) -> Answers | None:
    """The answers of a group's runs for the test images; None if any seed's predictions are damaged."""
    predicted, confidence, labels = one.predicted, one.confidence, one.labels
    if predicted is None or confidence is None or labels is None:
        return None
    return Answers(one.title, one.seeds, predicted, confidence, labels)


def _data_slug(data: str) -> str:
    """A data set's name as a part of file names and anchors. A name from the record may contain any letters."""
    if data in CATALOG:
        return data
    return f"{re.sub('[^a-z0-9]', '_', data)[:40]}-{sha256(data.encode()).hexdigest()[:8]}"
