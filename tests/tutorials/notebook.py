"""The notebook under docs/, executed in a kernel of its own: python -m tests.tutorials.notebook writes its outputs."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.conftest import ROOT, plain_environment
from tests.tutorials.pages import masked

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_steps.ipynb"


def read() -> Any:
    """The notebook as it is committed."""
    return nbformat.read(NOTEBOOK, as_version=4)


def executed(home: Path) -> Any:
    """The notebook with the outputs of a new kernel, which works in an empty home."""
    notebook = read()
    for cell in code(notebook):
        cell["outputs"], cell["execution_count"] = [], None
    environment = {**plain_environment(), "SUITE_HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    place = {"metadata": {"path": str(home)}}
    alone = ["--HistoryManager.enabled=False"]  # nothing of the user's is written
    NotebookClient(notebook, timeout=600, resources=place, record_timing=False, extra_arguments=alone).execute(env=environment)
    return notebook


def code(notebook: Any) -> list[Any]:
    """The cells that are executed."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: Any) -> list[str]:
    """The lines of a cell's results and of what it printed, without times; pictures and pages have none."""
    found: list[str] = []
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text", "")})
        if not {"text/html", "image/png"} & {*data}:
            found += masked(data["text/plain"].splitlines(), measured=False)
    return found


def main() -> None:
    """Execute the notebook and write it with its outputs."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(Path(folder).resolve())
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    sys.exit(main())
