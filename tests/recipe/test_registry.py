"""What is registered, to the letter of the sources; and what a broken file costs: one line, and no other file."""

import os
import subprocess
import sys
from dataclasses import fields

import pytest

from suite.errors import SuiteError
from suite.recipe import Recipe, registry
from suite.recipe.fields import NOT_FIELDS
from suite.recipe.space import read_space
from suite.tuning.request import require_recipes
from tests.conftest import ROOT

DEFAULTS = {
    "momentum": 0.0, "weight_decay": 0.0, "normalize": None, "shuffle": True, "holdout": 0.0, "probe_every": None,
    "probe_images": None, "keep": "last", "test_images": None, "init_std": None, "betas": (0.9, 0.999),
    "schedule": "constant", "warm_up": 0.0, "precision": "float32", "milestones": (0.5, 0.75), "gamma": 0.1,
    "label_smoothing": 0.0, "clip_norm": None, "average": None, "augment": "",
    "portable": False,
}  # fmt: skip
ADAM = {"loss": "cross-entropy", "optimizer": "adam"}
PROTOCOLS = {
    "mlp": {
        "data": "mnist", "normalize": (0.1307, 0.3081), "loss": "mse-one-hot", "optimizer": "sgd", "lr": 0.01,
        "momentum": 0.9, "batch_size": 512, "epochs": 3,
    },
    "lenet": {
        "data": "fashion-mnist", **ADAM, "lr": 0.001, "batch_size": 64, "epochs": 25, "shuffle": False,
        "holdout": 0.2, "keep": "best",
    },
    "cnn": {
        "data": "mnist", **ADAM, "lr": 0.001, "batch_size": 50, "epochs": 2, "probe_every": 50,
        "probe_images": 3_000, "test_images": 3_000,
    },
    "cnn_one_epoch": {
        "data": "mnist", **ADAM, "lr": 0.01, "batch_size": 50, "epochs": 1, "probe_every": 50,
        "probe_images": 2_000, "test_images": 2_000,
    },
    "lenet_avgpool": {
        "data": "mnist", **ADAM, "lr": 0.001, "weight_decay": 0.01, "batch_size": 100, "epochs": 10,
    },
    "lenet_gaussian": {
        "data": "fashion-mnist", "loss": "cross-entropy", "optimizer": "sgd", "batch_size": 256, "epochs": 5,
        "init_std": 0.01,
    },
    "train_mnist_fast": {
        "data": "mnist", "normalize": (0.1307, 0.3081), **ADAM, "lr": 0.01, "betas": (0.7, 0.9),
        "schedule": "one-cycle", "batch_size": 256, "epochs": 1,
    },
}  # fmt: skip

