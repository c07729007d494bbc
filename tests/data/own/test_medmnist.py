"""A MedMNIST set comes from its publisher by name, checked, and is read as its file is."""

import hashlib
import io

import numpy as np
import pytest

from suite.data import ensure, load
from suite.data.catalog import data_set
from suite.data.own import medmnist
from suite.data.own.medmnist_sets import SETS
from suite.errors import MACHINE, SuiteError
from tests.data.own.test_arrays import images, labels
from tests.data.sources.conftest import begin, serve  # noqa: F401  a fixture

CLASSES = SETS["bloodmnist"].classes


@pytest.fixture
def published(serve, monkeypatch):  # noqa: F811
    """Serve BloodMNIST of 24 images in two sizes; returns the server and the arrays of the small one."""
    bodies, first = {}, {}
    for size, file in ((28, "bloodmnist.npz"), (64, "bloodmnist_64.npz")):
        arrays = {}
        for part in ("train", "val", "test"):
            arrays[f"{part}_images"], arrays[f"{part}_labels"] = images(8, size, size, 3), labels(8, 8)[:, None]
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        bodies[f"/set/{file}?download=1"], first = packed.getvalue(), first or arrays
        digest = hashlib.md5(packed.getvalue()).hexdigest()
        monkeypatch.setitem(SETS["bloodmnist"].md5, size, digest)
    server = serve(bodies)
    monkeypatch.setattr(medmnist, "ADDRESS", server.url)
    return server, first


def test_a_set_is_fetched_once_and_has_its_names_and_licence(published, resolved):
    server, arrays = published
    name, said = resolved("medmnist:bloodmnist")
    data, found = data_set(name), load(name, ensure(name))

    assert (data.classes, data.shape, data.train, data.test) == (CLASSES, (3, 28, 28), 16, 8)
    assert (data.title, data.licence) == (f"BloodMNIST ({data.digest[:6]})", "CC BY 4.0")
    assert np.array_equal(found.test_images.numpy(), arrays["test_images"].transpose(0, 3, 1, 2))
    assert "its 8 validation images are the last training images" in said[1]
    assert resolved("medmnist:bloodmnist") == (name, [])
    assert server.asked == ["/set/bloodmnist.npz?download=1"]


@pytest.mark.usefixtures("published")
def test_another_size_is_another_file(resolved, cache):
    name, _ = resolved("medmnist:bloodmnist?size=64")

    assert data_set(name).shape == (3, 64, 64)
    assert data_set(name).title.startswith("BloodMNIST 64 × 64 (")
    assert not list(cache.glob("**/*.npz"))


def hang_up(request):
    begin(request, 1000)
    request.wfile.write(b"PK")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"PK other", "expected MD5"),
        (None, "404"),
        (hang_up, "expected MD5"),
    ],
)
def test_a_file_that_is_not_the_published_one_leaves_nothing(published, resolved, cache, body, words):
    server, _ = published
    server.bodies["/set/bloodmnist.npz?download=1"] = body

    with pytest.raises(SuiteError) as refused:
        resolved("medmnist:bloodmnist")

    assert words in str(refused.value)
    assert "give it as npz:FILE" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.code == MACHINE
    assert not list(cache.glob("*own-*")) + list(cache.glob(".own.*"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("medmnist:bloodmnits", "unknown set 'bloodmnits'; did you mean bloodmnist"),
        ("medmnist:chestmnist", "has several labels for one image"),
        ("medmnist:organmnist3d", "has images of three dimensions"),
        ("medmnist:bloodmnist?size=32", "size must be one of 28, 64, 128, 224, got 32"),
        ("medmnist:bloodmnist?colour=grey", "'colour' is no option of a MedMNIST set"),
        ("medmnist:", "names no path"),
    ],
)
def test_a_wrong_name_is_refused_before_anything_is_asked(published, resolved, name, words):
    with pytest.raises(SuiteError) as refused:
        resolved(name)

    assert words in str(refused.value)
    assert not published[0].asked


def test_the_facts_are_those_of_eleven_sets_in_four_sizes():
    digests = [digest for one in SETS.values() for digest in one.md5.values()]

    assert len(SETS) == 11
    assert len(set(digests)) == 44
    assert {len(digest) for digest in digests} == {32}
    assert all(len(set(one.classes)) == len(one.classes) >= 2 for one in SETS.values())
