"""The pictures of comparisons: drawn from ordinary numbers and those at the edge, with texts taken literally."""

import numpy as np
import pytest

from suite.analysis.calibration import Bin, Calibration
from suite.analysis.comparison import Comparison
from suite.analysis.hardest import Hard
from suite.analysis.paired import Difference
from suite.analysis.significance import McNemar
from suite.data.catalog import CATALOG
from suite.pictures import comparisons as pictures
from suite.pictures.canvas import BLUE, GREY
from tests.pictures.test_runs import saved, words

pytestmark = pytest.mark.slow

CLASSES = CATALOG["fashion-mnist"].classes
NASTY = ["$\\frac$", "a $ b", "<b>&amp;</b>", "x" * 200, "{0}", "\\n%s"]


def comparison(one="lenet", other="mlp", *, mean=0.01, p=0.01):
    found = Difference(mean, seeds_sd=0.004, images_se=0.002, rest_sd=0.2, n=5, images=10_000)
    return Comparison(one, other, (0, 1, 2, 3, 4), (0.88, 0.87), found, p, McNemar(9, 3, 0.1), 0.1, 0.9, 0.01, 0.02, 9)


def calibrated(ece=0.0312):
    return Calibration(ece, (Bin(0.4, 0.5, 10, 0.45, 0.3), Bin(0.9, 1.0, 90, 0.97, 0.95)))


def curves(*titles):
    return {title: [[(1.0, 0.5), (2.0, 0.8)], [(1.1, 0.4), (2.3, 0.7)]] for title in titles}


def hard(count):
    return [Hard(image, image % 10, 0.9, (image + 1) % 10, 2) for image in range(count)]


DRAWN = {
    "one difference": lambda: pictures.differences([comparison()]),
    "15 differences": lambda: pictures.differences([comparison(f"a{n}", mean=n / 100) for n in range(15)]),
    "time": lambda: pictures.over_time(curves("lenet", "mlp"), 0.7),
    "an epoch's time": lambda: pictures.over_time({"lenet": [[(1.0, 0.5)]]}, 0.5),
    "more curves than colours": lambda: pictures.over_time(curves(*(f"e{n}" for n in range(12))), 0.7),
    "calibration": lambda: pictures.reliability({"lenet": calibrated(), "mlp": calibrated(0.1)}),
    "one hard image": lambda: pictures.hard_images(np.zeros((1, 1, 28, 28), np.uint8), hard(1), CLASSES),
    "11 hard images": lambda: pictures.hard_images(np.zeros((20, 1, 28, 28), np.uint8), hard(11), CLASSES),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_picture_is_drawn_in_equal_bytes_twice(name):
    first, second = (saved(DRAWN[name](), "svg") for _ in range(2))

    assert first == second


def test_differences_are_in_points_with_their_interval_and_grey_where_none_is_shown():
    shown, other = comparison(mean=0.0123, p=0.001), comparison("cnn", "mlp", mean=-0.001, p=0.6)
    [axes] = pictures.differences([shown, other]).axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    bars = [bar.get_segments()[0] for bar in axes.collections]

    assert [line.get_xdata()[0] for line in points] == pytest.approx([-0.1, 1.23])
    assert [line.get_color() for line in points] == [GREY, BLUE]
    assert bars[1][:, 0] == pytest.approx([100 * shown.found.interval.low, 100 * shown.found.interval.high])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cnn − mlp", "lenet − mlp"]


@pytest.mark.parametrize("text", NASTY)
def test_texts_of_a_shared_record_are_drawn_as_they_are(text):
    short = text if len(text) <= 60 else f"{text[:59]}…"
    both = f"{text} − mlp"
    whole = both if len(both) <= 60 else f"{both[:59]}…"

    assert whole in words(pictures.differences([comparison(text)]))
    assert short in words(pictures.over_time(curves(text), 0.7))
    assert f"{short}, ECE 0.031" in words(pictures.reliability({text: calibrated()}))


def test_the_time_has_a_line_for_each_seed_a_name_for_each_experiment_and_the_target():
    [axes] = pictures.over_time(curves("lenet", "mlp"), 0.7).axes

    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["lenet", "mlp"]
    assert len(axes.lines) == 2 * 2 + 1
    assert list(axes.lines[-1].get_ydata()) == [0.7, 0.7]


def test_calibration_is_drawn_at_the_mean_confidence_of_each_bin():
    [axes] = pictures.reliability({"lenet": calibrated()}).axes

    assert list(axes.lines[1].get_xdata()) == [0.45, 0.97]
    assert list(axes.lines[1].get_ydata()) == [0.3, 0.95]


def test_every_hard_image_stands_on_the_sheet_under_its_number_label_and_what_it_is_taken_for():
    pixels = np.stack([np.full((1, 28, 28), 10 * (n + 1), np.uint8) for n in range(12)])
    [axes] = pictures.hard_images(pixels, hard(12), CLASSES).axes
    sheet = np.asarray(axes.images[0].get_array())

    assert [int((sheet == 10 * (n + 1)).sum()) for n in range(12)] == [28 * 28] * 12
    assert axes.texts[11].get_text() == "#11\nTrouser, taken\nfor Pullover"
