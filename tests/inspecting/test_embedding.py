"""PCA and t-SNE: right, and the same every time."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from suite.inspecting.embedding import pca, tsne

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(60, 12)) * np.arange(1, 13) + 5


def test_the_components_are_those_of_scikit_learn_up_to_the_sign():
    expected = PCA(2)
    there = expected.fit_transform(FEATURES)

    here, explained = pca(FEATURES)

    assert np.allclose(np.abs(here), np.abs(there))
    assert np.allclose(explained, expected.explained_variance_ratio_)


@pytest.mark.parametrize("shape", [(40, 5), (10, 30)])
def test_the_sign_does_not_depend_on_that_of_the_decomposition(shape, monkeypatch):
    features, svd = RANDOM.normal(size=shape), np.linalg.svd
    here, _ = pca(features)

    def turned(*given, **options):
        left, sizes, right = svd(*given, **options)
        return -left, sizes, -right

    monkeypatch.setattr(np.linalg, "svd", turned)

    assert np.allclose(pca(features)[0], here)


def test_one_feature_has_one_component_and_equal_images_none():
    places, explained = pca(np.arange(6.0)[:, None])

    assert np.allclose(places[:, 0], np.arange(6) - 2.5)
    assert explained == (1.0, 0.0)
    assert pca(np.ones((5, 3)))[1] == (0.0, 0.0)


def test_neighbours_stay_together_and_are_the_same_every_time():
    two = np.concatenate([RANDOM.normal(size=(20, 5)), 30 + RANDOM.normal(size=(20, 5))])

    first, again = tsne(two), tsne(two)

    assert np.array_equal(first, again)
    inside = np.linalg.norm(first[:20] - first[:20].mean(0), axis=1).max()
    assert inside < np.linalg.norm(first[:20].mean(0) - first[20:].mean(0))


def test_images_that_are_too_few_or_all_equal_have_no_neighbours():
    assert tsne(RANDOM.normal(size=(9, 5))) is None
    assert tsne(np.ones((40, 5))) is None
