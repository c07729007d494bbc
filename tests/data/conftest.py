"""A cache of the test's own, and small data sets under the real names."""

import hashlib
import random
from dataclasses import replace

import pytest

from suite.data.catalog import CATALOG
from suite.data.dataset import FILES
from suite.data.sources.digits import scikit_learn
from suite.data.sources.order import SOURCES


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder in which the data sets' own folders appear; not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "suite-benchmark" / "data"


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The contents of the four files of the digits, by name."""
    folder = tmp_path_factory.mktemp("digits")
    scikit_learn(CATALOG["digits"], folder)
    return {file: (folder / file).read_bytes() for file in FILES}


@pytest.fixture
def mnist(monkeypatch):
    """The contents of an MNIST of 40 images, which takes the place of the real one in the catalog."""
    return _small("mnist", monkeypatch)


@pytest.fixture
def fashion(monkeypatch):
    """The contents of a Fashion-MNIST of 40 images, which takes the place of the real one in the catalog."""
    return _small("fashion-mnist", monkeypatch)


def _small(name, monkeypatch):
    small = replace(CATALOG[name], train=30, test=10)
    draw = random.Random(name)
    contents = {}
    for file in FILES:
        header = small.header(file)
        contents[file] = header + draw.randbytes(small.size(file) - len(header))
    digests = {file: hashlib.sha256(contents[file]).hexdigest() for file in FILES}
    monkeypatch.setitem(CATALOG, name, replace(small, sha256=digests))
    return contents


@pytest.fixture
def no_sources(monkeypatch):
    """Nothing beyond the folder and the cache gives MNIST."""
    monkeypatch.setitem(SOURCES, "mnist", ())
