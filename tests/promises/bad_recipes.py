"""Wrong experiment files: each has a name and the words that its one line of error must hold."""

import os
from pathlib import Path

IMPORT = "from suite.recipe import Recipe, Source\n"
NETWORK = "\n\ndef network():\n    from torch import nn\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
GOOD = {
    "data": "'digits'",
    "loss": "'cross-entropy'",
    "optimizer": "'sgd'",
    "lr": "0.1",
    "batch_size": "100",
    "epochs": "2",
}


def with_fields(**fields: str) -> str:
    """An experiment file whose recipe has these values, given as source text. A field with empty text is left out."""
    spelled = ", ".join(f"{name}={value}" for name, value in {**GOOD, **fields}.items() if value)
    return f"{IMPORT}recipe = Recipe({spelled}){NETWORK}"


def with_source(**fields: str) -> str:
    """An experiment file whose recipe has a `source` with these values."""
    spelled = ", ".join(f"{name}={value}" for name, value in {"title": "'T'", "parameters": "7850", **fields}.items())
    return with_fields(source=f"Source({spelled})")


def with_lines(lines: str) -> str:
    """A correct experiment file with these lines added at the end."""
    return f"{with_fields()}\n\n{lines}\n"


NUMBER = "must be a finite number, got"
BAD = {
    "unknown_field": (with_fields(learning_rate="1"), "learning_rate is not a field of a recipe"),
    "misspelt_field": (with_fields(epoch="1"), "epoch is not a field of a recipe; did you mean epochs"),
    "missing_field": (with_fields(data=""), "the recipe lacks 'data'"),
    "missing_fields": (with_fields(lr="", loss=""), "the recipe lacks 'loss' and 'lr'"),
    "no_fields": (f"{IMPORT}recipe = Recipe(){NETWORK}", "the recipe lacks 'data', 'loss'"),
    "positional": (f"{IMPORT}recipe = Recipe('digits'){NETWORK}", "TypeError"),
    "lr_as_text": (with_fields(lr="'0.1'"), f"lr {NUMBER} '0.1'"),
    "lr_none": (with_fields(lr="None"), f"lr {NUMBER} None"),
    "lr_list": (with_fields(lr="[0.1]"), f"lr {NUMBER} [0.1]"),
    "lr_bool": (with_fields(lr="True"), f"lr {NUMBER} True"),
    "lr_complex": (with_fields(lr="1j"), f"lr {NUMBER} 1j"),
    "lr_nan": (with_fields(lr="float('nan')"), f"lr {NUMBER} nan"),
    "lr_inf": (with_fields(lr="1e999"), f"lr {NUMBER} inf"),
    "lr_minus_inf": (with_fields(lr="-1e999"), f"lr {NUMBER} -inf"),
    "lr_huge": (with_fields(lr="10**400"), f"lr {NUMBER} 1000000"),
    "lr_zero": (with_fields(lr="0"), "lr must be above 0, got 0"),
    "lr_negative": (with_fields(lr="-0.1"), "lr must be above 0, got -0.1"),
    "momentum_one": (with_fields(momentum="1"), "momentum must be at least 0 and below 1, got 1"),
    "momentum_nan": (with_fields(momentum="float('nan')"), f"momentum {NUMBER} nan"),
    "momentum_of_adam": (with_fields(optimizer="'adam'", momentum="0.9"), "momentum is not used by adam, got 0.9"),
    "decay_negative": (with_fields(weight_decay="-1"), "weight_decay must be at least 0, got -1"),
    "batch_zero": (with_fields(batch_size="0"), "batch_size must be a whole number from 1 to 60,000, got 0"),
    "batch_negative": (with_fields(batch_size="-64"), "batch_size must be a whole number from 1 to 60,000, got -64"),
    "batch_float": (with_fields(batch_size="64.0"), "batch_size must be a whole number from 1 to 60,000, got 64.0"),
    "batch_bool": (with_fields(batch_size="True"), "batch_size must be a whole number from 1 to 60,000, got True"),
    "batch_huge": (with_fields(batch_size="60_001"), "batch_size must be a whole number from 1 to 60,000, got 60001"),
    "epochs_zero": (with_fields(epochs="0"), "epochs must be a whole number from 1 to 10,000, got 0"),
    "epochs_bool": (with_fields(epochs="False"), "epochs must be a whole number from 1 to 10,000, got False"),
    "epochs_text": (with_fields(epochs="'3'"), "epochs must be a whole number from 1 to 10,000, got '3'"),
    "epochs_inf": (with_fields(epochs="float('inf')"), "epochs must be a whole number from 1 to 10,000, got inf"),
    "data_unknown": (with_fields(data="'cifar10'"), "data must be the name of a data set, got 'cifar10'"),
    "data_none": (with_fields(data="None"), "data must be the name of a data set, got None"),
    "loss_unknown": (with_fields(loss="'hinge'"), "loss must be one of cross-entropy, mse-one-hot, own, got 'hinge'"),
    "optimizer_unknown": (with_fields(optimizer="'adamax'"), "optimizer must be one of sgd, nesterov, rmsprop, "),
    "optimizer_list": (with_fields(optimizer="['sgd']"), "adamw, nadam, own, got ['sgd']"),
    "shuffle_int": (with_fields(shuffle="1"), "shuffle must be true or false, got 1"),
    "keep_unknown": (with_fields(keep="'first'"), "keep must be one of last, best, got 'first'"),
    "keep_best_of_none": (with_fields(keep="'best'"), "keep needs validation images to choose by, got 'best'"),
    "holdout_one": (with_fields(holdout="1.0"), "holdout must be at least 0 and below 1, got 1.0"),
    "holdout_of_a_batch": (with_fields(holdout="0.5", batch_size="1500"), "holdout must leave a batch to train on"),
    "normalize_number": (with_fields(normalize="0.5"), "normalize must be a mean and a standard deviation, got 0.5"),
    "normalize_zero": (with_fields(normalize="(0.5, 0)"), "normalize must be above 0 in its second place, got 0"),
    "probe_alone": (with_fields(probe_every="10"), "probe_every goes with probe_images, got 10"),
    "init_std_nan": (with_fields(init_std="float('nan')"), f"init_std {NUMBER} nan"),
    "source_text": (with_fields(source="'a book'"), "source must be a Source or None, got 'a book'"),
    "source_field": (with_source(titel="'T'"), "titel is not a field of a source; did you mean title"),
    "source_title": (with_source(title="5"), "source.title must be text, got 5"),
    "source_machine": (with_source(machine="None"), "source.machine must be text, got None"),
    "source_accuracy": (with_source(accuracy="88"), "source.accuracy must be a share of 1, got 88"),
    "source_history": (with_source(history="{0: 1.0}"), "source.history must map epochs to four figures, got {0: 1.0}"),
    "import_error": (f"import suite_nowhere\n{with_fields()}", "No module named 'suite_nowhere'"),
    "syntax_error": (with_fields().replace("def network():", "def network(:"), "SyntaxError"),
    "sys_exit": (with_lines("raise SystemExit(0)"), "SystemExit: 0"),
    "any_exception": (with_lines("{}['lr']"), "KeyError: 'lr'"),
    "colourful": (with_lines("raise ValueError('\\x1b[31mred\\n\\x07' * 400)"), "ValueError: \\x1b[31mred"),
    "data_of_ones_own": (with_fields(data="'own-0123456789ab'"), "own-0123456789ab is not in the cache"),
    "data_of_no_folder": (with_fields(data="'folder:/nowhere/at/all'"), "/nowhere/at/all: there is no such folder"),
    "data_of_no_file": (with_fields(data="'npz:/nowhere.npz'"), "/nowhere.npz: there is no such file"),
    "data_of_a_device": (with_fields(data="'npz:/dev/null'"), "/dev/null: is no .npz file"),
    "own_loss_missing": (with_fields(loss="'own'"), "loss needs a function loss in the experiment's file"),
    "own_augment_missing": (with_fields(augment="'flip,own'"), "augment needs a function augment"),
    "own_loss_unused": (with_lines("def loss(scores, labels):\n    return 0"), "nothing uses the function loss"),
    "own_misspelt": (with_lines("def optimiser(parameters, lr):\n    return None"), "did you mean optimizer"),
    "own_no_function": (with_lines("loss = print"), "loss must be a function, got <built-in"),
    "own_without_default": (with_fields(loss="'own'") + "\n\ndef loss(scores, labels, focus):\n    return 0\n",
                            "an argument 'focus' without a default"),
    "stray": ("shopping = ['milk', 'eggs']\n", "recipe must be a Recipe, got None"),
    "not_text": (b"\x89PNG\r\n\x1a\n\0\0", "SyntaxError"),
    "unprintable": (with_lines("class recipe:\n    __repr__ = None\n\n\nrecipe = recipe()"), "TypeError"),
    "attributes_raise": ("def __getattr__(name):\n    raise RuntimeError('no ' + name)\n", "RuntimeError: no "),
    "not_callable": (with_lines("network = {}"), "network must be a function, got {}"),
    "no_function": (with_lines("class N:\n    __code__ = 5\n    __call__ = print\n\n\nnetwork = N()"), "a function"),
    "with_arguments": (with_fields().replace("network()", "network(w)"), "an argument 'w' without a default"),
    "mlp": (with_fields(), "mlp is already defined by"),
    "Capital": (with_fields(), "'Capital' cannot name an experiment"),
}  # fmt: skip


def a_folder(path: Path) -> None:
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.py")


THINGS = {"a_folder": a_folder, "a_link": a_dangling_link, "a_pipe": os.mkfifo}
NAMES = (*BAD, *THINGS)
