import sys

import numpy as np
import pytest

from suite.data import ensure, load
from suite.data.catalog import CATALOG
from suite.data.contents import Unavailable
from suite.data.dataset import FILES
from suite.data.sources import digits as module


def test_the_digits_are_scikit_learns_centred_and_spread_over_all_grey_levels():
    published = np.loadtxt(module._published(), delimiter=",")
    data = load("digits", ensure("digits", say=lambda _: None))
    images = np.concatenate([data.train_images, data.test_images])[:, 0]
    labels = np.concatenate([data.train_labels, data.test_labels])

    assert images.shape == (1797, 28, 28)
    assert len(data.test_labels) == 297
    assert np.array_equal(images[:, 10:18, 10:18], np.round(published[:, :64].reshape(-1, 8, 8) * 255 / 16))
    assert images[:, 10:18, 10:18].sum() == images.sum()
    assert images.max() == 255
    assert np.array_equal(labels, published[:, 64])


def test_the_digits_need_no_import_of_scikit_learn(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)

    module.scikit_learn(CATALOG["digits"], tmp_path)

    assert "sklearn" not in sys.modules
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_without_scikit_learn_the_reason_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(Unavailable, match="scikit-learn is not installed"):
        module.scikit_learn(CATALOG["digits"], tmp_path)


@pytest.mark.parametrize("table", [b"", b"not gzip", b"\x1f\x8b\x08", "17,x,3", "1,2,3\n", "99999\n", "-1,2\n", "\n\n"])
def test_a_table_that_is_not_scikit_learns_is_refused(tmp_path, monkeypatch, table):
    path = tmp_path / "digits.csv.gz"
    path.write_bytes(table if isinstance(table, bytes) else module.gzip.compress(table.encode()))
    monkeypatch.setattr(module, "_published", lambda: path)

    with pytest.raises(Unavailable, match=r"digits\.csv\.gz"):
        module.scikit_learn(CATALOG["digits"], tmp_path)

    assert list(tmp_path.glob("*ubyte")) == []
