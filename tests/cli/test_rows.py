"""Rows of `list`: one's own data has a title that a reader knows, published data its name."""

import numpy as np
import pytest

from suite.api.rows import list_row
from suite.cli import main
from suite.data.own.reading import resolve
from suite.recipe import registry


@pytest.fixture
def flowers(tmp_path, monkeypatch):
    """The name in the cache of a file flowers.npz."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    images, labels = np.arange(192, dtype=np.uint8).reshape(4, 4, 4, 3), np.arange(4) % 2
    np.savez(tmp_path / "flowers.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    return resolve(f"npz:{tmp_path / 'flowers.npz'}", say=lambda _: None)


def test_list_names_the_data_as_a_reader_knows_it(flowers):
    [mlp] = registry.load().choose(["mlp"])

    assert list_row(mlp)[1] == "mnist"
    assert list_row(mlp.changed({"data": flowers}))[1] == f"flowers ({flowers.removeprefix('own-')[:6]})"


def test_show_names_the_data_with_their_title(flowers, tmp_path, capsys):
    answer = main(["show", "mlp", "--data", f"npz:{tmp_path / 'flowers.npz'}"])

    assert answer == 0
    assert f"{flowers}, which is flowers ({flowers.removeprefix('own-')[:6]})" in capsys.readouterr().out
