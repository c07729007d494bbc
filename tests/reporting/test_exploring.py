"""What the page is explored by: a number for each recipe, its commands, what is left out, the words of the charts."""

import re
from html import unescape

import pytest

from suite.analysis.intervals import group
from suite.reporting import drawn
from suite.reporting.gaps import Gap, left_out
from suite.reporting.inline import boxes, matrix
from suite.reporting.keys import HUES, Key, Keys
from suite.reporting.page import write_page
from suite.reporting.tables import all_tables
from tests.reporting.conftest import IDENTITY


def titles(svg):
    """The words of every mark."""
    return [unescape(words) for words in re.findall(r"<circle[^>]*><title>(.*?)</title>", svg)]


def test_forty_recipes_have_forty_looks():
    rules = Keys([Key(f"recipe {number}") for number in range(40)]).style()
    looks = re.findall(r"\.k(\d+)\{(.*?)\}", rules)

    assert [int(number) for number, _ in looks] == [*range(40)]
    assert len({look for _, look in looks}) == 40
    assert len({re.sub(";.*", "", look) for _, look in looks[:8]}) == len(HUES) == 8


def test_a_row_belongs_to_its_recipe_by_identity_and_a_pair_to_both():
    keys = Keys([Key("twin", "a" * 64), Key("twin", "b" * 64), Key("lenet", "c" * 64)])

    assert keys.of_row({"experiment": "twin", "identity": "b" * 64}) == "1"
    assert keys.of_row({"experiment": "lenet"}) == "2"
    assert keys.of_row({"one": "twin", "other": "lenet"}) == "0 2"
    assert keys.of_row({"study": "lr"}) == keys.of_row({"experiment": "somebody"}) == ""


def test_each_row_has_the_command_that_makes_it_again(make_group):
    changed = make_group(experiment="cnn", changes="lr=0.01", identity="f" * 64)
    changed = make_group(experiment="cnn", changes="lr=0.01", identity="f" * 64,
                         runs=tuple({**run, "overrides": {"lr": 0.01}} for run in changed.runs))  # fmt: skip
    keys, tables = Keys.of([make_group(), changed]), all_tables([make_group(), changed])
    [one, other] = [keys.again(row) for row in tables["accuracy"].rows]

    assert one == "python -m suite run lenet --seeds 3"
    assert other == "python -m suite run cnn --seeds 3 --set lr=0.01"
    assert keys.again(tables["runs"].rows[0]) == f"python -m suite verify {0:032x}"
    pair = {"one": "lenet", "other": "cnn, lr=0.01", "verdict": "better"}
    assert keys.again(pair) == f"python -m suite compare lenet {'f' * 12}"
    assert keys.again({"study": "x"}) == ""


def test_a_command_quotes_what_a_shell_would_read(make_group):
    keys = Keys.of([make_group(experiment="a; rm -rf ~")])

    assert keys.again({"experiment": "a; rm -rf ~"}) == "python -m suite run 'a; rm -rf ~' --seeds 3"


def test_a_table_says_what_it_leaves_out_of_its_own_recipes_and_of_those_in_no_table(make_group):
    lenet, cnn = make_group(), make_group(experiment="cnn", identity="f" * 64, diverged=(4,))
    gaps = [Gap("lenet", failed=(3,)), Gap("cnn", running=(1,)), Gap("mlp", interrupted=(0,))]

    assert left_out(gaps, [lenet, cnn], [lenet]) == (
        "Failed, and not in the tables: lenet seed 3. Interrupted, and not in the tables: mlp seed 0."
    )
    assert "cnn diverged under seed 4" in left_out(gaps, [lenet, cnn], [cnn])
    assert left_out([], [lenet], [lenet]) == "Nothing."


def test_the_page_says_at_each_table_of_runs_what_is_left_out(make_group, tmp_path):
    one, gaps = make_group(), [Gap("lenet", failed=(3,))]
    write_page([one], all_tables([one]), {"": [], one.slug: []}, tmp_path, gaps=gaps)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert page.count("Left out, and why: Failed, and not in the tables: lenet seed 3.") == 5
    assert page.count("Left out, and why: Nothing.") == 1  # the published history


