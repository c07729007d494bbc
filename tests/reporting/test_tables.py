"""The numbers of the tables, computed a second time in another way from the same runs."""

import csv
import math
import statistics
from collections import Counter

import pytest

from suite.data.catalog import CATALOG
from suite.reporting.table import Table
from suite.reporting.tables import all_tables, write_csv
from tests.reporting.conftest import IDENTITY, LABELS, SOURCE, predictions, run

CLASSES = CATALOG["fashion-mnist"].classes
T_OF_2, Z = 4.302652730, 1.959963985


@pytest.fixture
def tables(make_group):
    return all_tables([make_group()])


def read(tables, folder):
    """The CSV files of the tables, as rows of text."""
    write_csv(tables, folder)
    found = {}
    for path in folder.glob("*.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            found[path.stem] = list(csv.DictReader(file))
    return found


def test_every_table_has_a_csv_with_all_of_its_rows(tables, tmp_path):
    found = read(tables, tmp_path)

    assert set(found) == {
        "accuracy", "published_history", "confused_pairs", "classes", "confusion", "throughput", "runs",
    }  # fmt: skip
    assert {name: len(rows) for name, rows in found.items()} == {
        name: len(table.rows) for name, table in tables.items()
    }


def test_a_table_without_rows_has_its_columns():
    shown = Table("Nothing yet", [], {"experiment": "", "n": "d"}).shown()

    assert ([one.removesuffix(">") for one in shown.columns], list(shown.rows)) == (["experiment", "n"], [])


def test_accuracy_is_the_mean_over_the_seeds_with_its_range_and_intervals(tables, tmp_path):
    [row] = read(tables, tmp_path)["accuracy"]
    right = [int((predictions(seed) == LABELS).sum()) for seed in range(3)]
    shares = [count / 297 for count in right]
    mean = sum(shares) / 3
    half = T_OF_2 * statistics.stdev(shares) / math.sqrt(3)
    share = round(mean * 297) / 297
    middle = (share + Z**2 / (2 * 297)) / (1 + Z**2 / 297)
    reach = Z / (1 + Z**2 / 297) * math.sqrt(share * (1 - share) / 297 + Z**2 / (4 * 297**2))

    assert float(row["test accuracy"]) == pytest.approx(mean)
    assert (float(row["worst"]), float(row["best"])) == pytest.approx((min(shares), max(shares)))
    assert (float(row["seeds_low"]), float(row["seeds_high"])) == pytest.approx((mean - half, mean + half))
    assert (float(row["images_low"]), float(row["images_high"])) == pytest.approx((middle - reach, middle + reach))
    assert (row["n"], row["test images"], row["source's images"]) == ("3", "297", "200")
    assert row["identity"] == IDENTITY


def test_the_difference_is_that_of_the_sources_protocol_and_the_published_figure(tables):
    [row] = tables["accuracy"].rows
    ours = statistics.fmean(run(seed)["test/source_accuracy"] for seed in range(3))

    assert row["source's figure"] == pytest.approx(ours)
    assert row["difference"] == pytest.approx(ours - 0.8677)
    assert row["published"] == "0.8677"


def test_people_read_the_same_numbers_rounded(tables):
    [row], [cells] = tables["accuracy"].rows, tables["accuracy"].cells()
    read = dict(zip(tables["accuracy"].columns(), cells, strict=True))

    assert read["test accuracy"] == f"{row['test accuracy']:.4f}"
    assert read["95 % over seeds"] == f"{row['seeds_low']:.4f} to {row['seeds_high']:.4f}"
    assert read["95 % over images"] == f"{row['images_low']:.4f} to {row['images_high']:.4f}"
    assert read["difference"] == f"{row['difference']:+.4f}"
    assert read["n"] == "3"


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_get_no_interval_but_the_number_that_is_needed(make_group, seeds):
    table = all_tables([make_group(seeds=seeds)])["accuracy"]

    assert table.rows[0]["95 % over seeds"] == "needs 3 seeds"
    assert table.rows[0]["seeds_low"] is table.rows[0]["seeds_high"] is None
    assert "needs 3 seeds" in table.cells()[0]


def test_a_changed_recipe_stands_beside_no_published_figure(make_group):
    group = make_group(changes="lr=0.01")
    group.confusion[0, 6] += 100  # now the published pair is one of the most confused
    tables = all_tables([group])

    assert tables["confused_pairs"].rows[0]["other class"] == "Shirt"
    assert tables["accuracy"].rows[0]["published"] is None
    assert tables["accuracy"].rows[0]["difference"] is None
    assert "published_history" not in tables
    assert all(row["published"] is None for row in tables["confused_pairs"].rows)
    assert tables["accuracy"].rows[0]["experiment"] == "lenet, lr=0.01"


def test_an_experiment_without_a_source_stands_beside_no_published_figure(make_group):
    tables = all_tables([make_group(source={})])

    assert tables["accuracy"].rows[0]["published"] is None
    assert tables["accuracy"].cells()[0][tables["accuracy"].columns().index("published")] == "–"


def test_the_published_figure_is_given_in_the_sources_own_words(make_group):
    source = {**SOURCE, "accuracy": 0.88, "accuracy_words": "about 0.88"}

    assert all_tables([make_group(source=source)])["accuracy"].rows[0]["published"] == "about 0.88"


def test_diverged_seeds_are_counted_and_no_part_of_the_mean(make_group):
    plain, with_diverged = (all_tables([make_group(diverged=seeds)])["accuracy"].rows[0] for seeds in ((), (3, 4)))

    assert with_diverged["diverged"] == 2
    assert with_diverged["test accuracy"] == plain["test accuracy"]
    assert with_diverged["n"] == 3


def test_the_published_history_stands_beside_the_mean_of_ours(tables):
    first, second = tables["published_history"].rows

    assert (first["epoch"], first["n"], first["train loss, published"]) == (0, 3, 1.3207)
    assert first["train loss"] == pytest.approx((1.20 + 1.21 + 1.22) / 3)
    assert first["train accuracy"] == pytest.approx((0.50 + 0.49 + 0.48) / 3)
    assert (second["epoch"], second["validation accuracy, published"]) == (1, 0.7925)
    assert second["validation loss"] == pytest.approx(0.6)


def test_a_published_epoch_that_was_not_trained_is_left_out(make_group):
    source = {**SOURCE, "history": {**SOURCE["history"], "24": [0.3085, 0.8838, 0.3331, 0.8771]}}

    rows = all_tables([make_group(source=source)])["published_history"].rows

    assert [row["epoch"] for row in rows] == [0, 1]


def test_a_published_validation_stands_beside_none_where_ours_has_none(make_group):
    histories = tuple([{"epoch": e, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": None, "val_accuracy": None}
                       for e in (0, 1)] for _ in range(3))  # fmt: skip

    table = all_tables([make_group(histories=histories)])["published_history"]

    assert table.rows[0]["validation loss"] is None
    assert table.rows[0]["validation loss, published"] == 0.8333
    assert "–" in table.cells()[0]


def counted():
    """How often each pair of class names (true, predicted) occurs in three seeds."""
    return Counter(
        (CLASSES[label], CLASSES[guess])
        for seed in range(3)
        for label, guess in zip(LABELS, predictions(seed), strict=True)
    )


def test_the_confusion_table_holds_the_mean_count_of_every_cell(tables, tmp_path):
    rows = read(tables, tmp_path)["confusion"]
    cells = counted()

    assert len(rows) == 100
    for row in rows:
        assert float(row["images"]) == pytest.approx(cells[row["true"], row["predicted"]] / 3)


def test_the_confusion_rows_sum_to_the_class_counts(tables, tmp_path):
    sums = Counter()
    for row in read(tables, tmp_path)["confusion"]:
        sums[row["true"]] += float(row["images"])

    assert {name: round(count, 9) for name, count in sums.items()} == {
        name: 30 if index < 7 else 29 for index, name in enumerate(CLASSES)
    }


def test_figures_by_class_are_counted_from_the_predictions(tables):
    cells = counted()

    for row in tables["classes"].rows:
        name = row["class"]
        right = cells[name, name]
        true = sum(count for (label, _), count in cells.items() if label == name)
        claimed = sum(count for (_, guess), count in cells.items() if guess == name)

        assert row["images"] == true / 3
        assert row["precision"] == pytest.approx(right / claimed)
        assert row["recall"] == pytest.approx(right / true)
        assert row["F1"] == pytest.approx(2 * right / (true + claimed))


def test_the_pairs_are_those_with_the_most_confusions_and_both_cells_are_given(tables):
    cells = counted()
    rows = tables["confused_pairs"].rows
    totals = sorted(
        (
            (cells[one, other] + cells[other, one]) / 3
            for index, one in enumerate(CLASSES)
            for other in CLASSES[index + 1 :]
        ),
        reverse=True,
    )

    assert [row["both"] for row in rows] == pytest.approx(totals[:5])
    for row in rows:
        assert row["one as other"] == pytest.approx(cells[row["one class"], row["other class"]] / 3)
        assert row["other as one"] == pytest.approx(cells[row["other class"], row["one class"]] / 3)
        assert row["both"] == pytest.approx(row["one as other"] + row["other as one"])


@pytest.mark.parametrize("confused", [("Shirt", "T-shirt/top", 154), ["T-shirt/top", "Shirt", 154]])
def test_the_published_count_stands_at_its_pair_in_either_order_and_at_no_other(make_group, confused):
    group = make_group(source={**SOURCE, "confused": confused})
    group.confusion[0, 6] += 100
    rows = all_tables([group])["confused_pairs"].rows

    assert (rows[0]["one class"], rows[0]["other class"], rows[0]["published"]) == ("T-shirt/top", "Shirt", 154)
    assert [row["published"] for row in rows[1:]] == [None] * 4


def test_throughput_gives_means_with_their_range_and_the_machine(tables):
    [row] = tables["throughput"].rows

    assert row["training images/s"] == "9,100 (9,000 to 9,200)"
    assert row["inference images/s"] == "29,999 (29,998 to 30,000)"
    assert row["s per epoch"] == "5.25 (5.00 to 5.50)"
    assert row["train_images_per_second_mean"] == pytest.approx(9_100)
    assert row["train_images_per_second_sd"] == pytest.approx(100)
    assert (row["parameters"], row["MACs"], row["peak MiB"]) == (44_426, 281_640, 402)
    assert row["machine"] == "A processor, 2 cores, one thread, torch 2.9.0"


def test_one_seeds_speed_has_no_range(make_group):
    [row] = all_tables([make_group(seeds=1)])["throughput"].rows

    assert row["training images/s"] == "9,000"
    assert row["train_images_per_second_sd"] is None


def test_every_run_is_listed_with_what_finds_it_again(tables):
    rows = tables["runs"].rows

    assert [row["run"] for row in rows] == ["lenet-s0", "lenet-s1", "lenet-s2"]
    assert [row["MLflow run"] for row in rows] == [f"{seed:032x}" for seed in range(3)]
    assert [row["weights_sha256"] for row in rows] == [f"{seed + 10:064x}" for seed in range(3)]
    assert {row["identity"] for row in rows} == {IDENTITY}
    assert {row["changes"] for row in rows} == {"none"}


@pytest.mark.parametrize(("keep", "epoch"), [("best", 1), ("last", 1)])
def test_the_epoch_kept_is_counted_from_0(make_group, keep, epoch):
    runs = ({**run(0, keep=keep), "val/best_epoch": 1.0},)

    assert all_tables([make_group(seeds=1, runs=runs)])["runs"].rows[0]["epoch kept"] == epoch


def test_every_row_of_accuracy_and_throughput_names_the_identity_it_came_from(make_group):
    groups = [make_group(), make_group(experiment="cnn", changes="lr=0.01", identity="f" * 64)]
    tables = all_tables(groups)

    assert [row["identity"] for row in tables["accuracy"].rows] == [IDENTITY, "f" * 64]
    assert [row["identity"] for row in tables["throughput"].rows] == [IDENTITY, "f" * 64]


def test_an_empty_record_has_no_tables_and_writes_no_files(tmp_path):
    tables = all_tables([])
    write_csv(tables, tmp_path)

    assert tables == {}
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_commas_quotes_and_line_ends_survives_its_csv(make_group, tmp_path):
    changes = 'a,"b"\nc;d|e'
    [row] = read(all_tables([make_group(changes=changes)]), tmp_path)["accuracy"]

    assert row["experiment"] == f"lenet, {changes}"


def test_columns_of_numbers_align_right_and_columns_of_words_left(tables):
    table = tables["accuracy"]
    aligned = dict(zip(table.columns(), table.numeric(), strict=True))

    assert aligned["test accuracy"] is True
    assert aligned["n"] is True
    assert aligned["experiment"] is False
