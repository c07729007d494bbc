"""The comparison chapters: what is compared, what is left out (and said), the tables, the pictures."""

from dataclasses import replace

import numpy as np
import pytest

from suite.analysis.calibration import calibration
from suite.analysis.comparison import compare, pairs_of
from suite.analysis.confusion import changed_cells, confusion
from suite.analysis.hardest import Hard
from suite.data.catalog import CATALOG
from suite.errors import SuiteError
from suite.reporting import comparisons
from suite.reporting.comparison_tables import (
    _chance,
    calibration_table,
    cells_table,
    comparison_table,
    comparison_tables,
    cost_table,
    hard_table,
)
from suite.reporting.comparisons import chapters_of, target_of
from suite.reporting.families import answers_of, families_of
from suite.reporting.figures import Album
from suite.reporting.tables import accuracy, with_ties
from suite.tracking.stored import Predictions
from suite.tracking.stored import history as stored_history
from tests.reporting.conftest import LABELS, run

pytestmark = pytest.mark.slow

CLASSES = CATALOG["fashion-mnist"].classes
HARD_ONES = (5, 250)  # images that every run predicts wrongly, two classes higher


@pytest.fixture(autouse=True)
def _no_data(monkeypatch):
    """Make this machine look like one without data."""
    monkeypatch.setattr(comparisons, "cached", lambda _: None)


def comparison_chapters(groups, album):
    """The chapters of a page that shows all of these groups, and all comparisons in them."""
    families = families_of(groups)
    return chapters_of(families, groups, album), [found for one in families for found in one.found]


def predictions(share, seeds, draw, labels=LABELS):
    chance = np.random.default_rng((draw, *seeds))
    shape = len(seeds), len(LABELS)
    predicted = np.where(chance.random(shape) < share, LABELS, (LABELS + 1) % 10).astype(np.uint8)
    predicted[:, HARD_ONES] = (LABELS[list(HARD_ONES)] + 2) % 10
    return Predictions(predicted, chance.random(shape).astype(np.float32), labels.astype(np.uint8))


def epochs(*accuracies, seconds=2.0):
    return [
        {"epoch": epoch, "images": 1_000, "test_accuracy": accuracy, "train_seconds": seconds,
         "cumulative_train_seconds": seconds * (epoch + 1)}
        for epoch, accuracy in enumerate(accuracies)
    ]  # fmt: skip


@pytest.fixture
def make(make_group):
    """Makes a group whose runs, one for each seed, are right on this share of the images."""

    def make(name="lenet", share=0.8, *, seeds=(0, 1, 2), changes="", data="fashion-mnist", whole=True, **fields):
        draw = len(name) + len(changes)
        identity = f"{draw:02x}" * 32
        found = predictions(share, seeds, draw)
        right = (found.predicted == found.labels).mean(axis=1)
        runs = [
            {**run(seed, experiment=name), "identity": identity, "param.data": data, "test/accuracy": float(accuracy)}
            for seed, accuracy in zip(seeds, right, strict=True)
        ]
        histories = tuple(epochs(0.5, 0.7, 0.9) for _ in seeds)
        given = {"histories": histories, "read_predictions": lambda: found if whole else None, **fields}
        return make_group(experiment=name, changes=changes, identity=identity, runs=tuple(runs), **given)

    return make


def only(groups, folder, *, drawn=False):
    """The one chapter of these groups, and its comparisons; its pictures have files if they are `drawn`."""
    album = Album(folder)
    [chapter], found = comparison_chapters(groups, album)
    if drawn:
        album.finish()
    return chapter, found


def table(chapter, start):
    return next(table for _, table in chapter.tables if table.title.startswith(start))


def test_unchanged_recipes_of_one_data_set_make_a_chapter_of_every_pair(make, tmp_path):
    chapter, found = only([make("cnn", 0.9), make("lenet", 0.8), make("mlp", 0.7)], tmp_path)

    assert (chapter.slug, chapter.title) == ("comparison-fashion-mnist", "Experiments on Fashion-MNIST")
    assert [(one.one, one.other) for one in found] == [("cnn", "lenet"), ("cnn", "mlp"), ("lenet", "mlp")]
    assert chapter.sentences == [one.words for one in found]
    assert chapter.warnings == []
    assert "Holm" in chapter.rules


