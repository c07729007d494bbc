"""The rule of `try`: keep a change, discard it, or neither, so that many tries together rarely keep one without effect.

All tries against one baseline share the error `BUDGET`. Try k, counted from 1, gets the part 1 / (ζ(1.6) k^1.6) of it;
over endlessly many tries the parts add up to 1. By the union bound (Bonferroni) the chance that any change without
effect is kept is then at most the budget, whatever the dependence between tries, which share the baseline's runs, and
however many there are. Source of this alpha-spending and of the exponent: J. Tian and A. Ramdas, Online control of the
familywise error rate, Statistical Methods in Medical Research 30 (2021), section 3. Their adaptive rules gain power
and need tries that are independent, which these are not.

Within a try the looks share its part as those of a comparison do (`suite.analysis.sequential`).

An accuracy is a whole number of images. Three seeds may differ from the baseline by the same number by chance; their
standard deviation is then 0, and any part, however small, is enough to keep. So it is taken to be `COARSEST` at least.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite.analysis.paired import Difference
from suite.analysis.sequential import level_at

BUDGET = 0.05
EXPONENT = 1.6
COARSEST = 3**-0.5  # the largest standard deviation, in images, of three or more numbers that are rounded to the same

KeepIf = Literal["better", "not-worse"]
Decision = Literal["KEEP", "DISCARD", ""]


def part(number: int, budget: float = BUDGET) -> float:
    """The error that try `number`, counted from 1, may spend. Raises `ValueError` for a number below 1."""
    from scipy.special import zeta

    if number < 1:
        raise ValueError(f"tries are counted from 1, got {number}")
    return float(budget / (zeta(EXPONENT) * number**EXPONENT))


@dataclass(frozen=True)
class Rule:
    """When a change is kept; all differences are accuracy of the change minus that of the baseline (-1 to 1).

    `better`: it must be shown to be above 0, and is discarded as soon as an improvement of `margin` is ruled out.
    `not-worse`: above -`margin`, and it is discarded when it is shown to be below that; a smaller loss is no reason,
    because that is what was asked for. With `limit` seeds and neither it stays undecided.
    """

    keep_if: KeepIf
    margin: float
    limit: int

    @property
    def bar(self) -> float:
        """What the difference must be shown to exceed."""
        return 0.0 if self.keep_if == "better" else -self.margin

    @property
    def aim(self) -> float:
        """The difference that, once it is ruled out, ends the try."""
        return self.margin if self.keep_if == "better" else -self.margin

    def at_look(self, found: Difference, k: int, planned: Sequence[int], error: float) -> Decision:
        """The decision at look k, counted from 0, of those `planned`; `error` is the part that the try may spend.

        The error of discarding, of a change whose difference is really the `aim`, is `BUDGET` in each try: to discard
        one wrongly changes nothing.
        """
        to_keep, to_discard = (1 - level_at(planned, k, 1 - each) for each in (error, BUDGET))
        rounded = replace(found, seeds_sd=max(found.seeds_sd, COARSEST / found.images))
        if found.mean - rounded.half(to_keep) > self.bar:
            return "KEEP"
        return "DISCARD" if found.mean + found.half(to_discard) < self.aim else ""
