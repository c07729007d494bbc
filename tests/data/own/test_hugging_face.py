"""A set in the formats of the `datasets` library becomes a data set, or is refused in one line; no network is used."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from suite.data import ensure, load
from suite.data.catalog import data_set
from suite.errors import MACHINE, SuiteError
from tests.data.own.conftest import picture


@pytest.fixture
def datasets(tmp_path, monkeypatch):
    """The library with a cache of the test's own, and without a network."""
    library = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setattr(library.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setattr(library.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    library.disable_progress_bars()
    return library


def png(value, size=(5, 4)):
    packed = io.BytesIO()
    Image.new("RGB", size, (value, 0, 9)).save(packed, "PNG")
    return {"bytes": packed.getvalue(), "path": None}


def rows(datasets, count=10, first=0, labels=None, **more):
    """A split of different pictures in two classes."""
    labels = labels or datasets.ClassLabel(names=["cat", "dog"])
    columns = {"image": [png(first + at) for at in range(count)], "label": [at % 2 for at in range(count)]}
    features = {"image": datasets.Image(), "label": labels}
    for name, (values, kind) in more.items():
        columns[name], features[name] = values, kind
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


def saved(datasets, folder, **splits):
    datasets.DatasetDict(splits).save_to_disk(str(folder))
    return f"hf:{folder}"


def test_a_saved_set_with_train_and_test(datasets, tmp_path, resolved):
    name, said = resolved(saved(datasets, tmp_path / "pets", train=rows(datasets), test=rows(datasets, 4, 50)))
    data, found = data_set(name), load(name, ensure(name))

    assert (data.classes, data.shape, data.train, data.test) == (("cat", "dog"), (3, 4, 5), 10, 4)
    assert data.title.startswith("pets (")
    pairs = zip(found.train_images[:, 0, 0, 0].tolist(), found.train_labels.tolist(), strict=True)
    assert sorted(pairs) == [(at, at % 2) for at in range(10)]
    assert "images from column 'image', labels from 'label'" in said[1]
    assert "trained on its split 'train', tested on 'test'" in said[2]


def test_parquet_files_and_a_saved_set_with_the_same_pictures_are_the_same_set(datasets, tmp_path, resolved):
    splits = {"train": rows(datasets), "test": rows(datasets, 4, 50)}
    for part, one in splits.items():
        one.to_parquet(tmp_path / "pets" / "data" / f"{part}.parquet")
    first, _ = resolved(f"hf:{tmp_path / 'pets'}")

    assert first == resolved(saved(datasets, tmp_path / "saved", **splits))[0]
    assert resolved(f"hf:{tmp_path / 'pets'}") == (first, [])


@pytest.mark.usefixtures("datasets")
def test_a_folder_of_pictures_gives_the_same_images_as_ours(tmp_path, resolved):
    for part, first in (("train", 0), ("test", 100)):
        for at in range(8):
            picture(tmp_path / "pets" / part / ("cat", "dog")[at % 2] / f"{at}.png", (first + at, 3, 5))

    assert resolved(f"hf:{tmp_path / 'pets'}")[0] == resolved(f"folder:{tmp_path / 'pets'}")[0]


def test_one_split_is_divided_and_options_are_those_of_a_folder(datasets, tmp_path, resolved):
    where = saved(datasets, tmp_path / "pets", train=rows(datasets, 20))
    name, said = resolved(f"{where}?size=3x2&colour=grey&test=0.3&seed=4")

    assert (data_set(name).shape, data_set(name).train, data_set(name).test) == ((1, 3, 2), 14, 6)
    assert "30% of each class are test images, chosen by contents (?test=0.3&seed=4)" in said[2]
    assert resolved(where)[0] != name


def test_columns_are_chosen_by_name(datasets, tmp_path, resolved):
    more = {"mask": ([png(at, (7, 7)) for at in range(20)], datasets.Image()),
            "kind": (["a", "b", "c", "d"] * 5, datasets.Value("string"))}  # fmt: skip
    where = saved(datasets, tmp_path / "pets", train=rows(datasets, 20, **more))
    name, _ = resolved(f"{where}?image=mask&label=kind")

    assert (data_set(name).classes, data_set(name).shape) == (("a", "b", "c", "d"), (3, 7, 7))


def test_numbers_are_classes_too(datasets, tmp_path, resolved):
    name, _ = resolved(saved(datasets, tmp_path / "pets", train=rows(datasets, labels=datasets.Value("int64"))))

    assert data_set(name).classes == ("0", "1")


def refused(resolved, name):
    with pytest.raises(SuiteError) as found:
        resolved(name)

    assert "\n" not in str(found.value)
    return found.value


def test_columns_that_cannot_be_meant_are_refused(datasets, tmp_path, resolved):
    two = rows(datasets, mask=([png(at) for at in range(10)], datasets.Image()))
    for number, (split, options, words) in enumerate([
        (two, "", "has several columns of pictures: image, mask. Choose one with ?image=COLUMN"),
        (two, "?image=label", "'label' is no column of pictures. There are: image, mask."),
        (two, "?image=image&label=mask", "'mask' is no column of classes. There are: label."),
        (rows(datasets).remove_columns("image"), "", "has no column of pictures."),
        (rows(datasets).remove_columns("label"), "", "has no column of classes."),
        (rows(datasets, other=([0, 1] * 5, datasets.ClassLabel(names=["x", "y"]))), "", "several columns of classes"),
        (rows(datasets, labels=datasets.Value("float32")), "", "has no column of classes"),
    ]):  # fmt: skip
        assert words in str(refused(resolved, saved(datasets, tmp_path / str(number), train=split) + options))


def test_rows_that_are_no_labelled_pictures_are_refused_by_their_number(datasets, tmp_path, resolved):
    hidden = saved(
        datasets, tmp_path / "hidden", train=rows(datasets), test=rows(datasets).map(lambda _: {"label": -1})
    )
    kind = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    images = [png(at) for at in range(5)] + [{"bytes": b"GIF89a", "path": None}]
    bad = datasets.Dataset.from_dict({"image": images, "label": [0, 1] * 3}, features=kind)
    none = datasets.Dataset.from_dict({"image": [None, *images[:5]], "label": [0, 1] * 3}, features=kind)

    assert "split 'test', row 0: the label is -1" in str(refused(resolved, hidden))
    assert "row 5, column 'image': cannot be read as PNG or JPEG" in str(
        refused(resolved, saved(datasets, tmp_path / "bad", train=bad, test=rows(datasets)))
    )
    assert "row 0, column 'image': has no picture" in str(
        refused(resolved, saved(datasets, tmp_path / "none", train=none))
    )


@pytest.mark.usefixtures("datasets")
def test_a_program_is_never_run(tmp_path, resolved):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "pets.py").write_text("raise SystemExit('it ran')")

    assert "It is a program, which is never run here." in str(refused(resolved, f"hf:{tmp_path / 'pets'}"))


@pytest.mark.usefixtures("datasets")
def test_without_a_network_a_set_of_the_hub_is_a_matter_of_the_machine(tmp_path, resolved, monkeypatch):
    picture(tmp_path / "nobody" / "pets" / "train" / "cat" / "0.png", "red")
    monkeypatch.chdir(tmp_path)  # a folder of the same name is not what was asked for
    error = refused(resolved, "hf:nobody/pets")

    assert error.code == MACHINE
    assert "data: hf:nobody/pets: " in str(error)


@pytest.mark.usefixtures("datasets")
def test_names_that_are_none(tmp_path, resolved):
    assert "is no name of a set on the Hugging Face Hub" in str(refused(resolved, "hf:parquet"))
    assert "did you mean config" in str(refused(resolved, "hf:a/b?confgi=x"))
    assert "there is no such folder" in str(refused(resolved, f"hf:{tmp_path / 'none'}"))


def test_without_the_library_it_is_named(resolved, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    error = refused(resolved, "hf:a/b")

    assert (error.code, "pip install 'suite[hf]'" in str(error)) == (MACHINE, True)


def test_the_same_rows_in_another_order_are_the_same_set(datasets, tmp_path, resolved):
    split = rows(datasets)
    turned = split.select(np.arange(10)[::-1])

    assert len({resolved(saved(datasets, tmp_path / n, train=one))[0] for n, one in (("a", split), ("b", turned))}) == 1
