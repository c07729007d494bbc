"""Many features of many images in two dimensions."""

import numpy as np
from numpy.typing import NDArray

from suite.inspecting.seen import Floats

SEED, PERPLEXITY = 0, 30.0
FEWEST = 10  # images: fewer have no neighbourhoods


def pca(features: Floats) -> tuple[Floats, tuple[float, float]]:
    """The first two principal components of features (n, m): places (n, 2), and their shares of the variance.

    An axis is turned so that its largest weight is positive; so equal features give equal pictures. A share is 0 where
    nothing varies.
    """
    centred = features - features.mean(0)
    left, sizes, weights = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(weights[np.arange(len(weights)), np.abs(weights).argmax(1)])
    places = left * (sizes * signs)
    wide = np.pad(places, ((0, 0), (0, max(0, 2 - places.shape[1]))))[:, :2]
    variance = sizes**2
    shares = np.pad(variance / max(variance.sum(), np.finfo(float).tiny), (0, 2))
    return wide, (float(shares[0]), float(shares[1]))


def tsne(features: Floats) -> NDArray[np.float64] | None:
    """The places (n, 2) by t-SNE, which keeps neighbours together: distances and axes have no meaning.

    It begins with the principal components and a fixed seed. None for images that are too few or all equal.
    """
    from sklearn.manifold import TSNE

    scale = features.std()
    if len(features) < FEWEST or not scale:
        return None
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    start = "pca" if features.shape[1] > 1 else "random"
    made = TSNE(perplexity=perplexity, init=start, random_state=SEED, n_jobs=1)
    return np.asarray(made.fit_transform((features / scale).astype(np.float32)), np.float64)