def test_a_mark_of_a_curve_says_mean_interval_n_and_the_outermost_seeds(make_group):
    one = make_group(seeds=3)
    loss, accuracy = drawn.curves(one, 0).parts
    values = [history[1]["train_loss"] for history in one.histories]
    found = group(values)

    assert titles(loss)[1] == (
        f"epoch 1: {found.mean:.4f}, 95 % {found.interval.low:.4f} to {found.interval.high:.4f}, n 3, "
        f"from {min(values):.4f} (seed 0) to {max(values):.4f} (seed 2)"
    )
    assert "epoch 1: published 0.7925" in titles(accuracy)
    assert loss.count('class="b"') == 2
    assert titles(drawn.curves(make_group(seeds=1), 0).parts[0])[0] == "epoch 0: 1.2000, seed 0, n 1"


def test_the_table_behind_the_curves_has_every_marked_epoch(make_group):
    one = make_group(seeds=3)
    table = drawn.curves(one, 0).numbers

    assert [row["epoch"] for row in table.rows] == [0, 1]
    assert table.rows[0]["validation accuracy"] == "0.6000 (0.6000 to 0.6000)"
    assert table.columns() == ["epoch", "training loss", "validation loss", "training accuracy", "validation accuracy"]


@pytest.mark.parametrize(("epochs", "marks"), [(60, 60), (61, 32), (1_000, 60)])
def test_a_long_curve_has_a_whole_line_and_at_most_sixty_marks(make_group, epochs, marks):
    history = [{"epoch": n, "train_loss": 1 / (n + 1), "val_loss": None, "train_accuracy": None, "val_accuracy": None}
               for n in range(epochs)]  # fmt: skip
    [loss] = drawn.curves(make_group(seeds=1, histories=(history,), source={}), 0).parts

    assert len(titles(loss)) in (marks, marks - 1)
    assert f"epoch {epochs - 1}: {1 / epochs:.4f}" in titles(loss)[-1]
    assert re.search(r'class="l" d="(.*?)"', loss)[1].count("L") == epochs - 1


def test_a_confusion_matrix_has_every_count_and_its_classes_as_heads(make_group):
    one = make_group()
    text = matrix(one.confusion, one.classes, "confusion")

    assert [float(cell or 0) for cell in re.findall(r'<td(?: class="s\d")?>([\d.]*)</td>', text)] == pytest.approx(
        [*one.confusion.round(1).flat], abs=0.051
    )
    assert text.count('<th scope="row">') == text.count('<th scope="col">') == 10
    assert 'class="s9"' in text


def test_names_of_layers_and_classes_are_words():
    nasty = "<img src=x onerror=alert(1)>"
    layers = [{"kind": nasty, "shape": nasty, "parameters": 5}]
    both = boxes(layers, ["1", nasty]) + matrix(all_ones(), [nasty, "b"], nasty)

    assert "<img" not in both
    assert unescape(both).count("<img") == 7


def all_ones():
    """Two classes with one image in each cell."""
    import numpy as np

    return np.ones((2, 2))


def test_a_recipe_is_the_same_number_in_every_part_of_the_page(make_group, tmp_path):
    both = [make_group(), make_group(experiment="cnn", identity=IDENTITY[::-1])]
    write_page(both, all_tables(both), {"": [], **{one.slug: [] for one in both}}, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    named = re.findall(r'class="k(\d)"><input type="checkbox" name="show" value="\d" checked>(\w+)</label>', page)

    assert named == [("0", "lenet"), ("1", "cnn")]
    assert set(re.findall(r'<tr data-of="(\d)"[^>]*><th scope="row" class="k\d">(\w+?)(?:-s\d)?</th>', page)) == {
        *named
    }
    assert re.findall(r'<section aria-labelledby="of-(\w+)" data-of="(\d)">', page) == [("lenet", "0"), ("cnn", "1")]