# Each layer as (kind, output shape, parameters): conv = out × (in × k² + 1), linear = out × (in + 1).
LAYERS = {
    "mlp": [
        ("Flatten", (784,), 0), ("Linear", (256,), 200_960), ("ReLU", (256,), 0), ("Linear", (64,), 16_448),
        ("ReLU", (64,), 0), ("Linear", (10,), 650),
    ],
    "lenet": [
        ("Conv2d", (6, 24, 24), 156), ("Sigmoid", (6, 24, 24), 0), ("MaxPool2d", (6, 12, 12), 0),
        ("Conv2d", (16, 8, 8), 2_416), ("Sigmoid", (16, 8, 8), 0), ("MaxPool2d", (16, 4, 4), 0),
        ("Flatten", (256,), 0), ("Linear", (120,), 30_840), ("Sigmoid", (120,), 0), ("Linear", (84,), 10_164),
        ("Sigmoid", (84,), 0), ("Linear", (10,), 850),
    ],
    "cnn": [
        ("Conv2d", (16, 28, 28), 416), ("ReLU", (16, 28, 28), 0), ("MaxPool2d", (16, 14, 14), 0),
        ("Conv2d", (32, 14, 14), 12_832), ("ReLU", (32, 14, 14), 0), ("MaxPool2d", (32, 7, 7), 0),
        ("Flatten", (1_568,), 0), ("Linear", (10,), 15_690),
    ],
    "lenet_avgpool": [
        ("Conv2d", (6, 28, 28), 156), ("ReLU", (6, 28, 28), 0), ("AvgPool2d", (6, 14, 14), 0),
        ("Conv2d", (16, 10, 10), 2_416), ("ReLU", (16, 10, 10), 0), ("AvgPool2d", (16, 5, 5), 0),
        ("Flatten", (400,), 0), ("Linear", (120,), 48_120), ("ReLU", (120,), 0), ("Linear", (84,), 10_164),
        ("ReLU", (84,), 0), ("Dropout", (84,), 0), ("Linear", (10,), 850),
    ],
    "lenet_gaussian": [
        ("Conv2d", (20, 24, 24), 520), ("ReLU", (20, 24, 24), 0), ("MaxPool2d", (20, 12, 12), 0),
        ("Conv2d", (50, 10, 10), 9_050), ("ReLU", (50, 10, 10), 0), ("MaxPool2d", (50, 5, 5), 0),
        ("Flatten", (1_250,), 0), ("Linear", (128,), 160_128), ("ReLU", (128,), 0), ("Linear", (10,), 1_290),
    ],
    "train_mnist_fast": [
        ("Conv2d", (24, 24, 24), 624), ("MaxPool2d", (24, 12, 12), 0), ("ReLU", (24, 12, 12), 0),
        ("Conv2d", (32, 10, 10), 6_944), ("MaxPool2d", (32, 5, 5), 0), ("ReLU", (32, 5, 5), 0),
        ("Flatten", (800,), 0), ("Linear", (256,), 205_056), ("ReLU", (256,), 0), ("Linear", (10,), 2_570),
    ],
}  # fmt: skip
LAYERS["cnn_one_epoch"] = LAYERS["cnn"]
OUR_OWN = ("cifar_net", "linear", "resnet8", "speedrun")  # their protocols are no source's
PARAMETERS = {
    "mlp": 218_058, "lenet": 44_426, "cnn": 28_938, "cnn_one_epoch": 28_938, "lenet_avgpool": 61_706,
    "lenet_gaussian": 170_988, "train_mnist_fast": 215_194,
}  # fmt: skip
TITLES = {
    "mlp": "初识MNIST数据集",
    "lenet": "Pytorch: 卷积神经网络-LeNet",
    "cnn": "CNN卷积神经网络实战教程",
    "cnn_one_epoch": "MNIST数据集和数字分类",
    "lenet_avgpool": "Pytorch: 卷积神经网络-LeNet",
    "lenet_gaussian": "卷积神经网络",
    "train_mnist_fast": "train_mnist_fast",
}

