"""Numeric classes of runs: machines of one class come to the same weights, those of another to other ones.

A class is known for each way of computing: `kernels`, `torch` for what the kernels do not know, and `torch instead` of
them where the user chose so. On one machine they have different ones.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from suite.disk.documents import RECIPE, Record, read_document
from suite.errors import SuiteError

Only = Mapping[str, Sequence[str]]  # the classes, by the way
RIVALS = {"kernels": "torch, as the user chose", "torch instead": "the suite's kernels"}  # and what the other one is


def class_of(environment: Record) -> tuple[str, str]:
    """The way in which a run was computed and the numeric class of its machine, both empty for a run of old times."""
    return str(environment.get("way", "")).partition(":")[0], str(environment.get("numeric_class", ""))


def class_in(folder: Path) -> tuple[str, str]:
    """The same of the run in this folder; both empty if it has not begun, or cannot be read."""
    try:
        return class_of(read_document(folder / "recipe.json", RECIPE)["environment"])
    except SuiteError:  # named where that run itself is used
        return "", ""


def mixed_classes(run_name: str, folder: Path) -> str:
    """A line if other seeds of the run in this folder were trained in another numeric class; else empty."""
    _, own = class_in(folder)
    recipe = folder.name.rpartition("-s")[0]
    others = {class_in(path.parent)[1] for path in folder.parent.glob(f"{recipe}-s*/recipe.json")}
    if not (other := others - {own, ""}):
        return ""
    return (
        f"{run_name} is trained on a machine of the numeric class {own}, other seeds of it were on {min(other)}: "
        "their bits cannot be compared. Their accuracies can."
    )


def require_class(name: str, only: Only, environment: Record) -> None:
    """Raise `SuiteError` (2) if a run of this `name` may be trained in other numeric classes, or another way, only."""
    way, here = class_of(environment)
    if way in RIVALS and way not in only and any(rival in only for rival in RIVALS):
        raise SuiteError(
            f"{name} belongs to a study whose trials were computed by {RIVALS[way]}; here it would be "
            f"{str(environment['way']).replace(': ', ', because of ')}, and the study would mix both.",
            "Go on with the variables of the study's first command, or begin it in another home (SUITE_HOME).",
        )
    if way in only and here not in only[way]:
        raise SuiteError(
            f"{name} belongs to a study whose trials were trained on machines of the numeric class "
            f"{' and '.join(only[way])}; this machine's class is {here}, and the study would mix both.",
            "Go on on such a machine, or begin the study in another home (SUITE_HOME).",
        )
