"""Arrays of an .npz file and of a file of one's own become a data set, or are refused in one line."""

import os
import py_compile

import numpy as np
import pytest

from suite.data import ensure, load
from suite.data.catalog import data_set
from suite.data.own.request import look_in
from suite.errors import SuiteError

RANDOM = np.random.default_rng(0)


def images(count, *shape):
    return RANDOM.integers(0, 256, (count, *shape), np.uint8)


def labels(count, classes=2):
    return np.arange(count) % classes


def medmnist(**changes):
    """The six arrays of a MedMNIST file in colour; its labels have a second dimension."""
    arrays = {}
    for part, count in (("train", 12), ("val", 4), ("test", 6)):
        arrays[f"{part}_images"] = images(count, 5, 7, 3)
        arrays[f"{part}_labels"] = labels(count).astype(np.uint8)[:, None]
    return arrays | changes


def keras():
    return {"x_train": images(12, 5, 7), "y_train": labels(12), "x_test": images(6, 5, 7), "y_test": labels(6)}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_medmnists_six_arrays(tmp_path, resolved, save):
    arrays = medmnist()
    save(tmp_path / "path.npz", **arrays)
    name, said = resolved(f"npz:{tmp_path / 'path.npz'}")
    data, found = data_set(name), load(name, ensure(name))

    assert (data.shape, data.classes, data.train, data.test) == ((3, 5, 7), ("0", "1"), 16, 6)
    wanted = np.concatenate([arrays["train_images"], arrays["val_images"]]).transpose(0, 3, 1, 2)
    assert np.array_equal(found.train_images.numpy(), wanted)
    assert np.array_equal(found.test_images.numpy(), arrays["test_images"].transpose(0, 3, 1, 2))
    assert found.test_labels.tolist() == arrays["test_labels"][:, 0].tolist()
    assert "its 4 validation images are the last training images" in said[1]


def test_keras_four_arrays_in_grey_with_names_of_the_classes(tmp_path, resolved):
    arrays = keras()
    np.savez(tmp_path / "mine.npz", **arrays, classes=np.array(["cat", "dog"]))
    name, _ = resolved(f"npz:{tmp_path / 'mine.npz'}")
    found = load(name, ensure(name))

    assert (data_set(name).shape, data_set(name).classes) == ((1, 5, 7), ("cat", "dog"))
    assert np.array_equal(found.train_images.numpy()[:, 0], arrays["x_train"])


def test_channels_first_is_understood_and_gives_the_same_set(tmp_path, resolved):
    arrays = keras() | {"x_train": images(12, 5, 7, 3), "x_test": images(6, 5, 7, 3)}
    np.savez(tmp_path / "last.npz", **arrays)
    turned = {name: value.transpose(0, 3, 1, 2) if "x_" in name else value for name, value in arrays.items()}
    np.savez(tmp_path / "first.npz", **{name: np.ascontiguousarray(value) for name, value in turned.items()})

    assert resolved(f"npz:{tmp_path / 'last.npz'}")[0] == resolved(f"npz:{tmp_path / 'first.npz'}")[0]


def test_blocks_of_a_few_rows_give_the_same_set(tmp_path, resolved, monkeypatch):
    np.savez(tmp_path / "a.npz", **medmnist())
    np.savez(tmp_path / "b.npz", **dict(np.load(tmp_path / "a.npz", allow_pickle=False)))
    whole, _ = resolved(f"npz:{tmp_path / 'a.npz'}")
    monkeypatch.setattr("suite.data.freezing.AT_ONCE", 5 * 7 * 3 * 5)

    assert resolved(f"npz:{tmp_path / 'b.npz'}", again=True)[0] == whole


def test_300_classes_have_labels_of_two_bytes(tmp_path, resolved):
    np.savez(
        tmp_path / "many.npz", x_train=images(300, 2, 2), y_train=labels(300, 300), x_test=images(300, 2, 2),
        y_test=labels(300, 300)[::-1],
    )  # fmt: skip
    name, _ = resolved(f"npz:{tmp_path / 'many.npz'}")

    assert load(name, ensure(name)).test_labels.tolist() == list(range(300))[::-1]
    assert np.load(ensure(name) / "train-labels.npy", allow_pickle=False).dtype == np.uint16


