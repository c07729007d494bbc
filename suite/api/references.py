"""Where the references of the gates are kept."""

from pathlib import Path

from suite.disk.files import make_folder
from suite.disk.home import Home
from suite.recipe.registry import OURS


def place_of(home: Home, ours: Path, *, to_write: bool = False) -> Path:
    """The file of references that a gate uses: in a checkout `ours`, which is committed there.

    An installed suite leaves its own files alone: the user's is in `experiments/` of the home, as soon as one is
    written there.
    """
    mine = home.root / "experiments" / ours.name
    installed = not (OURS.parent / "pyproject.toml").exists()
    if installed and to_write:
        make_folder(mine.parent)
    return mine if installed and (to_write or mine.exists()) else ours