GOOD = '''"""A small network."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=64, epochs=2)


def network():
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''


@pytest.fixture(scope="module")
def ours():
    return registry.load()


@pytest.fixture
def folder(tmp_path):
    """A user's folder that holds one good experiment, `good`."""
    place = tmp_path / "mine"
    place.mkdir()
    (place / "good.py").write_text(GOOD)
    return place


# --- the published ones, to the letter ----------------------------------------------------------------------------


def test_there_are_these_experiments_and_nothing_is_wrong_with_them(ours):
    assert list(ours.experiments) == sorted([*PROTOCOLS, *OUR_OWN])
    assert ours.errors == ()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_field_of_a_protocol_is_the_sources(ours, name):
    recipe = ours.experiments[name].recipe
    expected = {**DEFAULTS, **PROTOCOLS[name]}
    if name == "lenet_gaussian":
        expected["lr"] = recipe.lr  # its source prints none
    if name == "train_mnist_fast":
        expected["warm_up"] = 0.3  # that of every one-cycle

    told = [field.name for field in fields(Recipe) if field.name not in NOT_FIELDS]
    found = {name: getattr(recipe, name) for name in told}

    assert found == expected


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_tune_searches_can_be_trained(ours, name):
    recipe = ours.experiments[name].recipe

    require_recipes(read_space(recipe.space), recipe)

    assert {"lr", "batch_size"} <= recipe.space.keys()


def test_lenet_gaussian_says_that_its_rate_is_not_the_sources(ours):
    source = ours.experiments["lenet_gaussian"].recipe.source

    assert "learning rate" in source.remark


@pytest.mark.parametrize(
    ("name", "train", "batches"),
    [("mlp", 60_000, 118), ("lenet", 48_000, 750), ("cnn", 60_000, 1_200), ("lenet_avgpool", 60_000, 600),
     ("lenet_gaussian", 60_000, 235), ("train_mnist_fast", 60_000, 235)],
)  # fmt: skip
def test_an_epoch_is_as_long_as_the_sources(ours, name, train, batches):
    recipe = ours.experiments[name].recipe

    assert recipe.training_images() == train
    assert -(-train // recipe.batch_size) == batches


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_the_sources_shape_and_parameters(ours, name):
    from suite.data.dataset import GREY
    from suite.engine.build import build_model
    from suite.engine.layers import layers

    experiment = ours.experiments[name]
    found = layers(build_model(experiment.recipe, experiment.network, seed=0), GREY)

    assert [(layer.kind.partition("(")[0], layer.shape, layer.parameters) for layer in found] == LAYERS[name]
    assert sum(layer.parameters for layer in found) == PARAMETERS[name]


def test_lenets_parameters_are_the_published_ones_layer_by_layer(ours):
    counted = [parameters for _, _, parameters in LAYERS["lenet"] if parameters]

    assert counted == [156, 2_416, 30_840, 10_164, 850]
    assert sum(counted) == 44_426 == ours.experiments["lenet"].recipe.source.parameters


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_source_is_named_with_the_parameters_its_network_must_have(ours, name):
    source = ours.experiments[name].recipe.source

    assert source.title.startswith(TITLES[name])
    assert source.parameters == PARAMETERS[name]


def test_the_published_figures_are_the_sources(ours):
    published = {name: ours.experiments[name].recipe.source.accuracy for name in PROTOCOLS}

    assert published == {
        "mlp": 0.88, "lenet": 0.8677, "cnn": None, "cnn_one_epoch": None, "lenet_avgpool": None,
        "lenet_gaussian": None, "train_mnist_fast": 0.9904,
    }  # fmt: skip
    assert ours.experiments["mlp"].recipe.source.accuracy_words == "about 0.88"
    assert ours.experiments["lenet"].recipe.source.accuracy_words == ""


def test_lenets_published_history_is_the_sources(ours):
    source = ours.experiments["lenet"].recipe.source

    assert list(source.history) == list(range(25))
    assert (
        source.history.items()
        >= {
            0: (1.3207, 0.5002, 0.8333, 0.6904),
            4: (0.5339, 0.7921, 0.5160, 0.7925),
            9: (0.4264, 0.8410, 0.4308, 0.8387),
            14: (0.3704, 0.8614, 0.3812, 0.8552),
            19: (0.3347, 0.8742, 0.3516, 0.8678),
            20: (0.3289, 0.8761, 0.3473, 0.8699),
            24: (0.3085, 0.8838, 0.3331, 0.8771),
        }.items()
    )
    assert source.confused == ("T-shirt/top", "Shirt", 154)
    assert (source.seconds, source.machine) == (298, "GeForce MX250")


@pytest.mark.parametrize(
    ("name", "convolutions", "parameters"), [("cifar_net", 7, 127_994), ("linear", 0, 7_850), ("resnet8", 9, 77_754)]
)
def test_the_networks_of_our_own_have_these_sizes(ours, name, convolutions, parameters):
    from torch import nn

    from suite.engine.build import build_model, count_parameters

    one = ours.experiments[name]
    model = build_model(one.recipe, one.network, seed=0)

    assert count_parameters(model) == parameters
    assert sum(isinstance(layer, nn.Conv2d) for layer in model.modules()) == convolutions  # two are shortcuts


def test_no_figure_is_claimed_for_a_protocol_that_is_not_kept(ours):
    source = ours.experiments["cifar_net"].recipe.source

    assert source.accuracy is None
    assert "0.9401" in source.remark
    assert "does not stand beside ours" in source.remark


def test_no_other_experiment_claims_a_published_history(ours):
    assert [name for name in PROTOCOLS if ours.experiments[name].recipe.source.history] == ["lenet"]


# --- adding one ---------------------------------------------------------------------------------------------------


def test_a_new_file_in_a_folder_is_a_new_experiment(folder, ours):
    found = registry.load([folder])

    assert found.errors == ()
    assert set(found.experiments) == {*ours.experiments, "good"}
    assert found.experiments["good"].path == folder / "good.py"
    assert found.experiments["good"].recipe.lr == 0.1


def test_several_folders_add_up(folder, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "another.py").write_text(GOOD)

    assert {"good", "another"} <= set(registry.load([folder, tmp_path / "more"]).experiments)


def test_a_file_may_take_the_network_of_one_of_ours(folder, ours):
    (folder / "slower.py").write_text(GOOD.partition("\n\ndef")[0] + "\nfrom experiments.cnn import network\n")
    found = registry.load([folder])

    assert found.errors == ()
    assert found.experiments["slower"].network_text == ours.experiments["cnn"].network_text


def test_files_that_begin_with_an_underscore_and_files_of_other_kinds_are_no_experiments(folder):
    (folder / "_shared.py").write_text("raise SystemExit(5)")
    (folder / "__init__.py").write_text("")
    (folder / "notes.txt").write_text("recipe = ")
    (folder / "good.py~").write_text("recipe = ")
    (folder / "good.pyc").write_bytes(b"\0\1\2")
    (folder / "README").write_text("recipe = ")
    found = registry.load([folder])

    assert found.errors == ()
    assert [name for name, one in found.experiments.items() if one.path.parent == folder] == ["good"]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SuiteError, match="there is no such folder of experiments") as refused:
        registry.load([tmp_path / "nowhere"])

    assert str(tmp_path / "nowhere") in str(refused.value)


def test_an_edit_within_the_same_second_and_of_the_same_size_is_seen(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = folder / "good.py"
    before = path.stat()
    first = registry.load([folder]).experiments["good"]
    path.write_text(GOOD.replace("lr=0.1", "lr=0.2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = registry.load([folder]).experiments["good"]

    assert path.stat().st_size == before.st_size
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert (first.recipe.lr, second.recipe.lr) == (0.1, 0.2)
    assert first.identity != second.identity
    assert [entry.name for entry in folder.iterdir()] == ["good.py"]


def installed(place, monkeypatch, points, **modules):
    """Lay out an installed package of the given modules that offers the given entry points."""
    site = place / "site"
    facts = site / f"{'_'.join(modules)}-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {'-'.join(modules)}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (facts / "entry_points.txt").write_text(f"[suite.experiments]\n{lines}")
    for name, text in modules.items():
        (site / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(site)


def test_an_installed_package_adds_an_experiment_by_an_entry_point(tmp_path, monkeypatch, ours):
    installed(tmp_path, monkeypatch, {"from_afar": "suite_test_afar"}, suite_test_afar=GOOD)
    found = registry.load()

    assert found.errors == ()
    assert set(found.experiments) == {*ours.experiments, "from_afar"}
    assert found.experiments["from_afar"].recipe.data == "digits"
    assert "nn.Linear(784, 10)" in found.experiments["from_afar"].network_text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("suite_test_broken", "ZeroDivisionError"),
        ("suite_test_missing", "ModuleNotFoundError"),
        ("suite_test_broken:nothing", ""),
        ("???", ""),
    ],
    ids=["raises", "is not there", "lacks the attribute", "is malformed"],
)
def test_an_entry_point_that_is_broken_costs_one_line_and_nothing_else(tmp_path, monkeypatch, ours, value, reason):
    installed(tmp_path, monkeypatch, {"from_afar": value}, suite_test_broken="1 / 0\n")
    found = registry.load()

    assert set(found.experiments) == set(ours.experiments)
    assert len(found.errors) == 1
    assert reason in str(found.errors[0])
    assert value in str(found.errors[0])


# --- broken files -------------------------------------------------------------------------------------------------


def with_recipe(**values):
    """GOOD with other recipe values, spelled as they are to stand in the file."""
    text = GOOD
    fields_of_good = {"data": '"digits"', "loss": '"cross-entropy"', "optimizer": '"sgd"', "lr": "0.1",
                      "batch_size": "64", "epochs": "2"}  # fmt: skip
    spelled = ", ".join(f"{name}={value}" for name, value in {**fields_of_good, **values}.items() if value)
    start, end = text.index("recipe = Recipe("), text.index("\n\n\ndef")
    return f"{text[:start]}recipe = Recipe({spelled}){text[end:]}"


NETWORK = GOOD.partition("\n\n\n")[2]
IMPORT = "from suite.recipe import Recipe"
BROKEN = {
    "unknown field": (with_recipe(batchsize="64"), 5, "batchsize is not a field of a recipe; did you mean batch_size"),
    "unknown field far from all": (with_recipe(zzz="64"), 5, "zzz is not a field of a recipe."),
    "missing field": (with_recipe(lr=None), 5, "the recipe lacks 'lr'"),
    "missing fields": (with_recipe(lr=None, epochs=None), 5, "the recipe lacks 'lr' and 'epochs'"),
    "wrong type": (with_recipe(lr='"0.1"'), 5, "lr must be a finite number, got '0.1'"),
    "bool as int": (with_recipe(epochs="True"), 5, "epochs must be a whole number from 1 to 10,000, got True"),
    "not a number": (with_recipe(lr='float("nan")'), 5, "lr must be a finite number, got nan"),
    "infinite": (with_recipe(lr='float("inf")'), 5, "lr must be a finite number, got inf"),
    "too large to be a float": (with_recipe(lr="10**400"), 5, "lr must be a finite number, got 1000"),
    "zero": (with_recipe(batch_size="0"), 5, "batch_size must be a whole number from 1 to 60,000, got 0"),
    "negative": (with_recipe(lr="-0.1"), 5, "lr must be above 0, got -0.1"),
    "unknown choice": (with_recipe(data='"minst"'), 5, "data must be the name of a data set, got 'minst'"),
    "fields at odds": (with_recipe(keep='"best"'), 5, "keep needs validation images to choose by, got 'best'"),
    "import error": ("import suite_test_nowhere\n" + GOOD, 1, "No module named 'suite_test_nowhere'"),
    "name not in module": ("from suite.recipe import Recipes\n" + GOOD, 1, "cannot import name 'Recipes'"),
    "syntax error": (GOOD.replace("def network():", "def network(:"), 8, "SyntaxError"),
    "indentation error": (GOOD.replace("    from torch", "  from torch"), 11, "IndentationError"),
    "null bytes": (GOOD + "\0", None, "null bytes"),
    "not UTF-8": (GOOD.encode() + b'\n\nname = "\xff"\n', None, "SyntaxError"),
    "sys.exit": (GOOD + "\n\nimport sys\n\nsys.exit(0)\n", 16, "SystemExit: 0"),
    "SystemExit": (GOOD + "\n\nraise SystemExit\n", 14, "SystemExit"),
    "any exception": (GOOD + "\n\n1 / 0\n", 14, "ZeroDivisionError: division by zero"),
    "an exception of many lines": (GOOD + '\n\nraise ValueError("a\\nb\\r\\nc")\n', 14, "ValueError: a b c."),
    "an exception without words": (GOOD + "\n\nraise ValueError\n", 14, "ValueError"),
    "an exception that cannot be printed": (
        GOOD + "\n\nclass Odd(Exception):\n    def __str__(self):\n        raise ValueError\n\n\nraise Odd\n",
        19, "Odd",
    ),
    "a colourful exception": (GOOD + '\n\nraise ValueError("\\x1b[31mred\\x07")\n', 14, "ValueError"),
    "empty": ("", None, "recipe must be a Recipe, got None"),
    "no recipe": ("def network():\n    pass\n", None, "recipe must be a Recipe, got None"),
    "a dict for a recipe": ("recipe = {'lr': 1}\n\n\n" + NETWORK, None, "recipe must be a Recipe, got {'lr': 1}"),
    "the class for a recipe": (GOOD.partition("(data")[0] + "\n\n\n" + NETWORK, None, "recipe must be a Recipe"),
    "no network": (GOOD.partition("\n\n\n")[0] + "\n", None, "network must be a function, got None"),
    "a number for a network": (GOOD + "\n\nnetwork = 5\n", None, "network must be a function, got 5"),
    "a class for a network": (GOOD + "\n\nclass network:\n    pass\n", None, "network must be a function"),
    "a network without a file": (GOOD + '\n\nnetwork = eval("lambda: None")\n', None, ""),
    "a network with arguments": (GOOD.replace("network()", "network(width)"), None, "'width' without a default"),
    "an unknown field of the source": (
        with_recipe(source='Source(titel="Somewhere", parameters=10)').replace(IMPORT, f"{IMPORT}, Source"),
        5, "titel is not a field of a source; did you mean title",
    ),
    "a missing field of the source": (
        with_recipe(source='Source(title="Somewhere")').replace(IMPORT, f"{IMPORT}, Source"),
        5, "the source lacks 'parameters'",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("text", "line", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_costs_one_line_that_names_it_and_the_good_ones_are_loaded(folder, ours, text, line, reason):
    path = folder / "broken.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = registry.load([folder])

    assert set(found.experiments) == {*ours.experiments, "good"}
    [error] = found.errors
    assert str(error).startswith(f"{path}:{line}: " if line else str(path))
    assert reason in str(error)
    assert str(error).isprintable()
    assert error.code == 2


LISTED = """
import sys
from contextlib import suppress
from pathlib import Path

from suite.recipe import registry

if sys.argv[2] == "again":
    with suppress(Exception):
        import torch
[error] = registry.load([Path(sys.argv[1])]).errors
print(error.code, error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["first", "again"])
def test_a_file_is_not_to_blame_where_torch_itself_cannot_be_loaded(folder, when):
    (folder / "good.py").write_text(f"import torch\n{GOOD}")
    command = [sys.executable, "-c", LISTED, str(folder), when]
    answer = subprocess.run(command, cwd=ROOT, env={**os.environ, "TORCH_LOGS": "nonsense"}, capture_output=True)

    line = answer.stdout.decode()
    assert line.startswith("3 torch cannot be loaded: "), answer
    assert "variables that begin with TORCH" in line
    assert "good.py" not in line


def test_a_comment_that_is_not_utf_8_is_pythons_to_judge_and_costs_one_line_at_the_most(folder, ours):
    (folder / "odd.py").write_bytes(GOOD.encode() + b"# \xff\n")
    found = registry.load([folder])

    assert set(found.experiments) - {"odd"} == {*ours.experiments, "good"}
    assert len(found.errors) == ("odd" not in found.experiments)


def test_a_file_in_an_encoding_that_it_declares_is_read_as_python_reads_it(folder):
    (folder / "good.py").write_bytes(f"# coding: latin-1\n{GOOD}NAME = 'Mädchen'\n".encode("latin-1"))
    found = registry.load([folder])

    assert found.errors == ()
    assert "good" in found.experiments


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_costs_one_line(folder, ours):
    (folder / "broken.py").write_text(GOOD)
    (folder / "broken.py").chmod(0)
    found = registry.load([folder])

    assert set(found.experiments) == {*ours.experiments, "good"}
    assert len(found.errors) == 1


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("nowhere.py")],
                         ids=["folder", "dangling link"])  # fmt: skip
def test_what_is_called_like_a_file_and_is_none_costs_one_line(folder, ours, make):
    make(folder / "broken.py")
    found = registry.load([folder])

    assert set(found.experiments) == {*ours.experiments, "good"}
    [error] = found.errors
    assert str(error).startswith(str(folder / "broken.py"))


def test_the_line_is_that_of_the_file_where_the_fault_lies_elsewhere(folder, tmp_path, monkeypatch):
    (tmp_path / "suite_test_helper.py").write_text("\n\n\n\n\n\ndef (:\n")
    monkeypatch.syspath_prepend(tmp_path)
    (folder / "broken.py").write_text("\nimport suite_test_helper\n" + GOOD)
    [error] = registry.load([folder]).errors

    assert str(error).startswith(f"{folder / 'broken.py'}:2: ")


def test_interrupting_a_file_that_is_being_loaded_interrupts_the_command(folder):
    (folder / "slow.py").write_text("raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        registry.load([folder]).choose(["slow"])


def test_a_file_is_run_when_its_experiment_is_asked_for_and_not_before(folder, tmp_path):
    (folder / "stranger.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n" + GOOD)

    known = registry.load([folder])
    known.choose(["good", "lenet"])
    before = (tmp_path / "ran").exists()
    known.choose(["stranger"])
    known.choose(["all"])  # run a second time, it would fail: the folder is there

    assert not before
    assert (tmp_path / "ran").is_dir()


@pytest.mark.parametrize("alone", [False, True])
def test_a_files_variables_stay_only_where_its_experiment_is_alone(folder, monkeypatch, alone):
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.setenv("GONE", "before")
    lines = "import os\nos.environ['KEPT'] = os.environ['NEW_ONE'] = 'file'\ndel os.environ['GONE']\n"
    (folder / "stranger.py").write_text(lines + GOOD)

    registry.load([folder], alone=alone).choose(["stranger"])
    found = [os.environ.get(name) for name in ("KEPT", "NEW_ONE", "GONE")]
    os.environ.pop("NEW_ONE", None)  # monkeypatch would bring it back

    assert found == (["file", "file", None] if alone else ["before", None, "before"])


@pytest.mark.parametrize("taken", ["lenet", "good"])
def test_a_name_that_is_taken_costs_one_line_and_the_first_one_stays(folder, tmp_path, ours, taken):
    second = tmp_path / "second"
    second.mkdir()
    (second / f"{taken}.py").write_text(GOOD.replace("lr=0.1", "lr=0.9"))
    found = registry.load([folder, second])

    [error] = found.errors
    assert str(error).startswith(f"{second / taken}.py: {taken} is already defined by ")
    assert found.experiments[taken].recipe.lr != 0.9
    assert set(found.experiments) == {*ours.experiments, "good"}


BAD_NAMES = (
    "..x", "x.", "x..y", "x y", "x ", " x", "-rf", "..%2f", "C:\\x", "X", "Lenet", "1net", "l\u0435net", "lenet\u0301",
    "网络", "🙂", "x\ny", "x\ry", "x\x1b[31m", "x\u202ey", "x\u200by", "x-y", "x;y", "x$y", "x'y", 'x"y', "<script>",
    "x|y", "x*y", "a" * 41, "a" * 200, ".hidden",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_file_name_that_cannot_name_an_experiment_costs_one_line(folder, ours, name):
    (folder / f"{name}.py").write_text(GOOD)
    found = registry.load([folder])

    assert set(found.experiments) == {*ours.experiments, "good"}
    [error] = found.errors
    assert "cannot name an experiment" in str(error)
    assert str(folder) in str(error)
    assert str(error).isprintable()


@pytest.mark.parametrize("name", ["a", "a" * 40, "lenet5", "my_net", "z9_"])
def test_small_letters_digits_and_underscores_name_an_experiment(folder, name):
    (folder / f"{name}.py").write_text(GOOD)

    assert name in registry.load([folder]).experiments


# --- choosing -----------------------------------------------------------------------------------------------------


def test_experiments_are_chosen_in_the_order_asked_and_each_once(ours):
    assert [one.name for one in ours.choose(["mlp", "cnn", "mlp"])] == ["mlp", "cnn"]


def test_all_is_every_experiment(ours):
    assert [one.name for one in ours.choose(["all"])] == sorted(ours.experiments)
    assert [one.name for one in ours.choose(["mlp", "all"])] == sorted(ours.experiments)


@pytest.mark.parametrize(
    ("name", "offered"),
    [("lennet", "lenet"), ("cmn", "cnn"), ("mpl", "mlp"), ("cnn_one", "cnn_one_epoch"), ("Lenet", "lenet")],
)
def test_an_unknown_experiment_is_refused_with_the_nearest_names_and_all_of_them(ours, name, offered):
    with pytest.raises(SuiteError) as refused:
        ours.choose(["mlp", name])

    assert str(refused.value).startswith(f"there is no experiment {name!r}; did you mean ")
    assert offered in str(refused.value).partition("did you mean ")[2].partition("?")[0].split(" or ")
    assert str(refused.value).endswith(f"Known: {', '.join(sorted(ours.experiments))}.")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "x\0y", "", " ", "a" * 300, "lenet.py", "..", "experiments/lenet.py", *BAD_NAMES],
    ids=ascii,
)  # fmt: skip
def test_no_bad_name_is_an_experiment(ours, name):
    with pytest.raises(SuiteError, match=r"^there is no experiment") as refused:
        ours.choose([name])

    assert str(refused.value).isprintable()


def test_all_is_refused_while_a_file_is_broken_and_the_good_ones_can_still_be_chosen(folder):
    (folder / "broken.py").write_text("1 / 0\n")
    found = registry.load([folder])

    with pytest.raises(SuiteError, match="ZeroDivisionError"):
        found.choose(["all"])
    with pytest.raises(SuiteError, match="ZeroDivisionError"):
        found.choose(["broken"])
    assert [one.name for one in found.choose(["good", "lenet"])] == ["good", "lenet"]


def test_an_unknown_name_is_not_taken_for_a_broken_file_whose_name_ends_alike(folder):
    (folder / "very_broken.py").write_text("1 / 0\n")

    with pytest.raises(SuiteError, match=r"^there is no experiment 'broken'"):
        registry.load([folder]).choose(["broken"])


def test_an_experiment_called_all_cannot_be_chosen_and_is_refused(folder):
    (folder / "all.py").write_text(GOOD)
    found = registry.load([folder])

    assert "all" not in found.experiments
    assert len(found.errors) == 1


def test_loading_imports_no_heavy_library_and_leaves_nothing_behind(folder):
    program = (
        "import sys; from pathlib import Path; from suite.recipe.registry import load; "
        "print(len(load([Path(sys.argv[1])]).experiments), *sys.modules)"
    )

    found = subprocess.run(
        [sys.executable, "-c", program, folder], cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip

    assert int(found[0]) == len([*PROTOCOLS, *OUR_OWN]) + 1
    assert not {"torch", "torchvision", "mlflow", "optuna", "pandas", "matplotlib", "sklearn", "scipy"} & set(found)
    assert [entry.name for entry in folder.iterdir()] == ["good.py"]
