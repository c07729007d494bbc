"""An identity changes with all that can change a number, and with nothing else."""

import dataclasses
import os
import subprocess
import sys

import pytest

from suite.data.catalog import CATALOG
from suite.recipe import Recipe, Source, registry
from suite.recipe import identity as identity_module
from suite.recipe.fields import LATER
from suite.recipe.identity import identity
from tests.conftest import ROOT

BASE = Recipe(
    data="mnist", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=64, epochs=3, holdout=0.2,
    probe_every=10, probe_images=100,
)  # fmt: skip
OTHER = {
    "data": "fashion-mnist",
    "loss": "mse-one-hot",
    "optimizer": "adam",
    "lr": 0.2,
    "batch_size": 32,
    "epochs": 4,
    "momentum": 0.9,
    "weight_decay": 0.01,
    "normalize": (0.1307, 0.3081),
    "shuffle": False,
    "holdout": 0.3,
    "probe_every": 20,
    "probe_images": 200,
    "keep": "best",
    "test_images": 500,
    "init_std": 0.01,
    "betas": (0.7, 0.9),
    "schedule": "one-cycle",
    "warm_up": 0.1,
    "precision": "bfloat16",
    "milestones": (0.25, 0.5),
    "gamma": 0.5,
    "label_smoothing": 0.1,
    "clip_norm": 1.0,
    "average": 0.99,
    "augment": "crop4,flip",
    "portable": True,
}
NEEDS = {
    "betas": {"optimizer": "adam"}, "warm_up": {"schedule": "one-cycle"}, "milestones": {"schedule": "step"},
    "gamma": {"schedule": "step"},
}  # fmt: skip  # what uses a field
# What users' finished runs are known by: a change of any of these trains them all again.
PRESENT = {
    "cnn": "18f15fb255e61b34c8a1db86140169a76e27fac79b18242f8741eb09f9433c71",
    "cnn_one_epoch": "6e7868ee35c3884c3f296a3982687e9d346df0e94ce12ab68b6583aec64402da",
    "lenet": "c1fa594b6c8e337e4278252dc09cf1279504b077f7eb4d24c11a83be83eb5f22",
    "lenet_avgpool": "39941e01ceaee84ff0c34420f4e7149879e4171b478a2a348ddedc989e3351ea",
    "lenet_gaussian": "0b51a1296cf56908b06873b13fca84d6da5c353f0dc3dec4688bf538758b78e4",
    "mlp": "58bf88a1906e23fc36af3fe432920fd060b21c8626a828123aee6b2485a2c957",
}

FILE = '''"""An example."""

from suite.recipe import Recipe, Source

WIDTH = 16
UNRELATED = 1
SIZES = [3, 5]


class Shape:
    side = 28


def block(width):
    """A layer."""
    return width * SIZES[0] * Shape.side


recipe = Recipe(
    data="mnist", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=64, epochs=3,
    source=Source(title="Somewhere", parameters=10, accuracy=0.9, remark="As printed."),
)


def network():
    """Map images to scores."""
    from torch import nn

    # the narrowest that works
    return nn.Sequential(nn.Flatten(), nn.Linear(784, WIDTH), nn.ReLU(), nn.Linear(block(WIDTH), 10))


def unrelated():
    return UNRELATED
'''


@pytest.fixture
def identity_or_refusal(tmp_path):
    """The identity of an experiment whose file says `text`, or "refused"."""

    def load(text):
        (tmp_path / "one.py").write_text(text, encoding="utf-8")
        found = registry.load([tmp_path])
        return found.experiments["one"].identity if "one" in found.experiments else "refused"

    return load


@pytest.fixture
def identity_of(identity_or_refusal):
    """The same where a refusal is none of the answers."""

    def load(text):
        found = identity_or_refusal(text)
        assert found != "refused"
        return found

    return load


def replaced(old, new, text=FILE):
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize("name", BASE.values())
def test_the_identity_changes_with_every_field_of_the_protocol(name):
    base = BASE.changed(NEEDS.get(name, {}))
    changed = base.changed({name: OTHER[name]})

    assert identity(changed, "text") != identity(base, "text")


