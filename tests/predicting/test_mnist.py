"""The reference: ten pages written by hand, read by networks that were trained on the real MNIST."""

import pytest

from tests.conftest import Workspace
from tests.predicting import handmade

pytestmark = [pytest.mark.promise, pytest.mark.full, pytest.mark.commands]


def test_networks_trained_on_mnist_read_the_pages_with_the_correction_only(tmp_path, figure):
    for name in ("home", "pages"):
        (tmp_path / name).mkdir()
    handmade.write_all(tmp_path / "pages")
    workspace = Workspace(tmp_path / "home", {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    workspace.suite("run", "linear", "mlp", "cnn", "--data", "mnist", "--seeds", "1", "--no-report")

    for name in ("linear", "mlp", "cnn"):
        answers = [
            workspace.suite("predict", f"{name}-s0", str(tmp_path / "pages"), "--json", *words)
            for words in ((), ("--as-is",))
        ]
        corrected, as_is = (
            sum(one["class"] == one["picture"][-5] for one in answer.json["pictures"]) for answer in answers
        )
        figure(f"{name} on MNIST reads {corrected} of 10 pages written by hand, {as_is} with --as-is")
        assert corrected >= 8
        assert as_is <= 2
