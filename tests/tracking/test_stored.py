"""Artifacts are read; damaged ones count as missing: old histories, other shapes, bytes from other people."""

import numpy as np
import pytest
from safetensors.numpy import save

from suite.runs import artifacts
from suite.tracking.stored import class_names, history, matrix, numbers, predictions

OLD = b"epoch,images,train_loss\n0,100,1.5\n1,100,\n"
NEW = b"epoch,train_loss,test_accuracy,train_seconds\n0,1.5,0.5,2.0\n1,1.0,0.75,3.5\n"


def stored(seed=0, images=4, **changed):
    draw = np.random.default_rng(seed)
    whole = {
        "predicted": draw.integers(0, 10, images).astype(np.uint8),
        "confidence": draw.random(images, dtype=np.float32),
        "label": np.arange(images, dtype=np.uint8),
    }
    return save({name: array for name, array in {**whole, **changed}.items() if array is not None})


def test_a_history_without_a_clock_or_test_accuracy_has_none_of_both():
    rows = history(OLD)

    assert [row["train_loss"] for row in rows] == [1.5, None]
    for name in ("test_accuracy", "train_seconds", "cumulative_train_seconds"):
        assert [row[name] for row in rows] == [None, None]


def test_a_history_with_them_gives_each_epoch_and_the_seconds_so_far():
    rows = history(NEW)

    assert [row["test_accuracy"] for row in rows] == [0.5, 0.75]
    assert [row["train_seconds"] for row in rows] == [2.0, 3.5]
    assert [row["cumulative_train_seconds"] for row in rows] == [2.0, 5.5]


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\x00", b"epoch\nfirst\n", b"epoch\n0,1\n", b"a\x00b\n1\n"])
def test_what_is_no_table_of_numbers_has_no_rows_of_more_than_numbers(text):
    assert all(type(cell) is float for row in numbers(text) for cell in row.values())


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (b"t,a,b\na,3,1\nb,0,2\n", True),
        (b"t,a,b\na,3,1\n", False),
        (b"t,a,b\na,3,1\nb,0\n", False),
        (b"t,a,b\na,3,x\nb,0,2\n", False),
        (b"t,a,b\na,3,nan\nb,0,2\n", False),
        (b"t,a,b\na,3,-1\nb,0,2\n", False),
        (b"t,a,b\na,0,0\nb,0,0\n", False),
        (b"", False),
    ],
)
def test_a_matrix_is_square_of_counts_or_none(text, whole):
    found = matrix(text, 2)

    assert (found is not None) == whole
    assert not whole or found.tolist() == [[3, 1], [0, 2]]


def test_the_predictions_of_all_seeds_lie_on_each_other():
    found = predictions([stored(0), stored(1)], 4, 10)

    assert found.predicted.shape == found.confidence.shape == (2, 4)
    assert [str(array.dtype) for array in found] == ["uint8", "float32", "uint8"]
    assert found.labels.tolist() == [0, 1, 2, 3]


def test_predictions_of_more_than_256_classes_are_read():
    wide = {"predicted": np.array([0, 299, 5, 6], np.uint16), "label": np.array([0, 299, 5, 7], np.uint16)}

    found = predictions([stored(0, **wide), stored(1, **wide)], 4, 300)

    assert found.predicted.tolist() == [[0, 299, 5, 6]] * 2
    assert found.labels.tolist() == [0, 299, 5, 7]
    assert predictions([stored(0, **wide)], 4, 299) is None
    assert predictions([stored(0, **{**wide, "label": wide["label"].astype(np.uint8)})], 4, 300) is None


@pytest.mark.parametrize(
    "second",
    {
        "missing": b"",
        "cut short": stored()[:-1],
        "garbage": b"\xff" * 200,
        "another test set": stored(images=5),
        "other labels": stored(label=np.zeros(4, np.uint8)),
        "another kind": stored(predicted=np.zeros(4, np.int64)),
        "half of it": stored(confidence=None),
        "no number": stored(confidence=np.full(4, np.nan, np.float32)),
    }.values(),
)
def test_one_damaged_file_leaves_the_group_without_predictions(second):
    assert predictions([stored(), second], 4, 10) is None


@pytest.mark.parametrize(("text", "names"), [
    (b"t,a,b\na,3,1\nb,0,2\n", ("a", "b")),
    ("t,お,き\nお,3,1\nき,0,2\n".encode(), ("お", "き")),
    (b"t,\x1b[31ma,b\na,3,1\nb,0,2\n", ("[31ma", "b")),
    (b"t\na\n", ()),
    (b"t," + b",".join(b"%d" % n for n in range(300)) + b"\n0\n", tuple(map(str, range(300)))),
    (b"t," + b",".join(b"%d" % n for n in range(70_000)) + b"\n0\n", ()),
    (b"\xff", ()),
    (b"", ()),
])  # fmt: skip
def test_the_classes_are_those_of_the_header(text, names):
    assert class_names(text) == names


def test_predictions_of_a_class_without_a_name_are_none():
    assert predictions([stored()], 4, 3) is None


def test_predictions_of_another_number_of_images_are_none():
    assert predictions([stored()], 5, 10) is None


def test_a_matrix_of_many_classes_is_kept_by_its_cells_and_read_back(tmp_path):
    names = tuple(f"class {number}" for number in range(60))
    counts = np.diag(np.arange(60.0) + 1)
    counts[3, 59] = 7
    artifacts._write_confusion(tmp_path / "confusion.csv", counts, names)
    text = (tmp_path / "confusion.csv").read_bytes()

    assert text.count(b"\n") == 62
    assert class_names(text) == names
    assert np.array_equal(matrix(text, 60), counts)


def test_a_matrix_of_few_classes_keeps_its_form(tmp_path):
    artifacts._write_confusion(tmp_path / "confusion.csv", np.eye(2), ("a", "b"))

    assert (tmp_path / "confusion.csv").read_text() == "true \\ predicted,a,b\na,1,0\nb,0,1\n"


@pytest.mark.parametrize(
    "rows", ["a,a,1\nb,c,1\n", "a,a,x\nb,b,1\n", "a,a\nb,b,1\n", "a,a,-1\nb,b,1\n", "a,a,nan\nb,b,1\n"]
)
def test_damaged_cells_are_no_matrix(rows):
    assert matrix(f"true,predicted,images\n{rows}".encode(), 2) is None