BAD = {
    "floats": (medmnist(train_images=np.zeros((12, 5, 7, 3))), "train_images: images must be uint8 from 0 to 255"),
    "flat": (medmnist(train_images=images(12, 105)), "images must be (n, height, width)"),
    "four channels": (medmnist(train_images=images(12, 5, 7, 4)), "images must be (n, height, width)"),
    "other sizes": (medmnist(test_images=images(6, 5, 8, 3)), "All must have the same one."),
    "fewer labels": (medmnist(test_labels=labels(5)), "labels must be one number for each of 6 images, got (5,)"),
    "several labels": (medmnist(test_labels=np.zeros((6, 14), int)), "Several labels for one image"),
    "labels of floats": (medmnist(test_labels=np.zeros(6)), "labels must be whole numbers, got float64"),
    "negative labels": (medmnist(test_labels=labels(6) - 1), "labels from -1 to 0 do not fit 2 classes"),
    "labels from 1": (medmnist(train_labels=labels(12) + 1, val_labels=labels(4) + 1, test_labels=labels(6) + 1),
                      "no training image of class '0'"),
    "a class without tests": (medmnist(test_labels=np.zeros(6, int)), "no test image of class '1'"),
    "one class": ({**medmnist(), **{f"{part}_labels": np.zeros(count, int)
                                   for part, count in (("train", 12), ("val", 4), ("test", 6))}}, "1 classes"),
    "a huge label": (medmnist(test_labels=labels(6) * 10**9), "the largest label is 1,000,000,000"),
    "objects": (medmnist(train_labels=np.array([{}] * 12)), "holds Python objects, which are not read"),
    "no images": (medmnist(test_images=images(0, 5, 7, 3), test_labels=labels(0)), "there are no test images"),
    "Fortran's order": (medmnist(train_images=np.asfortranarray(images(12, 5, 7, 3))), "is in Fortran's order"),
    "other names": ({"a": labels(3)}, "has the arrays a. It must have train_images"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_arrays_that_are_no_data_set_are_refused_in_one_line(tmp_path, resolved, cache, kind):
    arrays, words = BAD[kind]
    np.savez(tmp_path / "bad.npz", **arrays)

    with pytest.raises(SuiteError) as refused:
        resolved(f"npz:{tmp_path / 'bad.npz'}")

    assert words in str(refused.value)
    assert not list(cache.glob("own-*"))
    assert not list(cache.glob(".own.*"))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_file_that_is_cut_off_is_refused(tmp_path, resolved, share):
    np.savez_compressed(tmp_path / "cut.npz", **medmnist())
    contents = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(contents[: int(len(contents) * share)])

    with pytest.raises(SuiteError, match=r"cut\.npz: "):
        resolved(f"npz:{tmp_path / 'cut.npz'}")


@pytest.mark.parametrize("seed", range(5))
def test_a_file_with_a_changed_bit_is_refused_or_gives_the_same_set(tmp_path, resolved, seed):
    np.savez_compressed(tmp_path / "a.npz", **medmnist())
    whole, _ = resolved(f"npz:{tmp_path / 'a.npz'}")
    contents = bytearray((tmp_path / "a.npz").read_bytes())
    contents[np.random.default_rng(seed).integers(len(contents) // 2)] ^= 16
    (tmp_path / "a.npz").write_bytes(contents)

    try:
        found, _ = resolved(f"npz:{tmp_path / 'a.npz'}")
    except SuiteError as refused:
        found = str(refused)

    # the bit may be in a field that has no meaning here, such as a time
    assert found == whole or "a.npz: " in found


SCRIPT = """
import numpy as np

def load():
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (30, 4, 4), np.uint8)
    labels = np.arange(30) % 3
    return {"train_images": images[:21], "train_labels": labels[:21], "test_images": images[21:],
            "test_labels": labels[21:], "classes": ["a", "b", "c"]}
"""


@pytest.fixture
def mine(tmp_path):
    """Write `datasets/shapes.py` with a text and return its path."""
    (tmp_path / "datasets").mkdir()
    look_in([tmp_path])

    def write(text):
        (tmp_path / "datasets" / "shapes.py").write_text(text)
        return tmp_path / "datasets" / "shapes.py"

    yield write
    look_in([])


def test_a_file_of_ones_own_is_found_by_its_name(mine, resolved):
    mine(SCRIPT)
    name, said = resolved("shapes")

    assert (data_set(name).classes, data_set(name).train) == (("a", "b", "c"), 21)
    assert said[0].startswith(f"{data_set(name).title}: 21 training and 9 test images")
    assert resolved("shapes") == (name, [])


def test_its_load_is_called_once_until_it_is_changed_or_asked_for(mine, resolved, tmp_path):
    counted = SCRIPT.replace(
        "    random =", f"    with open({str(tmp_path / 'calls')!r}, 'a') as file: file.write('x')\n    random ="
    )
    mine(counted)
    resolved("shapes")
    resolved("shapes")
    assert (tmp_path / "calls").read_text() == "x"

    resolved("shapes", again=True)
    mine(counted + "# changed\n")
    resolved("shapes")
    assert (tmp_path / "calls").read_text() == "xxx"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "has no function load()"),
        ("def load(): return 3", "load() returned int. It must return a dictionary with train_images"),
        ("def load(): raise ValueError('no disk')", "load(): ValueError: no disk."),
        ("def load(:", "SyntaxError"),
        ("import sys\n\ndef load():\n    sys.exit(0)", "shapes.py:4: load(): SystemExit: 0 (it calls sys.exit). Fix"),
        ("raise KeyboardInterrupt.__base__('no')", "shapes.py:1: load(): BaseException: no. Fix the file."),
        (SCRIPT.replace('"c"]', '"b"]'), "the names of the classes must differ"),
        (SCRIPT.replace('"c"]', '"c", "d"]'), "no training image of class 'd'"),
        (SCRIPT.replace("labels[21:]", "labels[21:].tolist()[:2]"), "labels must be one number for each of 9 images"),
        (SCRIPT.replace("images[:21]", "images[:21] / 255"), "images must be uint8 from 0 to 255, got float64"),
    ],
)
def test_a_file_that_is_no_data_set_is_refused_in_one_line(mine, resolved, text, words):
    path = mine(text)

    with pytest.raises(SuiteError) as refused:
        resolved("shapes")

    assert str(path) in str(refused.value) or "shapes" in str(refused.value)
    assert words in str(refused.value)


def test_a_file_is_read_from_its_source_though_a_compiled_one_looks_as_new(mine, resolved):
    path = mine(SCRIPT.replace('"c"]', '"x"]'))
    time = path.stat()
    py_compile.compile(str(path))
    os.utime(mine(SCRIPT), ns=(time.st_atime_ns, time.st_mtime_ns))  # of the same length and second

    name, _ = resolved("shapes")

    assert list(data_set(name).classes) == ["a", "b", "c"]


def test_what_a_file_does_to_the_environment_is_undone(mine, resolved, monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    mine("import os\nos.environ['KEPT'] = '2'\nos.environ['ADDED'] = '1'\n" + SCRIPT)
    resolved("shapes")

    assert os.environ["KEPT"] == "1"
    assert "ADDED" not in os.environ
