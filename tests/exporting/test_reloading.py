"""The check: another program's scores beside what a run has stored."""

from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from suite.errors import SuiteError
from suite.exporting.reloading import compared

SCORES = np.float32([[5, 0, 0], [0, 5, 0], [0, 0, 5], [3, 0, 1]])
FAKE = """import sys

import numpy as np

{first}
given = np.load(sys.argv[1])
assert given.dtype == np.uint8
np.save(sys.argv[2], np.float32({scores}))
"""


@pytest.fixture
def compare(tmp_path):
    """The comparison of a program that returns these scores with the stored predictions of `SCORES`."""
    likely = np.exp(SCORES) / np.exp(SCORES).sum(1, keepdims=True)
    facts = {"predicted": likely.argmax(1).astype(np.uint8), "confidence": likely.max(1).astype(np.float32)}
    (tmp_path / "run").mkdir()
    (tmp_path / "made").mkdir()

    def give(scores, first="", loss="cross-entropy", **stored):
        save_file({**facts, **stored}, tmp_path / "run" / "predictions.safetensors")
        text = FAKE.format(first=first, scores=np.asarray(scores).tolist())
        (tmp_path / "made" / "load.py").write_text(text)
        run = SimpleNamespace(folder=tmp_path / "run")
        return compared(run, loss, tmp_path / "made", np.zeros((4, 1, 2, 2), np.uint8), tmp_path)

    return give


def test_the_same_scores_differ_by_rounding_only(compare):
    found = compare(SCORES)

    assert (found.images, found.flipped) == (4, 0)
    assert found.largest < 1e-6


def test_flipped_images_and_the_largest_difference_in_the_stored_class_are_counted(compare):
    changed = SCORES.copy()
    changed[1] = [5, 0, 0]
    changed[3] = [0, 0, 1]

    found = compare(changed)

    assert found.flipped == 2
    assert found.largest == pytest.approx(np.exp(5) / (np.exp(5) + 2) - 1 / (np.exp(5) + 2), abs=1e-6)


def test_scores_of_the_squared_error_are_limited_to_0_and_1(compare):
    found = compare(SCORES / 4, loss="mse-one-hot", confidence=np.float32([1, 1, 1, 0.5]))

    assert found.largest == pytest.approx(0.25)


@pytest.mark.parametrize("first", ["import suite", "import experiments", "raise ValueError('no\\nsuch')"])
def test_a_program_that_needs_the_suite_or_fails_is_an_error_of_one_line(compare, first):
    with pytest.raises(SuiteError, match="cannot be loaded again by a program without the suite: ") as refused:
        compare(SCORES, first)

    assert refused.value.code == 1
    assert "\n" not in str(refused.value)


def test_the_folder_of_the_export_is_left_as_it_was(compare, tmp_path):
    compare(SCORES)

    assert [path.name for path in (tmp_path / "made").iterdir()] == ["load.py"]
