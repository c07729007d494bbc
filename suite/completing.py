"""Names for the completion of a shell, one a line: `python -m suite.completing experiments`, or `runs`.

A shell asks at each press of the tab key, so this loads no other module of the suite and runs no file of the user: an
experiment's name is that of its file. Names that a shell would expand, such as `$(command).py`, are left out.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

OURS = Path(__file__).parent.parent / "experiments"
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)  # no letter that a shell could read as an instruction


def experiments() -> Iterator[str]:
    """The names of all experiments that can be named without an option."""
    named = os.environ.get("SUITE_EXPERIMENTS", "").split(os.pathsep)
    for folder in (OURS, *(Path(one) for one in named if one)):
        yield from (path.stem for path in folder.glob("*.py") if not path.name.startswith("_"))
    yield from (point.name for point in entry_points(group="suite.experiments"))


def runs() -> Iterator[str]:
    """The names of the runs in the home, such as `lenet-s0`."""
    named = os.environ.get("SUITE_HOME")
    here = Path.cwd()
    around = next((one for one in (here, *here.parents) if (one / "suite" / "completing.py").exists()), here)
    home = Path(named).expanduser() if named else around
    for folder in home.glob("mlruns/runs/*/*-s*"):
        yield f"{folder.parent.name}-{folder.name.rpartition('-')[2]}"


def plain(names: Iterable[str]) -> list[str]:
    """The names in order, each once, without those that a shell would expand."""
    return sorted({name for name in names if _PLAIN.fullmatch(name)})


if __name__ == "__main__":
    print("\n".join(plain({"experiments": experiments, "runs": runs}[sys.argv[1]]())))
