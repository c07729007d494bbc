"""Flips: the test images that one recipe has right and another has not."""

from collections.abc import Sequence
from dataclasses import dataclass

from suite.analysis.comparison import Answers
from suite.analysis.significance import votes


@dataclass(frozen=True)
class Flip:
    """One test image on which the majority votes of two recipes differ in being right.

    `one_right` and `other_right` are the shares of seeds that have it right; `one_says` and `other_says` the classes
    that most seeds of each predict.
    """

    image: int
    label: int
    one_says: int
    other_says: int
    one_right: float
    other_right: float

    @property
    def gained(self) -> bool:
        """Whether the first recipe has it right, and not the second."""
        return self.one_says == self.label


def flips(one: Answers, other: Answers) -> list[Flip]:
    """All flips of two recipes on the same images: first those that only `one` has right, the clearest ones first."""
    says = [votes(each.predicted, each.confidence) for each in (one, other)]
    shares = [each.right.mean(axis=0) for each in (one, other)]
    found = [
        Flip(int(image), int(one.labels[image]), int(says[0][image]), int(says[1][image]),
             float(shares[0][image]), float(shares[1][image]))
        for image in ((says[0] == one.labels) != (says[1] == one.labels)).nonzero()[0]
    ]  # fmt: skip
    return sorted(found, key=lambda flip: (not flip.gained, -abs(flip.one_right - flip.other_right), flip.image))


def flipped(pairs: Sequence[tuple[Answers, Answers]]) -> list[tuple[str, str, Flip]]:
    """The flips of each pair, with the two titles."""
    return [(one.title, other.title, flip) for one, other in pairs for flip in flips(one, other)]
