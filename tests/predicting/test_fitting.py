"""Pictures of one's own become what the training images are, and training images stay as they are."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from suite import data
from suite.errors import SuiteError
from suite.predicting.fitting import fitted
from suite.predicting.listing import listed
from suite.predicting.measures import measured, sampled, usual
from tests.predicting import handmade

pytestmark = pytest.mark.slow

SHAPE = (1, 28, 28)


@pytest.fixture(scope="module")
def training():
    """The digits' training images, uint8 (1500, 28, 28)."""
    return data.load_training("digits", data.ensure("digits"))[0].numpy()[:, 0]


@pytest.fixture(scope="module")
def common(training):
    return usual(sampled(training))


@pytest.fixture
def picture(tmp_path):
    """Saves an image and fits it."""

    def fit(image, common, *, as_is=False, shape=SHAPE, name="own.png"):
        image.save(tmp_path / name)
        return fitted(tmp_path / name, shape, common, as_is=as_is)

    return fit


def whats(found):
    return {one.what for one in found.differences if one.corrected}


def square(ground, ink, box=(10, 10, 18, 18), size=(28, 28)):
    image = Image.new("L", size, ground)
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=ink)
    return image


def test_the_measures_of_a_dark_square_are_its_own():
    found = measured(np.asarray(square(250, 30, (3, 8, 9, 20)))[None])

    assert (found.background[0], found.sign[0], found.contrast[0], found.plain[0]) == (250, -1, 220, 1)
    assert found.length[0] == 12
    assert found.box[0] == pytest.approx([0, -8])
    assert found.mass[0] == pytest.approx([0, -8])


def test_what_is_usual_is_measured_and_photographs_have_nothing_usual(common):
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)

    assert (common.background, common.sign, common.centre) == (0, 1, "box")
    assert common.length.middle == 8
    assert usual(noise) is None
    assert usual(np.full((50, 28, 28), 7, np.uint8)) is None


def test_training_images_saved_as_png_come_back_bit_for_bit(training, common, picture):
    for one in training[:200:10]:
        found = picture(Image.fromarray(one), common)

        assert found.differences == []
        assert np.array_equal(found.pixels[0], one)


def test_an_inverted_training_image_is_only_inverted(training, common, picture):
    for one in training[:200:10]:
        found = picture(Image.fromarray(255 - one), common)

        assert whats(found) == {"polarity"}
        assert np.array_equal(found.pixels[0], one)


def test_as_is_changes_nothing_but_the_size_and_says_the_same(training, common, picture):
    inverted = Image.fromarray(255 - training[0])

    found = picture(inverted, common, as_is=True)

    assert np.array_equal(found.pixels[0], 255 - training[0])
    assert [(one.what, one.corrected) for one in found.differences] == [("polarity", False)]


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (square(0, 100), "range"), (square(60, 255), "range"), (square(0, 255, (2, 2, 26, 26)), "margins"),
        (square(0, 255, (0, 20, 8, 28)), "margins"), (square(255, 0, (300, 40, 380, 120), (800, 400)), "proportions"),
        (square(255, 0), "polarity"), (square(200, 120, (3, 3, 23, 23)), "polarity"),
    ],
)  # fmt: skip
def test_what_differs_is_named_and_corrected(image, what, common, picture):
    found = picture(image, common)

    seen = measured(found.pixels)
    assert what in whats(found)
    assert (seen.background[0], seen.sign[0]) == (0, 1)
    assert seen.contrast[0] >= 239
    assert seen.length[0] == 8
    assert np.abs(seen.box[0]).max() <= 0.5


def test_the_middle_of_the_ink_goes_where_the_training_images_have_it(picture):
    heavy = np.zeros((20, 28, 28), np.uint8)  # a wide foot: the mass lies below the middle of the box
    heavy[:, 6:18, 12:14], heavy[:, 18:20, 6:22] = 255, 255
    for number, one in enumerate(heavy):
        heavy[number] = np.roll(one, number % 2, axis=0)
    common = usual(heavy)
    page = Image.fromarray(255 - np.kron(np.pad(heavy[0], ((0, 60), (60, 0))), np.ones((5, 5), np.uint8)))

    found = picture(page, common)

    assert measured(found.pixels).mass[0] == pytest.approx(measured(heavy).mass.mean(0), abs=1)


