"""The best of a number of trials, by that number, with a band where the trials are a random sample.

If N trials were drawn at random and independently, the best of the first b of them is the largest of b draws from their
distribution F, and its median is F⁻¹(½^(1/b)). A band for F gives one for all these medians at once (N. Lourie, K. Cho
and H. He, Show your work with confidence, 2023). We take Kolmogorov and Smirnov's band, whose exact distribution for N
draws of a continuous F is known. A search that learns from its trials, or that stops bad ones, gives no such sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.analysis.intervals import LEVEL


@dataclass(frozen=True)
class Best:
    """The median best accuracy of `trials` trials, with the ends of the band; None without a band."""

    trials: int
    median: float
    low: float | None = None
    high: float | None = None


def curve(studies: Sequence[Sequence[float]], *, random: bool, level: float = LEVEL) -> list[Best]:
    """The best so far of 1, 2, … trials; `studies` has the accuracies of each study's trials, in their order.

    Of a random search all trials of all studies are one sample; the ends of the band are 0 and 1 where the sample says
    nothing. Of another search it is the median over the studies, without a band.
    """
    most = min(map(len, studies))
    if not random:
        best = [np.maximum.accumulate(np.asarray(one, float)) for one in studies]
        return [Best(b + 1, float(np.median([one[b] for one in best]))) for b in range(most)]
    from scipy.stats import kstwo

    sample = np.sort(np.concatenate([np.asarray(one, float) for one in studies]))
    half = float(kstwo.ppf(level, len(sample)))
    return [
        Best(b, _quantile(sample, share), _quantile(sample, share - half), _quantile(sample, share + half))
        for b in range(1, most + 1)
        for share in [0.5 ** (1 / b)]
    ]


def _quantile(sample: np.ndarray, share: float) -> float:
    """The smallest value below which, or at which, this share of the sample lies; 0 or 1 beyond its ends."""
    place = int(np.ceil(round(share * len(sample), 9)))
    if place < 1:
        return 0.0
    return float(sample[place - 1]) if place <= len(sample) else 1.0
