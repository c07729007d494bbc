"""A folder of pictures becomes a data set that its contents name, or is refused in one line."""

import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from suite.data import ensure, load
from suite.data.catalog import data_set
from suite.data.own.request import parse
from suite.errors import SuiteError
from tests.data.own.conftest import picture


def colour_of(path):
    with Image.open(path) as image:
        return image.getpixel((0, 0))


def test_a_folder_of_classes_is_split_by_contents_and_frozen(flowers, resolved):
    name, said = resolved(f"folder:{flowers}")
    data, arrays = data_set(name), load(name, ensure(name))

    assert (data.classes, data.shape, data.train, data.test) == (("rose", "tulip"), (3, 6, 8), 16, 4)
    assert data.title == f"flowers ({data.digest[:6]})"
    assert tuple(arrays.train_images.shape) == (16, 3, 6, 8)
    assert arrays.train_labels.bincount().tolist() == [8, 8]
    assert arrays.test_labels.bincount().tolist() == [2, 2]
    assert "16 training and 4 test images of 6 × 8 in colour, 2 classes" in said[0]
    assert "20% of each class are test images" in said[1]


def test_the_pictures_are_in_the_arrays_with_their_labels(flowers, resolved):
    name, _ = resolved(f"folder:{flowers}")
    arrays = load(name, ensure(name))
    found = {
        (tuple(image[:, 0, 0].tolist()), int(label))
        for images, labels in ((arrays.train_images, arrays.train_labels), (arrays.test_images, arrays.test_labels))
        for image, label in zip(images, labels, strict=True)
    }

    assert found == {
        (colour_of(path), label) for label, kind in enumerate(("rose", "tulip")) for path in (flowers / kind).iterdir()
    }


def test_names_and_places_of_files_do_not_change_the_name(flowers, resolved, tmp_path):
    first, _ = resolved(f"folder:{flowers}")
    for number, path in enumerate(sorted((flowers / "rose").iterdir(), reverse=True)):
        path.rename(path.with_name(f"other{number}.PNG"))
    flowers.rename(tmp_path / "elsewhere")
    second, _ = resolved(f"folder:{tmp_path / 'elsewhere'}")

    assert second == first


@pytest.mark.parametrize("options", ["?seed=1", "?test=0.4", "?size=5", "?size=4x6", "?colour=grey"])
def test_another_option_is_another_set(flowers, resolved, options):
    assert resolved(f"folder:{flowers}{options}")[0] != resolved(f"folder:{flowers}")[0]


def test_another_picture_is_another_set_and_the_old_one_stays(flowers, resolved):
    first, _ = resolved(f"folder:{flowers}")
    picture(flowers / "rose" / "new.png", "red")
    second, _ = resolved(f"folder:{flowers}")

    assert second != first
    assert data_set(first).train + 1 == data_set(second).train


def test_a_known_folder_is_not_read_again(flowers, resolved, monkeypatch):
    name, _ = resolved(f"folder:{flowers}")
    monkeypatch.setattr("suite.data.own.reading._read", lambda *_: pytest.fail("read again"))

    assert resolved(f"folder:{flowers}") == (name, [])


def test_train_and_test_folders_are_taken_as_they_are(flowers, resolved, tmp_path):
    shutil.copytree(flowers, tmp_path / "set" / "train")
    picture(tmp_path / "set" / "test" / "rose" / "a.png", "red")
    shutil.copy(next((flowers / "tulip").iterdir()), tmp_path / "set" / "test" / "rose" / "b.png")
    picture(tmp_path / "set" / "test" / "tulip" / "c.png", "blue")
    name, said = resolved(f"folder:{tmp_path / 'set'}")

    assert (data_set(name).train, data_set(name).test) == (20, 3)
    assert "1 test images are also training images" in said[-1]


def test_equal_files_of_a_class_stay_on_one_side_of_the_split(flowers, resolved):
    for path in list((flowers / "rose").iterdir()):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    _, said = resolved(f"folder:{flowers}?test=0.5")

    assert not any("also training images" in line for line in said)


def pixel(resolved, path, options=""):
    """The first pixel of the picture in the set, with one more class beside it."""
    root = path.parent.parent
    with Image.open(path) as image:
        size = image.size
    for part in ("train", "test"):
        shutil.copytree(path.parent, root / "set" / part / "it")
        picture(root / "set" / part / "other" / "x.png", "red", size)
    name, _ = resolved(f"folder:{root / 'set'}{options}")
    arrays = load(name, ensure(name))
    return arrays.train_images[arrays.train_labels == 0][0][:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("mode", "colour", "options", "wanted"),
    [
        ("RGBA", (10, 20, 30, 0), "", [255, 255, 255]),
        ("RGBA", (10, 20, 30, 0), "?background=black", [0, 0, 0]),
        ("RGBA", (10, 20, 30, 255), "", [10, 20, 30]),
        ("LA", (7, 0), "", [255, 255, 255]),
        ("P", 0, "", [0, 0, 0]),
        ("I;16", 0x1234, "?colour=grey", [0x12]),
        ("I;16", 0xFFFF, "", [255, 255, 255]),
        ("1", 1, "?colour=grey", [255]),
        ("L", 77, "", [77, 77, 77]),
    ],
)
def test_transparency_palettes_and_16_bits_are_handled(resolved, tmp_path, mode, colour, options, wanted):
    path = picture(tmp_path / "it" / "a.png", colour, mode=mode)

    assert pixel(resolved, path, options) == wanted


