"""The notebook under docs/, executed in a kernel of its own: python -m tests.tutorials.notebook writes its outputs."""

import html
import re
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
    NotebookClient(notebook, timeout=600, resources=place, record_timing=False, extra_arguments=alone).execute(
        env=environment
    )
    for output in (
        output for cell in code(notebook) for output in cell.outputs if "text/html" in output.get("data", {})
    ):
        output.data["text/plain"] = _rows(output.data["text/html"])  # a repr would hold this machine's paths
    return notebook


def code(notebook: Any) -> list[Any]:
    """The cells that are executed."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: Any) -> list[str]:
    """The lines of a cell's results and of what it printed, without times; pictures and progress have none."""
    found: list[str] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found += output.text.splitlines()
        if output.output_type == "execute_result":
            found += output.data["text/plain"].splitlines()
    return masked(found, measured=False)


def _rows(page: str) -> str:
    """The rows of a page's tables, as text."""
    page = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in page.split("<tr")[1:])
    return "\n".join("  ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in row) for row in rows)


def main() -> None:
    """Execute the notebook and write it with its outputs."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(Path(folder).resolve())
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
