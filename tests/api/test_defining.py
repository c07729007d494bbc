"""Experiments that are defined in cells: their text goes to the workers, and has the identity of a file's text."""

import atexit
import textwrap

import pytest

import suite
from suite.api import benching
from suite.recipe import registry

RECIPE = """
from suite import Recipe
from torch import nn
import torch.nn.functional as functional

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="adam", lr=0.001, batch_size=50, epochs=1)
"""
PARTS = """
WIDTH = 8  # of the first layer
SIZES = (3, WIDTH * 2)
ACT = nn.ReLU


class Block(nn.Module):
    \"\"\"A layer.\"\"\"

    def __init__(self, n):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, n, SIZES[0], padding=1), ACT())

    def forward(self, images):
        return functional.max_pool2d(self.layers(images), 4)
"""
NETWORK = """
def begun(n):
    model = Block(n)
    return [model, nn.Flatten()]


def network(shape, classes, width=WIDTH):
    return nn.Sequential(*begun(width), nn.LazyLinear(classes))
"""


@pytest.fixture
def cell(home, monkeypatch):
    """Runs cells as a notebook does; returns their namespace. An error in a cell is raised."""
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))

    def run(text):
        shell.run_cell(textwrap.dedent(text), store_history=True).raise_error()
        return shell.user_ns

    try:
        yield run
    finally:
        atexit.unregister(shell.atexit_operations)
        shell.atexit_operations()
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


def in_file(folder, text):
    """The identity of the experiment `mine` with this text in a file."""
    folder.mkdir()
    (folder / "mine.py").write_text(text)
    return registry.load([folder]).choose(["mine"])[0].identity


@pytest.mark.slow
def test_cells_have_the_identity_of_the_same_text_in_a_file(home, cell, tmp_path):
    for text in (RECIPE, PARTS, "print(WIDTH)\nmodel = object()", NETWORK):
        known = cell(text)

    mine = suite.experiment("mine", known["recipe"], known["network"])

    assert mine.identity == in_file(tmp_path / "own", RECIPE + PARTS + NETWORK)
    assert mine.path.is_relative_to(home / "mlruns" / "experiments")
    assert "# of the first layer" in mine.path.read_text()
    assert "print" not in mine.path.read_text()


def test_cells_that_were_run_again_in_another_order_are_written_in_that_order(cell):
    for text in (RECIPE, NETWORK.replace("width=WIDTH", "width=4"), PARTS, "WIDTH = 4"):
        known = cell(text)
    with pytest.raises(
        suite.SuiteError, match=r"NameError: name 'WIDTH' is not defined\. Run them again, from the fir"
    ):
        suite.experiment("mine", known["recipe"], known["network"])

    cell(PARTS)
    written = suite.experiment("mine", known["recipe"], known["network"]).path.read_text()

    assert written.index("class Block") > written.index("def begun")
    assert "WIDTH = 8" in written
    assert "WIDTH = 4" not in written


def test_optional_functions_other_names_and_the_source_are_carried(cell, tmp_path):
    recipe = RECIPE.replace("Recipe\n", "Recipe, Source\n", 1).replace('loss="cross-entropy"', 'loss="own"')
    recipe = recipe.replace("epochs=1", 'epochs=1, source=Source(title="A book", parameters=7850, accuracy=0.9)')
    rest = """
    def small(shape, classes):
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))


    def distance(scores, labels, power=2.0):
        return functional.cross_entropy(scores, labels) ** power


    network = small
    loss = distance
    """
    text = recipe + textwrap.dedent(rest)
    known = cell(text)

    mine = suite.experiment("mine", known["recipe"], known["small"], loss=known["distance"])

    assert mine.identity == in_file(tmp_path / "own", text)
    assert mine.recipe.source == known["recipe"].source
    assert mine.recipe.arguments["power"] == 2.0


DECORATED = """
import functools


def told(function):
    @functools.wraps(function)
    def call(shape, classes, width=4):
        return function(shape, classes, width)
    return call


@told
def network(shape, classes, width=4):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.Linear(width, classes))
"""


def test_a_network_behind_a_decorator_is_carried_with_it(cell, tmp_path):
    known = cell(RECIPE + DECORATED)

    mine = suite.experiment("mine", known["recipe"], known["network"])

    assert mine.identity == in_file(tmp_path / "own", RECIPE + DECORATED)
    assert "def told" in mine.trained_text
    [named] = registry.load(kept=mine.path.parent.parent).choose(["mine"])
    assert named.identity == mine.identity