def test_no_two_of_these_changes_meet_in_one_identity():
    found = {identity(BASE.changed({name: value, **NEEDS.get(name, {})}), "text") for name, value in OTHER.items()}

    assert len(found) == len(OTHER)


def test_an_identity_is_a_sha_256():
    found = identity(BASE, "text")

    assert len(found) == 64
    assert set(found) <= set("0123456789abcdef")


def test_the_identity_changes_with_the_contents_of_the_data_under_the_same_name(monkeypatch):
    before = identity(BASE, "text")
    sums = {**CATALOG["mnist"].sha256, "t10k-labels-idx1-ubyte": "0" * 64}
    monkeypatch.setitem(CATALOG, "mnist", dataclasses.replace(CATALOG["mnist"], sha256=sums))

    assert identity(BASE, "text") != before


def test_the_identity_changes_with_the_engines_format(monkeypatch):
    before = identity(BASE, "text")
    monkeypatch.setattr(identity_module, "FORMAT", identity_module.FORMAT + 1)

    assert identity(BASE, "text") != before


def test_the_identity_changes_with_the_networks_text():
    assert identity(BASE, "one text") != identity(BASE, "another text")


def test_the_words_about_a_source_are_no_part_of_the_identity():
    told = dataclasses.replace(BASE, source=Source(title="Somewhere", parameters=10, accuracy=0.9))

    assert identity(told, "text") == identity(BASE, "text")


def test_what_tune_searches_is_no_part_of_the_identity():
    searched = dataclasses.replace(BASE, space={"lr": "0.1..1"})

    assert identity(searched, "text") == identity(BASE, "text")


def test_every_field_but_these_three_is_part_of_the_identity():
    assert {field.name for field in dataclasses.fields(Recipe)} - set(BASE.values()) == {"source", "space", "arguments"}


@pytest.mark.parametrize("name", PRESENT)
def test_no_finished_run_is_trained_again_because_a_field_came_later(name):
    assert registry.load().experiments[name].identity == PRESENT[name]


def test_a_later_field_is_part_of_the_identity_unless_it_has_its_default():
    said = BASE.changed(LATER)

    assert set(LATER) <= set(OTHER)
    assert identity(said, "text") == identity(BASE, "text")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nn.ReLU(), ", "nn.Sigmoid(), "),
        ("nn.ReLU(), ", ""),
        ("WIDTH = 16", "WIDTH = 17"),
        ("width * SIZES[0]", "width + SIZES[0]"),
        ("SIZES = [3, 5]", "SIZES = [4, 5]"),
        ("side = 28", "side = 29"),
        ("lr=0.1", "lr=0.2"),
    ],
    ids=["a layer", "a layer less", "a constant", "a helper", "a helper's constant", "a class", "the recipe"],
)
def test_the_identity_changes_with_what_the_network_is_made_of(identity_of, old, new):
    assert identity_of(replaced(old, new)) != identity_of(FILE)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("if True:\n    def block(width):\n        return 1\n", "if True:\n    def block(width):\n        return 2\n"),
        ("try:\n    import math as block\nexcept ImportError:\n    pass\n",
         "try:\n    import cmath as block\nexcept ImportError:\n    pass\n"),
        ("SIZES[0] = 7\n", "SIZES[0] = 8\n"),
        ("Shape.side = 7\n", "Shape.side = 8\n"),
        ("SIZES.insert(0, 7)\n", "SIZES.insert(0, 8)\n"),
        ("SIZES += [7]\n", "SIZES += [8]\n"),
        ("for WIDTH in range(7):\n    pass\n", "for WIDTH in range(8):\n    pass\n"),
    ],
    ids=["a function in an if", "an import in a try", "an item", "an attribute", "a method", "in place", "a loop"],
)  # fmt: skip
def test_the_identity_changes_with_every_way_to_define_what_the_network_uses(identity_of, first, second):
    assert identity_of(FILE + "\n\n" + first) != identity_of(FILE + "\n\n" + second)


