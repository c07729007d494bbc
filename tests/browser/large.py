"""A report made by hand: two experiments with many classes, some with Chinese names, and a study.

`python -m tests.browser.large FOLDER` writes it, to look at.
"""

import sys
from pathlib import Path

import numpy as np

from suite.pictures import canvas
from suite.pictures.runs import samples
from suite.reporting.figures import Album, add_pictures
from suite.reporting.page import write_page
from suite.reporting.studies import study_chapters, study_tables
from suite.reporting.tables import all_tables
from suite.tracking.groups import Group
from tests.reporting.conftest import group
from tests.studies import STATES, document, trial

CHINESE = ("猫", "狗", "鸟", "鱼")
TRIALS = 24


def counts(classes: int) -> np.ndarray:
    """Mean counts of `classes` classes of 50 images each: most are right, others are a class or two off."""
    draw = np.random.default_rng(classes)
    found = np.zeros((classes, classes))
    for row in range(classes):
        places = (row + draw.choice([0, 0, 0, 0, 1, 2, 7], 50)) % classes
        np.add.at(found[row], places, 1)
    return found + 0.5 * (found > 0)


def many(experiment: str, classes: int, number: int) -> Group:
    """An experiment with so many classes, of which the first have Chinese names."""
    names = (*CHINESE, *(f"kind {place}" for place in range(len(CHINESE), classes)))
    draw = np.random.default_rng(0)
    labels = draw.integers(0, classes, 60)
    images = draw.integers(0, 255, (60, 3, 16, 16)).astype(np.uint8)
    with canvas.own_style():
        drawn = samples(images, labels, labels[::-1], draw.random(60), names)
        image = canvas.image(drawn, "png")
    identity = f"{number:016x}" * 4
    made = group(experiment=experiment, identity=identity, classes=names, confusion=counts(classes), samples=image)
    for row in made.runs:
        row["identity"] = identity
    return made


def study() -> dict[str, object]:
    """A study of two fields with so many trials that its contour has shades."""
    draw = np.random.default_rng(1)
    trials = []
    for number in range(TRIALS):
        state = STATES[number % len(STATES)]
        one = trial(number, state)
        rate, size = 10 ** draw.uniform(-4, -1), int(draw.choice([32, 64, 128]))
        good = 0.9 - 0.05 * (np.log10(rate) + 2.5) ** 2 - 0.0004 * size
        values = {"batch_size": size, "lr": float(f"{rate:.3g}")}
        reports = {"0": good - 0.1} if one["reports"] else {}
        trials.append({**one, "values": values, "accuracies": [good] * len(one["accuracies"]), "reports": reports})
    return document(trials=trials)


def write(folder: Path) -> Path:
    """Write the report; returns the page."""
    groups = [many("forty", 40, 1), many("hundred", 100, 2)]
    album = Album(folder / "pictures")
    with canvas.own_style():
        pictures = add_pictures(groups, album, {})
        chapters, whole = study_chapters([study()], album)
        album.finish()
    tables = {**all_tables(groups), **study_tables(whole)}
    return write_page(groups, tables, pictures, folder, studies=chapters)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
