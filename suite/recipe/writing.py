"""The text of an experiment's file: a recipe as code, and a first file to begin with."""

import ast
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from suite.data.catalog import data_set
from suite.recipe.experiment import Experiment
from suite.recipe.fields import Recipe

# What a reader of a first file should know; a field that is not here explains itself.
REMARKS: Mapping[str, str] = {
    "data": "`python -m suite data` lists the others; your own pictures: docs/data.md",
    "optimizer": "sgd, nesterov, rmsprop, adam, adamw, nadam or your own: docs/experiments.md",
    "lr": "also `run NAME --set lr=0.01`: that is another identity, and these runs stay",
    "holdout": "this share of the training images validates and does not train",
    "keep": "the weights of the epoch with the best validation accuracy, or the last",
    "space": "what `tune NAME` searches",
}

FIRST = '''"""{name}: say here in one line what it is."""

from suite.recipe import Recipe

recipe = Recipe(
    data={data},  # {data_remark}
    loss="cross-entropy",
    optimizer="adam",  # {optimizer_remark}
    lr=0.001,  # {lr_remark}
    batch_size={batch},
    epochs=3,
    holdout=0.1,  # {holdout_remark}
    space={{"lr": "1e-4..1e-2", "width": "8..64"}},  # {space_remark}
)


def network(shape, classes, width=16):  # width is a field like lr: `--set width=32`
    """Map images (n, channels, height, width), whose `shape` is (channels, height, width), to scores (n, classes)."""
    from torch import nn  # in here, so that `list` need not load torch

    return nn.Sequential(
        nn.Conv2d(shape[0], width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(classes),  # "lazy": it finds the number of its inputs by itself
    )
'''


def first_text(name: str, data: str, origin: str = "") -> str:
    """The text of a first experiment, on this data set; `origin` is what the user called it.

    Batches are smaller for a small set, because a tenth of them validates.
    """
    batch = min(128, 1 << max(0, (data_set(data).train // 20).bit_length() - 1))
    remarks = {f"{field}_remark": words for field, words in _remarks(name, origin).items()}
    return FIRST.format(name=name, batch=batch, data=_written(data), **remarks)


def copied_text(name: str, experiment: Experiment, origin: str = "") -> str:
    """The text of an experiment of this name with the recipe and the functions of another, without its source.

    All else of the other's file is copied as it stands there, comments too.
    """
    lines = recipe_lines(experiment.recipe, _remarks(name, origin))
    head = f"{name}: begun as {experiment.name}. Say here in one line what it is."
    try:
        parts = _parts(experiment.path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):  # an entry point, whose path is words
        parts = None
    if parts is None:
        return whole_text(head, lines, experiment.network_text)
    return f'{parts.before}"""{head}"""\n{parts.between}recipe = Recipe(\n' + "\n".join(lines) + f"\n){parts.after}"


class _Parts(NamedTuple):
    """A file's text around its docstring and its recipe."""

    before: str
    between: str
    after: str


def _parts(text: str) -> _Parts | None:
    """The parts of a file with a docstring and one `recipe = Recipe(…)` on lines of their own; None for another."""
    body = ast.parse(text).body
    recipes = [one for one in body if isinstance(one, ast.Assign) and ast.unparse(one).startswith("recipe = Recipe(")]
    if len(recipes) != 1 or not (isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)):
        return None
    lines, first, [recipe] = text.splitlines(keepends=True), body[0], recipes
    between = "".join(lines[first.end_lineno : recipe.lineno - 1])
    after = "\n" + "".join(lines[recipe.end_lineno :])
    if "Source" not in after:
        between = between.replace("import Recipe, Source", "import Recipe")
    return _Parts("".join(lines[: first.lineno - 1]), between, after)


def whole_text(head: str, recipe: list[str], functions: str) -> str:
    """A file with this docstring, these lines of the recipe, and the text of the functions."""
    start = [f'"""{head}"""', "", "from suite.recipe import Recipe", "", "recipe = Recipe("]
    return "\n".join([*start, *recipe, ")", "", "", functions, ""])


def cells_text(name: str, recipe: Recipe, functions: str) -> str:
    """The file of an experiment whose recipe and functions were defined in a notebook, with the recipe's source."""
    lines = recipe_lines(recipe)
    if recipe.source:
        facts = {one.name: getattr(recipe.source, one.name) for one in fields(recipe.source)}
        given = {one: dict(value) if one == "history" else value for one, value in facts.items() if value}
        lines.append(f"    source=Source({', '.join(f'{one}={_written(value)}' for one, value in given.items())}),")
    text = whole_text(f"{name}: what was given to suite.experiment.", lines, functions)
    return text.replace("import Recipe\n", "import Recipe, Source\n", 1) if recipe.source else text


def recipe_lines(recipe: Recipe, remarks: Mapping[str, str] | None = None) -> list[str]:
    """A line for each field that is not at its default, as the arguments of `Recipe`; `remarks` follow as comments."""
    default = {name: item.default for name, item in Recipe.__dataclass_fields__.items()}
    protocol = {name: recipe[name] for name in recipe.protocol() if name not in recipe.arguments}
    values: dict[str, Any] = {name: value for name, value in protocol.items() if value != default[name]}
    if recipe.arguments:
        values["arguments"] = dict(recipe.arguments)
    values["space"] = dict(recipe.space)
    words = {name: f"  # {remark}" for name, remark in (remarks or {}).items()}
    return [f"    {name}={_written(value)},{words.get(name, '')}" for name, value in values.items()]


def _remarks(name: str, origin: str) -> dict[str, str]:
    words = {field: remark.replace("NAME", name) for field, remark in REMARKS.items()}
    return {**words, "data": f"{origin}, as it was read" if origin else words["data"]}


def _written(value: Any) -> str:
    """A value as code; plain texts in double quotes, as this program's own files have them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)}: {_written(part)}" for key, part in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) and repr(value) == f"'{value}'" and '"' not in value else repr(value)