def test_a_lambda_as_network_is_refused_or_its_text_counts(identity_or_refusal):
    start = FILE.partition("def network")[0]

    narrow = identity_or_refusal(f"{start}network = lambda: block(16)\n")
    wide = identity_or_refusal(f"{start}network = lambda: block(32)\n")

    assert narrow != wide or narrow == "refused"


def test_the_identity_changes_with_a_network_under_another_name(identity_of):
    start = replaced("def network", "def build")

    narrow = identity_of(f"{start}\n\nnetwork = build\n")
    wide = identity_of(replaced("nn.ReLU(), ", "", f"{start}\n\nnetwork = build\n"))

    assert narrow != wide


def test_a_network_behind_another_files_decorator_is_refused_or_its_text_counts(
    identity_or_refusal, tmp_path, monkeypatch
):
    (tmp_path / "identity_test_decorators").mkdir()
    (tmp_path / "identity_test_decorators" / "__init__.py").write_text(
        "import functools\n\n\ndef plain(function):\n"
        "    @functools.wraps(function)\n    def call():\n        return function()\n\n    return call\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = "from identity_test_decorators import plain\n" + replaced("def network", "@plain\ndef network")

    narrow = identity_or_refusal(replaced("nn.ReLU(), ", "", text))
    wide = identity_or_refusal(text)

    assert narrow != wide or narrow == "refused"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    # the narrowest that works\n", ""),
        ("nn.Flatten(), nn.Linear(784, WIDTH)", "nn.Flatten(),\n        nn.Linear( 784,WIDTH )"),
        ('    """Map images to scores."""\n', ""),
        ('"""A layer."""', '"""A layer of that width."""'),
        ('"""An example."""', '"""Another example."""'),
        ('title="Somewhere"', 'title="Elsewhere"'),
        ("accuracy=0.9", "accuracy=0.8"),
        ('remark="As printed."', 'remark=""'),
        ("UNRELATED = 1", "UNRELATED = 2"),
        ("def unrelated():\n    return UNRELATED\n", "def unrelated():\n    return 5\n"),
        ("lr=0.1", "lr=1e-1"),
        ("SIZES = [3, 5]", "SIZES = [3, 5]  # pixels"),
    ],
    ids=["a comment", "layout", "a docstring", "a helper's docstring", "the file's docstring", "a title", "a figure",
         "a remark", "a constant of others", "a function of others", "a spelling", "a constant's comment"],
)  # fmt: skip
def test_the_identity_does_not_change_with_what_changes_no_number(identity_of, old, new):
    assert identity_of(replaced(old, new)) == identity_of(FILE)


def test_the_identity_does_not_change_with_the_files_name(tmp_path):
    (tmp_path / "one.py").write_text(FILE, encoding="utf-8")
    (tmp_path / "two.py").write_text(FILE, encoding="utf-8")
    found = registry.load([tmp_path]).experiments

    assert found["one"].identity == found["two"].identity


def test_an_override_that_says_what_the_recipe_says_changes_nothing():
    lenet = registry.load().experiments["lenet"]

    assert lenet.changed({"lr": 0.001}).identity == lenet.identity
    assert lenet.changed({"lr": 0.001}).overrides == {}
    assert lenet.changed({"lr": 0.002}).identity != lenet.identity
    assert lenet.changed({"lr": 0.002}).overrides == {"lr": 0.002}


def test_the_identities_are_the_same_in_every_process_and_all_different():
    program = "from suite.recipe.registry import load\nprint(*(one.identity for one in load().experiments.values()))"

    found = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]  # fmt: skip

    assert found[0] == found[1]
    assert len(set(found[0])) == len(registry.load().experiments)


def test_lenets_published_history_has_every_epoch_and_its_losses_fall():
    printed = registry.load().experiments["lenet"].recipe.source.history

    assert list(printed) == list(range(25))
    for column, sign in enumerate((-1, 1, -1, 1)):  # losses fall and accuracies rise in every printed epoch
        figures = [sign * row[column] for row in printed.values()]
        assert figures == sorted(set(figures))
