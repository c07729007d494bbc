"""Check 37: a call from Python leaves its process as it was, and a real notebook's cells are what a file would be."""

import json
import os
from pathlib import Path

import pytest

import suite
from suite.recipe import registry
from tests.api.test_caller import changed_by_calls
from tests.conftest import Workspace, furnish

pytestmark = [
    pytest.mark.mlflow,
    pytest.mark.full,
    pytest.mark.promise,
    pytest.mark.check(37, "the caller's process is as before; a real notebook"),
    pytest.mark.filterwarnings("ignore"),  # of the kernel's client
]
CELLS = {
    "imports": "import suite\nfrom torch import nn",
    "recipe": (
        'recipe = suite.Recipe(data="digits", loss="cross-entropy", optimizer="adam", lr=0.001, batch_size=50,'
        " epochs=1)\n"
        "WIDTH = 10  # a plain value"
    ),
    "network": (
        "def network(shape, classes, width=WIDTH):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.ReLU(), nn.Linear(width, classes))"
    ),
    "define": 'mine = suite.experiment("mine", recipe, network)\nprint(mine.identity)',
    "run": "runs = suite.run(mine, seeds=1, report=False)\nruns",
    "mistake": 'suite.run("lennet")',
}
INTERRUPTED = """
import os, signal, threading
threading.Timer(3, lambda: os.killpg(0, signal.SIGINT)).start()  # as Jupyter does: to the group of the kernel
suite.run(mine, seeds=[1], epochs=3000, report=False)
"""


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("how", ["fresh", "loaded"])
def test_no_call_changes_anything_of_the_process(tmp_path, how):
    (tmp_path / "user").mkdir()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")  # data and compiled kernels may be there

    found = changed_by_calls(tmp_path, how, HOME=str(tmp_path / "user"), XDG_CACHE_HOME=cache)

    assert {*found} >= {*suite.__all__} - {"Experiment", "Recipe", "Source"}
    assert found == {name: [] for name in found}
    assert [path for path in (tmp_path / "user").rglob("*") if not path.is_dir()] == []  # matplotlib makes .config


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Runs cells in a kernel of their own; returns what each shows, as nbformat's outputs."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    home = tmp_path / "home"
    home.mkdir()
    furnish(home)
    for name, value in {**Workspace(home).environment, "IPYTHONDIR": str(tmp_path / "ipython")}.items():
        monkeypatch.setenv(name, value)

    def run(cells):
        made = new_notebook(cells=[new_code_cell(text) for text in cells])
        NotebookClient(made, timeout=500, kernel_name="python3", allow_errors=True).execute(cwd=str(tmp_path))
        return [cell.outputs for cell in made.cells]

    return run


def test_a_notebook_defines_trains_and_shows_an_experiment(notebook, tmp_path):
    shown = dict(zip(CELLS, notebook(CELLS.values()), strict=True))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.py").write_text("\n".join(CELLS[one] for one in ("imports", "recipe", "network")))

    identity = registry.load([tmp_path / "own"]).choose(["mine"])[0].identity
    [progress, result] = shown["run"]
    [mistake] = shown["mistake"]

    assert shown["define"][0].text.strip() == identity
    assert "mine-s0  finished: " in progress.data["text/html"]
    assert "Accuracy on all test images" in result.data["text/html"]
    assert "data:image/png;base64," in result.data["text/html"]
    assert mistake.ename == "SuiteError"
    assert "did you mean lenet" in mistake.evalue
    [document] = tmp_path.glob("home/mlruns/runs/mine/*/result.json")
    assert json.loads(document.read_text())["status"] == "finished"


def test_ctrl_c_in_a_cell_ends_the_workers_and_the_next_cell_goes_on(notebook):
    cells = [*list(CELLS.values())[:4], INTERRUPTED, "import multiprocessing; print(multiprocessing.active_children())"]
    shown = notebook([*cells, "print(suite.run(mine, seeds=1, report=False).planned[0].status)"])

    assert shown[4][-1].ename == "KeyboardInterrupt"
    assert shown[5][0].text.strip() == "[]"
    assert shown[6][-1].text.strip() == "finished"
