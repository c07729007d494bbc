"""Predictions of other programs: read alike from all three kinds of files, and refused in one line."""

import numpy as np
import pandas as pd
import pytest

from suite.disk.predictions import read_predictions
from suite.errors import SuiteError

ROWS = {
    "item": ["x10", "x9", "x9", "x10"],
    "label": [0, 1, 1, 0],
    "prediction": [0, 0, 1, 1],
    "seed": [7, 7, 3, 3],
    "confidence": [0.9, 0.5, 0.75, 0.25],
}


def written(path, rows):
    frame = pd.DataFrame(rows)
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".parquet":
            frame.to_parquet(path)
        case ".npz":
            np.savez(path, **{name: np.array(column) for name, column in rows.items()})
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_each_kind_of_file_gives_the_same_answers_by_seed_and_item(kind, tmp_path):
    found = read_predictions(written(tmp_path / f"ours.{kind}", ROWS))

    assert (found.items, found.labels, found.seeds) == (("x10", "x9"), ("0", "1"), (3, 7))
    assert found.predicted.tolist() == [["1", "1"], ["0", "0"]]
    assert found.confidence.tolist() == [[0.25, 0.75], [0.8999999761581421, 0.5]]


def test_probabilities_of_all_classes_give_the_confidence_and_without_any_there_is_none(tmp_path):
    rows = {name: column for name, column in ROWS.items() if name != "confidence"}
    by_class = {**rows, "p:0": [0.9, 0.5, 0.25, 0.75], "p:1": [0.1, 0.5, 0.75, 0.25]}

    known = read_predictions(written(tmp_path / "known.csv", by_class))
    assert known.confidence == pytest.approx(np.array([[0.25, 0.75], [0.9, 0.5]]))
    assert read_predictions(written(tmp_path / "unknown.csv", rows)).confidence is None


def test_names_of_classes_and_items_are_kept_as_they_are_written(tmp_path):
    rows = {"item": ["001", "NA"], "label": ["null", "a,b"], "prediction": ["null", "null"], "seed": [0, 0]}

    found = read_predictions(written(tmp_path / "ours.csv", rows))

    assert (found.items, found.labels) == (("001", "NA"), ("null", "a,b"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": None}, "has no column 'label': it has item, prediction, seed, confidence."),
        ({"seed": [7, 7, "three", 3]}, "row 3: seed 'three' is no number"),
        ({"seed": [7, 7, 3, 3.5]}, "row 4: seed"),
        ({"seed": [7, 7, 7, 3]}, "item 'x9' is there twice under seed 7"),
        ({"item": ["x10", "x9", "x9", "x8"]}, "item 'x10' has no answer under seed 3"),
        ({"label": [0, 1, 0, 0]}, "item 'x9' has the label '0' under seed 3 and '1' under seed 7"),
        ({"prediction": [0, "", 1, 1]}, "row 2: prediction '' is empty"),
        ({"confidence": [0.9, 0.5, 1.25, 0.1]}, "row 3: confidence '1.25' is no probability"),
        ({"confidence": None, "p:0": [1, 1, 1, 1]}, "row 3: prediction '1' has no column of its own"),
    ],
)
def test_what_does_not_fit_is_named_with_file_row_and_value(change, words, tmp_path):
    rows = {name: column for name, column in {**ROWS, **change}.items() if column is not None}
    path = written(tmp_path / "ours.csv", rows)

    with pytest.raises(SuiteError) as refused:
        read_predictions(path)

    assert words in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert refused.value.code == 2


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
@pytest.mark.parametrize("contents", [b"", b"\x00\xff\xfe nothing of the kind", b'a,b\n"1,2\n3,4,5\n'])
def test_a_file_of_another_kind_is_one_line(kind, contents, tmp_path):
    path = tmp_path / f"ours.{kind}"
    path.write_bytes(contents)

    with pytest.raises(SuiteError) as refused:
        read_predictions(path)

    assert refused.value.code == 2
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_a_missing_file_and_a_folder_are_the_machines(kind, tmp_path):
    folder = tmp_path / f"folder.{kind}"
    folder.mkdir()
    for path in (tmp_path / f"none.{kind}", folder):
        with pytest.raises(SuiteError) as refused:
            read_predictions(path)
        assert refused.value.code == 3, path


def test_no_pickle_is_loaded(tmp_path):
    path = tmp_path / "ours.npz"
    np.savez(path, item=np.array([{"a": 1}], dtype=object), label=[0], prediction=[0], seed=[0])

    with pytest.raises(SuiteError, match="cannot be read as npz"):
        read_predictions(path)