def test_each_data_set_has_its_own_chapter_and_what_is_alone_on_one_has_none(make, tmp_path):
    groups = [make("cnn"), make("lenet"), make("cnn3", data="mnist"), make("lenet3", data="mnist"),
              make("alone", data="digits")]  # fmt: skip
    chapters, found = comparison_chapters(groups, Album(tmp_path))

    assert [one.slug for one in chapters] == ["comparison-fashion-mnist", "comparison-mnist"]
    assert [(one.one, one.other) for one in found] == [("cnn", "lenet"), ("cnn3", "lenet3")]


def test_variants_are_compared_with_the_recipe_they_vary_and_with_it_alone(make, tmp_path):
    groups = [make("cnn"), make("lenet"), make("lenet", 0.9, changes="lr=0.01"), make("lenet", 0.7, changes="epochs=1")]
    chapters, found = comparison_chapters(groups, Album(tmp_path))

    assert [one.title for one in chapters] == ["Experiments on Fashion-MNIST", "lenet and its variants"]
    assert [(one.one, one.other) for one in found] == [
        ("cnn", "lenet"), ("lenet, lr=0.01", "lenet"), ("lenet, epochs=1", "lenet"),
    ]  # fmt: skip
    assert chapters[1].slug == f"comparison-of-{groups[-1].slug}"


def test_variants_whose_recipe_cannot_be_compared_are_compared_with_each_other(make, tmp_path):
    groups = [make("lenet", whole=False), *(make("lenet", changes=f"lr=0.{one}") for one in ("1", "01", "001"))]
    chapter, found = only(groups, tmp_path)

    assert [(one.one, one.other) for one in found] == [
        ("lenet, lr=0.1", "lenet, lr=0.01"), ("lenet, lr=0.1", "lenet, lr=0.001"),
        ("lenet, lr=0.01", "lenet, lr=0.001"),
    ]  # fmt: skip
    assert chapter.warnings == ["Left out, for MLflow has not all predictions of their runs: lenet."]


def test_variants_on_another_data_set_are_a_chapter_that_names_it(make, tmp_path):
    groups = [make("lenet"), *(make("lenet", changes=f"data=mnist lr={lr}", data="mnist") for lr in ("1", "0.1"))]
    chapter, found = only(groups, tmp_path)

    assert chapter.title == "lenet and its variants on MNIST"
    assert len(found) == 1


def test_experiments_that_were_only_given_other_data_are_compared_with_each_other(make, tmp_path):
    """So it is for one's own data, which no experiment of ours names."""
    groups = [
        make("lenet"), make("cnn3", changes="data=mnist", data="mnist"),
        make("lenet3", changes="data=mnist", data="mnist"), make("lenet3", changes="data=mnist lr=1", data="mnist"),
    ]  # fmt: skip
    chapters, found = comparison_chapters(groups, Album(tmp_path))

    assert [one.title for one in chapters] == ["Experiments on MNIST", "lenet3 and its variants on MNIST"]
    assert [(one.one, one.other) for one in found] == [
        ("cnn3, data=mnist", "lenet3, data=mnist"), ("lenet3, data=mnist lr=1", "lenet3, data=mnist"),
    ]  # fmt: skip


def test_what_is_left_out_is_said_with_its_reason(make, tmp_path):
    other_labels = predictions(0.8, (0, 1, 2), 9, labels=(LABELS + 1) % 10)
    groups = [
        make("lenet"), make("mlp"), make("damaged", whole=False), make("young", seeds=(0, 1)),
        make("later", seeds=(2, 3, 4)), make("forged", read_predictions=lambda: other_labels),
    ]  # fmt: skip
    chapter, found = only(groups, tmp_path)

    assert [(one.one, one.other) for one in found] == [("lenet", "mlp")]
    assert chapter.warnings == [
        "Left out, for MLflow has not all predictions of their runs: damaged.",
        "Left out for being about other test images: forged.",
        "Left out for having fewer than 3 seeds: young.",
        "Not compared for having fewer than 3 seeds in common: lenet with later; mlp with later.",
    ]


