"""The tuned variant of an experiment, as a new experiment file."""

import re
from pathlib import Path
from typing import Any

from suite.disk import files
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.recipe.loading import NAME
from suite.recipe.values import as_words
from suite.recipe.writing import recipe_lines, whole_text


def variant_path(experiment: Experiment, folder: Path | None = None) -> Path:
    """The path of the variant, in `folder` or beside the experiment's file.

    Raises `SuiteError` (2) if it cannot be written there.
    """
    path = (folder or experiment.path.parent) / f"{experiment.name}_tuned.py"
    if not NAME.fullmatch(path.stem):
        raise SuiteError(f"--save: {path.stem!r} is too long a name for an experiment.", "Give the file a shorter one.")
    if path.exists():
        raise SuiteError(f"--save: {path} exists already.", "Move it away, or leave out --save.")
    if re.search(r"^recipe\b", experiment.network_text, re.MULTILINE):  # the variant would define `recipe` twice
        raise SuiteError(f"--save: the network of {experiment.name} reads its recipe.", "Leave out --save.")
    return path


def write_variant(path: Path, experiment: Experiment, remark: str) -> None:
    """Write the variant: the same network, the recipe with its new values, and no source, as its values differ."""
    files.write(path, variant_text(experiment, remark).encode())


def variant_text(experiment: Experiment, remark: str) -> str:
    """The text of the variant's file. It has the original's network text, so the identity's network is the same."""
    head = f"{experiment.name} with {as_words(experiment.overrides)}, as a study found it.\n\n{remark}\n"
    return whole_text(head, recipe_lines(experiment.recipe), experiment.network_text)


def remark_of(facts: dict[str, Any]) -> str:
    """The study's result as a part of the file's docstring."""
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
