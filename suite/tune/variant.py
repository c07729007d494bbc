"""The tuned variant of an experiment, as an experiment file of its own."""

import re
from pathlib import Path
from typing import Any

from suite.disk import files
from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.experiment import Experiment
from suite.recipe.loading import NAME
from suite.recipe.values import as_words


def variant_path(experiment: Experiment) -> Path:
    """Where it goes: beside the experiment's own file. Raises `SuiteError` (2) where that is impossible."""
    path = experiment.path.with_name(f"{experiment.name}_tuned.py")
    if not NAME.fullmatch(path.stem):
        raise SuiteError(f"--save: {path.stem!r} is too long a name for an experiment.", "Give the file a shorter one.")
    if path.exists():
        raise SuiteError(f"--save: {path} exists already.", "Move it away, or leave out --save.")
    if re.search(r"^recipe\b", experiment.network_text, re.MULTILINE):  # the variant would have two recipes
        raise SuiteError(f"--save: the network of {experiment.name} reads its recipe.", "Leave out --save.")
    return path


def write_variant(path: Path, experiment: Experiment, remark: str) -> None:
    """Write the file: the recipe with its new values, without a source that never printed them; the same network."""
    files.write(path, variant_text(experiment, remark).encode())


def variant_text(experiment: Experiment, remark: str) -> str:
    """The file's text; its network is the original's, so that it is known as the same."""
    default = {name: item.default for name, item in Recipe.__dataclass_fields__.items()}
    protocol = {name: getattr(experiment.recipe, name) for name in experiment.recipe.protocol()}
    told = {name: value for name, value in protocol.items() if value != default[name]}
    lines = [f"    {name}={value!r}," for name, value in told.items()]
    lines.append(f"    space={dict(experiment.recipe.space)!r},")
    words = as_words(experiment.overrides)
    return "\n".join(
        [
            f'"""{experiment.name} with {words}, as a study found it.',
            "",
            remark,
            '"""',
            "",
            "from suite.recipe import Recipe",
            "",
            "recipe = Recipe(",
            *lines,
            ")",
            "",
            "",
            experiment.network_text,
            "",
        ]
    )


def remark_of(facts: dict[str, Any]) -> str:
    """What the study says of the variant, for its docstring."""
    winner = facts["outcome"]["rows"][0]
    verdict = facts["outcome"]["verdict"]
    how = "for a seed of that one diverged."
    if "interval" in verdict:
        low, high = verdict["interval"]
        how = f"{verdict['difference']:+.4f} (95 % {low:+.4f} to {high:+.4f}, paired)."
    return (
        f"Study {facts['study']}, trial {winner['trial']} of {len(facts['trials'])}: {winner['search']:.4f} on the\n"
        f"validation images in the search, {winner['mean']:.4f} under {len(winner['fresh'])} fresh seeds. Against the\n"
        f"published setting: {verdict['word']}, {how}"
    )