def test_a_forged_first_record_does_not_push_out_the_others(make, tmp_path):
    forged = predictions(0.8, (0, 1, 2), 9, labels=(LABELS + 1) % 10)
    chapter, found = only([make("a", read_predictions=lambda: forged), make("lenet"), make("mlp")], tmp_path)

    assert [(one.one, one.other) for one in found] == [("lenet", "mlp")]
    assert chapter.warnings == ["Left out for being about other test images: a."]


def test_where_nothing_can_be_compared_the_chapter_says_why_and_no_more(make, tmp_path):
    chapter, found = only([make("lenet", seeds=(0,)), make("mlp", whole=False)], tmp_path)

    assert found == []
    assert (chapter.sentences, chapter.rules, chapter.tables, chapter.pictures) == ((), "", (), ())
    assert chapter.warnings == [
        "Left out, for MLflow has not all predictions of their runs: mlp.",
        "Left out for having fewer than 3 seeds: lenet.",
    ]


def test_no_group_and_one_group_are_no_chapter(make, tmp_path):
    assert comparison_chapters([], Album(tmp_path)) == ([], [])
    assert comparison_chapters([make()], Album(tmp_path)) == ([], [])
    assert comparison_tables([]) == {}


def test_the_differences_stand_in_the_chapter_and_all_of_them_in_the_csv(make, tmp_path):
    chapter, found = only([make("lenet", 0.9), make("mlp", 0.7)], tmp_path)
    [(name, shown)] = [each for each in chapter.tables if each[0]]
    [row] = shown.cells()
    cells, one = dict(zip(shown.columns(), row, strict=True)), found[0]

    assert name == "comparisons"
    assert [*comparison_tables(found)] == ["comparisons"]
    assert shown.title == "Differences, p corrected by Holm's method"
    assert (cells["one"], cells["other"], cells["n"], cells["verdict"]) == ("lenet", "mlp", "3", "better")
    assert cells["difference"] == f"{one.accuracies[0] - one.accuracies[1]:+.4f}"
    assert cells["interval, 95%"] == f"{one.found.interval.low:+.4f} to {one.found.interval.high:+.4f}"
    assert cells["p"] == f"{one.p:.2g}"
    assert cells["could have seen"] == f"{one.visible:.4f}"
    assert cells["seeds to settle"] == str(one.needed)
    assert cells["votes"] == f"{one.voted.only_one} to {one.voted.only_other}"
    assert cells["p of votes"] == f"{one.voted_p:.2g}"


def test_a_comparison_at_another_level_says_so_and_an_unknown_number_of_seeds_is_a_dash(make):
    same = answers_of(make("lenet"))
    found = compare([same, replace(same, title="twin")], 0.9875)

    shown = comparison_table(found)
    assert "interval, 98.8%" in shown.columns()
    assert dict(zip(shown.columns(), shown.cells()[0], strict=True))["seeds to settle"] == "–"


def test_the_target_is_the_least_mean_accuracy_rounded_down_to_a_point(make_group):
    def group(*values):
        return make_group(runs=tuple({**run(seed), "test/accuracy": value} for seed, value in enumerate(values)))

    assert target_of([group(0.91, 0.93), group(0.879, 0.8799)]) == 0.87
    assert target_of([group(0.1, 0.1), group(0.55, 0.57)]) == 0.56  # an experiment that learned nothing is ignored
    assert all(target_of([group(point / 100)]) == point / 100 for point in range(101))


def test_costs_are_the_median_of_the_seeds_that_reached_the_target(make):
    histories = (epochs(0.5, 0.7, 0.9), epochs(0.7, 0.8, 0.9, seconds=3.0), epochs(0.5, 0.6, 0.7))
    shown = cost_table([make(histories=histories), make("mlp", histories=(epochs(0.1), epochs(0.2), epochs(0.7)))], 0.7)
    first, second = (dict(zip(shown.columns(), row, strict=True)) for row in shown.cells())

    assert shown.title == "What 0.70 costs, median of the seeds"
    assert [first[name] for name in ("experiment", "target", "reached", "epochs", "images", "seconds")] == [
        "lenet", "0.70", "3 of 3", "2.0", "2,000", "4.0",
    ]  # fmt: skip
    assert first["images/s"] == "9,100"
    assert [second[name] for name in ("reached", "epochs", "images", "seconds")] == ["1 of 3", "–", "–", "–"]


