"""Whether a network's program text can be given away: it stands alone if a stranger can install all that it imports."""

import ast
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from suite.recipe.experiment import Experiment
from suite.recipe.identity import text_of

OURS = ("suite", "experiments")
HEAD = '"""The network of {name}, an experiment of the suite: the definitions that it uses, without comments."""\n\n'


def network_text(experiment: Experiment) -> str:
    """The text of a file that defines `network` and all that it uses; empty if the text does not stand alone."""
    text = text_of({"network": experiment.network})
    if not all(_is_installed(name) for name in _imported(text)):
        return ""
    name = experiment.network.__name__
    return HEAD.format(name=experiment.name) + text + ("\n" if name == "network" else f"\n\nnetwork = {name}\n")


def _imported(text: str) -> set[str]:
    """The packages that a text imports, wherever it does so; "." for a relative import."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names):
                found |= {one.name.partition(".")[0] for one in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case ast.ImportFrom():
                found.add(".")
    return found


def _is_installed(name: str) -> bool:
    """Whether a package is Python's own or was installed, in a place that Python's option -I leaves."""
    if name in sys.stdlib_module_names:
        return True
    spec = find_spec(name) if name.isidentifier() and name not in OURS else None
    places = [*(spec.submodule_search_locations or ()), spec.origin or ""] if spec else []
    installed = [Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")]
    return any(Path(place).is_relative_to(one) for place in places for one in installed)
