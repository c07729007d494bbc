"""Where the noise of a difference between tuned experiments is: studies, seeds, images, and what is left.

g[k, s, i] is the gain in study k, under seed s of that study, on image i. Seeds belong to a study, images are the same
in all: g = mean + study + seed of a study + image + study × image + rest, all but the mean random. The mean squares of
the analysis of variance give each part's variance without bias (Searle, Casella, McCulloch, Variance Components, 1992,
chapter 4). Together they are the variance of the mean that `suite.analysis.paired` computes from the studies' means.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Gains = NDArray[np.integer] | NDArray[np.floating]


@dataclass(frozen=True)
class Component:
    """One source of noise: the variance of its effect, without bias and so sometimes below 0, in squared accuracy.

    `sd` is its standard deviation, 0 to 1. Where variances come out below 0, they count as 0, and what contains them is
    reduced by 0. `se` is the standard error that the source adds to the mean, which is over `units` of it. `share` is
    its part of the squared standard error: of all sources together it is 1, unless there is no noise.
    """

    source: str
    variance: float
    sd: float
    units: int
    share: float

    @property
    def se(self) -> float:
        return self.sd / math.sqrt(self.units)


def components(gains: Gains) -> list[Component]:
    """The sources of noise in gains (studies k, seeds n, images m), from -1 to 1; two images at least.

    Of a single study there are seeds, images and rest, given this study; of a single seed the rest includes the seeds'.
    """
    k, n, _ = gains.shape
    if k == 1 or n == 1:
        return _shared(_crossed("seeds" if k == 1 else "studies", gains[0] if k == 1 else gains[:, 0]))
    return _shared(_nested(gains))


def words(found: Sequence[Component]) -> str:
    """`studies 71%, seeds 20%, images 9%`: the shares of the noise, the largest first, none below 1 %."""
    ordered = sorted(found, key=lambda one: -one.share)
    return ", ".join(f"{one.source} {one.share:.0%}" for one in ordered if one.share >= 0.01) or "none"


Part = tuple[str, float, float, int]  # source, variance without bias, variance not below 0, units


def _nested(gains: Gains) -> list[Part]:
    """The parts of gains (k, n, m) in which seeds belong to studies, and both are crossed with images."""
    k, n, m = gains.shape
    g = gains.astype(np.float64)
    mean, by_study, by_image = g.mean(), g.mean(axis=(1, 2)), g.mean(axis=(0, 1))
    by_seed, cells = g.mean(axis=2), g.mean(axis=1)  # (k, n) and (k, m)
    left = g - by_seed[..., None] - cells[:, None] + by_study[:, None, None]
    rest = np.square(left).sum() / (k * (n - 1) * (m - 1))
    seed = m * np.square(by_seed - by_study[:, None]).sum() / (k * (n - 1)) - rest
    both = n * np.square(cells - by_study[:, None] - by_image + mean).sum() / ((k - 1) * (m - 1)) - rest
    image = k * n * np.square(by_image - mean).sum() / (m - 1) - rest
    study = n * m * np.square(by_study - mean).sum() / (k - 1) - rest
    some_seed, some_both = max(0.0, seed), max(0.0, both)
    return [
        ("studies", (study - both - seed) / (n * m), (study - some_both - some_seed) / (n * m), k),
        ("seeds", seed / m, seed / m, k * n),
        ("images", (image - both) / (k * n), (image - some_both) / (k * n), m),
        ("studies × images", both / n, both / n, k * m),
        ("single answers", rest, rest, k * n * m),
    ]


def _crossed(units: str, gains: Gains) -> list[Part]:
    """The parts of gains (units n, images m) in which units and images are crossed."""
    n, m = gains.shape
    g = gains.astype(np.float64)
    by_unit, by_image = g.mean(axis=1), g.mean(axis=0)
    rest = np.square(g - by_unit[:, None] - by_image + g.mean()).sum() / ((n - 1) * (m - 1))
    unit, image = by_unit.var(ddof=1) - rest / m, by_image.var(ddof=1) - rest / n
    return [(units, unit, unit, n), ("images", image, image, m), ("single answers", rest, rest, n * m)]


def _shared(parts: Sequence[Part]) -> list[Component]:
    kept = [max(0.0, float(kept)) for _, _, kept, _ in parts]
    squares = [one / units for one, (*_, units) in zip(kept, parts, strict=True)]
    total = sum(squares)
    return [
        Component(source, float(variance), math.sqrt(one), units, square / total if total else 0.0)
        for (source, variance, _, units), one, square in zip(parts, kept, squares, strict=True)
    ]