OLD = b"epoch,images,train_seconds,train_loss\n0,1000,2.0,1.5\n1,1000,2.0,1.2\n"
UNTIMED = b"epoch,images,test_accuracy\n0,1000,0.8\n"
CURTAILED = b"epoch,test_accuracy,train_seconds\n0,0.8,2.0\n"
DAMAGED = b"epoch,images,test_accuracy,train_seconds\n0,many,0.8,2.0\n"


@pytest.mark.parametrize(
    "text", [OLD, UNTIMED, CURTAILED, DAMAGED, b""], ids=["old", "untimed", "cut", "damaged", "no"]
)
@pytest.mark.parametrize("which", [0, 2])
def test_old_and_damaged_histories_are_not_watched_and_cost_nothing_even_beside_new_ones(make, text, which, tmp_path):
    histories = [epochs(0.5, 0.9) for _ in range(3)]
    histories[which] = stored_history(text)
    old = make("mlp", histories=tuple(histories))
    chapter, _ = only([make("lenet"), old], tmp_path)
    row = dict(zip(table(chapter, "What").columns(), table(chapter, "What").cells()[1], strict=True))

    assert [row[name] for name in ("reached", "epochs", "images", "seconds")] == ["not watched", "–", "–", "–"]
    assert row["images/s"] == "9,100"


def test_calibration_is_of_all_seeds_answers(make):
    some = answers_of(make("lenet"))
    found = calibration(some.confidence, some.right)

    assert calibration_table({"lenet": found}).cells() == [["lenet", f"{found.ece:.4f}", f"{3 * len(LABELS):,d}"]]


def test_cells_that_differ_are_named_corrected_for_all_pairs_the_largest_first(make):
    three = [
        answers_of(make(name, share, seeds=range(8)))
        for name, share in (("lenet", 0.95), ("mlp", 0.3), ("cnn_one", 0.9))
    ]
    pairs = pairs_of(three)
    shown = cells_table(pairs, CLASSES)
    rows = shown.rows
    matrices = [np.stack([confusion(LABELS, row) for row in one.predicted]) for one in three]
    expected = {
        (one.title, other.title, CLASSES[cell.true], CLASSES[cell.predicted]): 3 * cell.p
        for (one, other), (a, b) in zip(pairs, pairs_of(matrices), strict=True)
        for cell in changed_cells(a, b)
        if 3 * cell.p < 0.05
    }

    gaps = [abs(row["images, one"] - row["images, other"]) for row in rows]
    assert shown.title == "Confusions that differ by more than seeds explain"
    assert 0 < len(rows) <= 12
    assert gaps == sorted(gaps, reverse=True)
    assert all(
        row["p"] == pytest.approx(expected[row["one"], row["other"], row["true"], row["predicted"]]) for row in rows
    )
    assert {(row["one"], row["other"]) for row in rows} <= {("lenet", "mlp"), ("mlp", "cnn_one")}


def test_in_a_chapter_of_variants_cells_are_compared_with_the_first_alone(make, tmp_path):
    shares = {"": 0.95, "lr=0.1": 0.1, "lr=1.00": 0.1}
    groups = [make("lenet", share, changes=changes, seeds=range(8)) for changes, share in shares.items()]
    chapter, _ = only(groups, tmp_path)

    assert len({row["one"] for row in table(chapter, "Confusions").rows}) == 2
    assert {row["other"] for row in table(chapter, "Confusions").rows} == {"lenet"}


def test_a_group_with_too_few_seeds_has_no_cells_compared(make):
    pairs = pairs_of([answers_of(make("lenet", 0.9)), answers_of(make("mlp", 0.5, seeds=(0, 1)))])

    assert cells_table(pairs, CLASSES).rows == []


def test_the_hardest_images_are_named_with_what_they_are_taken_for(make, tmp_path):
    chapter, _ = only([make("lenet", 0.95), make("mlp", 0.9)], tmp_path)
    rows = table(chapter, "The hardest").cells()

    for image in HARD_ONES:
        label = LABELS[image]
        assert [str(image), CLASSES[label], CLASSES[(label + 2) % 10], "100%", "2"] in rows
    assert hard_table([Hard(1_234, 0, 0.625, 6, 3)], CLASSES).cells() == [
        ["1,234", "T-shirt/top", "Shirt", "62%", "3"]
    ]  # fmt: skip