def test_a_picture_on_a_transparent_ground_is_seen_whatever_its_ink(common, picture):
    for ink in (0, 255):
        image = Image.new("LA", (280, 280), (ink, 0))
        ImageDraw.Draw(image).rectangle((100, 100, 179, 179), fill=(ink, 255))

        found = picture(image, common)

        assert measured(found.pixels).length[0] == 8


def test_noise_of_a_scan_and_dust_do_not_widen_the_ink(common, picture):
    page = np.asarray(square(235, 40, (500, 200, 700, 420), (1000, 800))).astype(float)
    page += np.random.default_rng(1).normal(0, 6, page.shape)
    page[700:702, 40:42] = 30

    found = picture(Image.fromarray(page.clip(0, 255).astype(np.uint8)), common, name="own.jpg")

    assert measured(found.pixels).length[0] == 8
    assert (found.pixels[0] > 60).sum() <= 80


def lit_from_one_side(page):
    grey = np.asarray(page.convert("L")) * np.linspace(0.75, 1, page.height)[:, None]
    grey += np.random.default_rng(0).normal(0, 6, grey.shape)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def cut_free(page, ink=None):
    found = np.array(page.convert("RGBA"))
    found[..., 3] = np.where(found[..., 0] > 200, 0, 255)
    found[..., :3] = found[..., :3] if ink is None else ink
    return Image.fromarray(found)


WAYS = {
    "dithered to two colours.png": lambda page: page.convert("1"),
    "palette.png": lambda page: page.convert("P"),
    "CMYK.jpg": lambda page: page.convert("CMYK"),
    "16 bits.png": lambda page: Image.fromarray(np.asarray(page.convert("L")).astype(np.uint16) * 257),
    "inverted.png": lambda page: ImageOps.invert(page),
    "lit from one side.jpg": lit_from_one_side,
    "cut free.png": cut_free,
    "cut free, white.png": lambda page: cut_free(page, 255),
    "larger.png": lambda page: page.resize((page.width * 3, page.height * 3)),
    "landscape.png": lambda page: ImageOps.expand(page, (0, 0, 900, 0), page.getpixel((0, 0))),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_page_looks_the_same_however_it_was_stored(way, common, picture, tmp_path):
    with Image.open(handmade.write(tmp_path, 3)) as whole:
        page = whole.convert("RGB").resize((whole.width // 2, whole.height // 2))
    expected = picture(page, common).pixels.astype(int)

    found = picture(WAYS[way](page), common, name=way).pixels

    assert expected.max() == 255
    assert np.abs(found - expected).mean() < 0.5
    assert (found > 8).sum() <= 1.2 * (expected > 8).sum()  # no shade around the ink
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (28, 28)])
def test_a_picture_without_ink_is_only_resized_and_that_is_said(size, common, picture):
    found = picture(Image.new("L", size, 255), common)

    assert found.pixels.min() == 255
    assert whats(found) == set()
    assert "nothing can be seen on it" in {one.words for one in found.differences}


def test_a_photograph_is_only_resized_and_that_is_said(common, picture):
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8))

    found = picture(photo, common)

    assert np.array_equal(found.pixels[0], np.asarray(photo))
    assert [(one.what, one.corrected) for one in found.differences] == [("background", False)]


def test_colour_is_only_resized(picture):
    found = picture(Image.new("RGB", (64, 64), (255, 0, 9)), None, shape=(3, 32, 32))

    assert found.pixels.shape == (3, 32, 32)
    assert [plane.max() for plane in found.pixels] == [255, 0, 9]
    assert [one.what for one in found.differences] == ["size"]
    assert found.facts()["size"] == [64, 64]


def test_a_folder_stands_for_its_pictures_and_an_empty_one_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    pages = handmade.write_all(tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")

    assert listed([tmp_path, pages[0]]) == pages
    with pytest.raises(SuiteError, match="has no pictures"):
        listed([tmp_path / "empty"])
    with pytest.raises(SuiteError, match="no such picture or folder"):
        listed([tmp_path / "nowhere.png"])
