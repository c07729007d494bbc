"""Simulated comparisons whose truth is known. Images differ in difficulty, seeds in luck."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DIFFICULTY = 2.0  # standard deviation of the images' difficulty; that of a single answer is 1
ACCURACY = 0.9
NORMAL = statistics.NormalDist()


@dataclass(frozen=True)
class World:
    """Two recipes. An answer is right if ability - difficulty + luck of the seed + luck of the answer > 0.

    `seed_sd` is the spread of the accuracy between seeds. `gap` is by how much the first recipe is better. `taste` is
    how much the recipes differ in which images are hard for them, so that a choice of images favours one recipe.
    """

    seed_sd: float = 0.005
    gap: float = 0.0
    taste: float = 0.0

    @property
    def deviation(self) -> float:
        return math.hypot(DIFFICULTY, self.taste, 1.0)

    def shift(self, accuracy: float) -> float:
        """The ability that gives this accuracy over all images and seeds."""
        return NORMAL.inv_cdf(accuracy) * math.hypot(self.deviation, self.luck)

    @property
    def luck(self) -> float:
        return self.seed_sd * self.deviation / NORMAL.pdf(NORMAL.inv_cdf(ACCURACY))

    def comparisons(self, draw: np.random.Generator, count: int, n: int, m: int = 2_000) -> Iterator[np.ndarray]:
        """`count` arrays, bool (2, n, m): which of m new images two recipes have right, with n seeds each."""
        abilities = np.array([self.shift(ACCURACY + self.gap), self.shift(ACCURACY)])[:, None, None]
        for _ in range(count):
            scores = draw.standard_normal((2, n, m), dtype=np.float32)
            scores += DIFFICULTY * draw.standard_normal(m, dtype=np.float32)
            scores += self.luck * draw.standard_normal((2, n, 1))
            if self.taste:
                scores += self.taste * draw.standard_normal((2, 1, m), dtype=np.float32)
            yield scores + abilities > 0