def names(chapter):
    return [picture.path.stem.rpartition("-")[2] for picture in chapter.pictures]


def test_pictures_are_files_with_captions_and_the_hardest_images_want_the_data(make, tmp_path, monkeypatch):
    groups = [make("lenet"), make("mlp")]
    without, _ = only(groups, tmp_path / "without")
    monkeypatch.setattr(comparisons, "cached", lambda _: tmp_path)
    monkeypatch.setattr(comparisons, "ensure", lambda _: tmp_path)
    monkeypatch.setattr(comparisons, "test_images", lambda *_: np.zeros((len(LABELS), 1, 28, 28), np.uint8))
    whole, _ = only(groups, tmp_path / "with", drawn=True)

    assert names(without) == ["differences", "time", "calibration"]
    assert names(whole) == ["differences", "time", "calibration", "hardest"]
    for picture in whole.pictures:
        assert picture.path.is_file()
        assert picture.png.is_file()
        assert picture.caption.startswith("Experiments on Fashion-MNIST: ")


def test_data_that_cannot_be_used_are_as_good_as_none(make, tmp_path, monkeypatch):
    """The data is damaged in the cache, or has other test images than the record."""

    def refuse(_):
        raise SuiteError("damaged")

    monkeypatch.setattr(comparisons, "cached", lambda _: tmp_path)
    monkeypatch.setattr(comparisons, "ensure", refuse)
    damaged, _ = only([make("lenet"), make("mlp")], tmp_path)
    monkeypatch.setattr(comparisons, "ensure", lambda _: tmp_path)
    monkeypatch.setattr(comparisons, "test_images", lambda *_: np.zeros((100, 1, 28, 28), np.uint8))
    other, _ = only([make("lenet"), make("mlp")], tmp_path)

    assert "hardest" not in names(damaged) + names(other)


def test_without_watched_epochs_there_is_no_picture_of_the_time(make, tmp_path):
    old = tuple(stored_history(OLD) for _ in range(3))
    chapter, _ = only([make("lenet", histories=old), make("mlp", histories=old)], tmp_path)

    assert names(chapter) == ["differences", "calibration"]


def test_equal_groups_give_equal_bytes_and_words(make, tmp_path):
    said, written = [], []
    for folder in (tmp_path / "one", tmp_path / "two"):
        album = Album(folder)
        chapters, _ = comparison_chapters([make("lenet"), make("mlp"), make("lenet", changes="lr=1")], album)
        album.finish()
        said.append([(one.slug, one.sentences, one.warnings, [t.cells() for _, t in one.tables]) for one in chapters])
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})

    assert said[0] == said[1]
    assert written[0] == written[1]
    assert len(written[0]) == 12


@pytest.mark.parametrize(
    ("share", "words"), [(0.0013, "< 1%"), (0.01, "1%"), (0.5, "50%"), (0.985, "98%"), (0.9987, "> 99%")]
)
def test_no_chance_is_rounded_to_certainty(share, words):
    assert _chance(share) == words


def test_the_accuracies_mark_the_best_of_each_data_set_and_what_cannot_be_told_from_it(make, tmp_path):
    groups = [make("cnn", 0.9), make("lenet", 0.9), make("mlp", 0.2), make("mlp", 0.99, changes="lr=1"),
              make("cnn3", 0.4, data="mnist"), make("alone", data="digits")]  # fmt: skip
    _, found = comparison_chapters(groups, Album(tmp_path))
    marked = with_ties(accuracy(groups), groups, found)
    cells = {row[0]: row[marked.columns().index("beside the best")] for row in marked.cells()}

    assert sorted(cells[name] for name in ("cnn", "lenet")) == ["not told from it", "the best"]
    assert (cells["mlp"], cells["mlp, lr=1"], cells["cnn3"], cells["alone"]) == ("worse", "–", "–", "–")
    assert with_ties(accuracy(groups), groups, []).columns() == accuracy(groups).columns()