def test_a_transparent_colour_of_a_palette_shows_the_background(resolved, tmp_path):
    path = picture(tmp_path / "it" / "a.png", 0, mode="P", transparency=0)

    assert pixel(resolved, path) == [255, 255, 255]


def test_a_picture_stands_upright_as_its_exif_says(resolved, tmp_path):
    image = Image.new("RGB", (8, 6), "black")
    image.paste("white", (0, 0, 8, 3))  # the upper half; after a quarter turn to the right it is the right half
    exif = Image.Exif()
    exif[0x0112] = 6
    for part in ("train", "test"):
        for kind in ("a", "b"):
            (tmp_path / "set" / part / kind).mkdir(parents=True)
            image.save(tmp_path / "set" / part / kind / "x.jpg", exif=exif, quality=100)
    name, _ = resolved(f"folder:{tmp_path / 'set'}")
    first = load(name, ensure(name)).train_images[0, 0].numpy()

    assert first.shape == (8, 6)
    assert first[:, -1].min() > 250
    assert first[:, 0].max() < 5


def bomb(path, width=50_000, height=50_000):
    """A PNG whose header promises so many pixels; its data are short."""

    def chunk(kind, contents):
        return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(50))) + chunk(b"IEND", b"")
    )


def cut(path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8))
    image.save(path)
    path.write_bytes(path.read_bytes()[:-60])


HOSTILE = {
    "a bomb": (bomb, "has more than 50,000,000 pixels."),
    "a smaller bomb": (lambda path: bomb(path, 8_000, 8_000), "has more than 50,000,000 pixels."),
    "cut off": (cut, "cannot be read as PNG or JPEG"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read as PNG or JPEG"),
    "no picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "cannot be read as PNG or JPEG"),
    "a GIF": (lambda path: Image.new("RGB", (8, 6)).save(path, "GIF"), "cannot be read as PNG or JPEG"),
    "a link": (lambda path: path.symlink_to("/etc/passwd"), "is a symbolic link."),
    "a pipe": (os.mkfifo, "is neither .png nor .jpg."),
    "a folder": (os.mkdir, "is neither .png nor .jpg."),
    "another size": (lambda path: picture(path, "red", (9, 6)), "6 × 9 pixels, but "),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_by_its_name_in_one_line(flowers, resolved, cache, kind):
    make, words = HOSTILE[kind]
    make(flowers / "tulip" / "bad.png")

    with pytest.raises(SuiteError) as refused:
        resolved(f"folder:{flowers}")

    assert str(flowers / "tulip") in str(refused.value)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(cache.glob("own-*"))
    assert not list(cache.glob(".own.*"))


def other_end(flowers):
    (flowers / "rose" / "notes.txt").write_text("x")
    return "notes.txt: is neither .png nor .jpg."


def empty_class(flowers):
    (flowers / "lily").mkdir()
    return "lily: has no pictures."


def no_classes(flowers):
    shutil.rmtree(flowers)
    picture(flowers / "a.png", "red")
    return "has no folders of classes."


def one_class(flowers):
    shutil.rmtree(flowers / "rose")
    return "1 classes."


def only_train(flowers):
    shutil.move(flowers / "rose", flowers / "train")
    return "has only train/."


def odd_class(flowers):
    for part in ("train", "test"):
        picture(flowers / part / "rose" / "a.png", "red")
    picture(flowers / "test" / "lily" / "a.png", "red")
    return "class 'lily' is only in one of train/ and test/."


def a_single_picture(flowers):
    picture(flowers / "lily" / "a.png", "red")
    return "class 'lily' has too few different pictures to split."


def a_linked_class(flowers):
    (flowers / "lily").symlink_to(flowers / "rose")
    return "lily: is a symbolic link."


@pytest.mark.parametrize(
    "change", [other_end, empty_class, no_classes, one_class, only_train, odd_class, a_single_picture, a_linked_class]
)
def test_a_folder_that_is_no_data_set_is_refused(flowers, resolved, change):
    words = change(flowers)

    with pytest.raises(SuiteError) as refused:
        resolved(f"folder:{flowers}")

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("folder:", "names no path"),
        ("folder:/x?colours=grey", "'colours' is no option of a folder; did you mean colour?"),
        ("folder:/x?size=0", "size must be pixels such as 32"),
        ("folder:/x?size=99999", "size must be pixels such as 32"),
        ("folder:/x?test=1", "test must be a share such as 0.2, got '1'"),
        ("folder:/x?test=0.0", "test must be a share"),
        ("folder:/x?colour=blue", "colour must be grey or rgb"),
    ],
)
def test_a_wrong_request_is_refused(text, words):
    with pytest.raises(SuiteError) as refused:
        parse(text)

    assert words in str(refused.value)


def test_a_folder_that_is_not_there_is_refused(resolved, tmp_path):
    with pytest.raises(SuiteError, match="there is no such folder"):
        resolved(f"folder:{tmp_path / 'absent'}")