PLAIN = "def network(shape, classes):\n    return nn.Sequential(nn.Flatten(), nn.LazyLinear({}))"
REFUSED = {
    "network is a lambda": "network = lambda shape, classes: nn.LazyLinear(classes)",
    "network uses width of the function that it was made in": (
        "def make(width):\n    def network(shape, classes):\n        return nn.LazyLinear(width)\n    return network\n"
        "network = make(10)"
    ),
    "network is not defined at the top level": f"if True:\n{textwrap.indent(PLAIN.format(10), '    ')}",
    "without a cell magic": f"%%time\n{PLAIN.format(10)}",
    "network must be a function, got Linear": "network = nn.Linear(784, 10)",
    "last, which the network uses, is a Linear: it cannot be": f"last = nn.Linear(4, 4)\n{PLAIN.format('last')}",
    "n, which the network uses, is computed by a call: n = max": f"n = max(10, 3)\n{PLAIN.format('n')}",
    "f, which the network uses, is a lambda": f"f = lambda: 10\n{PLAIN.format('f()')}",
    "n, which the network uses, is a int that no simple statement": f"for n in (10,):\n    pass\n{PLAIN.format('n')}",
    "instead of `from math import *`": f"from math import *\n{PLAIN.format('floor(10.5)')}",
    "n is 11 here, and 10 by the cell": f"n = 10\nglobals()['n'] += 1\n{PLAIN.format('n')}",
    "sizes is [10, 4] here": f"sizes = [10]\nsizes.append(4)\n{PLAIN.format('sizes[0]')}",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_carried_is_named_in_one_line(home, cell, words):
    cell(RECIPE)
    known = cell(REFUSED[words])

    with pytest.raises(suite.SuiteError) as error:
        suite.experiment("mine", known["recipe"], known["network"])

    assert str(error.value).startswith("mine: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert not (home / "mlruns" / "experiments").exists()


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [("lenet", {}, "there is a file of an experiment lenet already"), ("My net", {}, "cannot name an experiment"),
     ("mine", {"recipe": 5}, "recipe must be a Recipe, got 5"), ("mine", {"los": print}, "did you mean loss?")],
)  # fmt: skip
def test_a_wrong_name_recipe_or_role_is_named(cell, name, given, words):
    cell(RECIPE)
    known = cell(PLAIN.format(10))

    with pytest.raises(suite.SuiteError, match=words.replace("?", r"\?")):
        suite.experiment(name, **{"recipe": known["recipe"], "network": known["network"], **given})


@pytest.mark.mlflow
def test_every_call_takes_the_object_and_a_changed_cell_leaves_the_old_runs_as_they_are(cell, monkeypatch):
    cell(RECIPE)
    first = suite.experiment("mine", cell("")["recipe"], cell(PLAIN.format("classes"))["network"])
    other = suite.experiment("mine", cell("")["recipe"], cell(f"N = 20\n{PLAIN.format('N - 10')}")["network"])

    runs = suite.run(first, other, seeds=3, report=False)
    again = suite.run(first, seeds=1, report=False)

    assert [item.reason for item in runs.planned] == [""] * 6
    assert first.identity != other.identity
    assert again.planned[0].skipped
    assert [one.status for one in suite.verify(again, runs.planned[1], "mine-s0")] == ["identical"] * 2
    assert len(suite.compare(first, other).comparisons) == 1
    assert suite.check(other).code == 0
    assert suite.show(first)["parameters"] == 7850
    assert suite.load(runs.planned[0]).recipe == runs.planned[0].experiment.recipe
    opened = suite.Session.open()
    monkeypatch.setattr(opened, "data", lambda _name: runs.planned[0].run.folder)
    assert [job.folders for job in benching._workloads(opened, [other]).values()] == [(other.path.parent,)]
    with pytest.raises(suite.SuiteError, match="notebooks have defined 2 experiments mine"):
        suite.run("mine")


@pytest.mark.mlflow
@pytest.mark.studies
@pytest.mark.full
@pytest.mark.promise
def test_a_study_of_an_object_saves_its_variant_where_new_writes(cell, tmp_path):
    from suite.api import starting

    own = tmp_path / "own"
    own.mkdir()
    session = suite.Session.open(experiments=[own])
    cell(RECIPE)
    mine = suite.experiment("mine", cell("")["recipe"], cell(PLAIN.format("classes"))["network"], session=session)

    assert starting.folder_of(session) == own
    tuned = suite.tune(mine, trials=2, generation=2, seeds=1, fresh_seeds=3, save=True, report=False, session=session)

    assert len(tuned.frame()) == 2
    assert tuned.saved in (None, own / "mine_tuned.py")
    assert "mine" not in session.registry
