"""The notebook's outputs are those of its cells."""

import ast

import pytest

import suite
from tests.tutorials.notebook import code, executed, read, texts


@pytest.mark.promise
@pytest.mark.full
def test_the_notebook_says_what_its_cells_print(tmp_path):
    committed, now = (code(notebook) for notebook in (read(), executed(tmp_path)))

    for shown, found in zip(committed, now, strict=True):
        assert texts(shown) == texts(found), (
            f"{shown.source}\nshows something else now. If that is intended: python -m tests.tutorials.notebook"
        )
        assert _kinds(shown) == _kinds(found), shown.source


def _kinds(cell):
    """The kinds of a cell's outputs; how often a line of progress is replaced is a matter of time."""
    return sorted({kind for output in cell.outputs for kind in output.get("data", {output.output_type: ""})})


def test_every_cell_was_executed_in_its_order_and_none_failed():
    cells = code(read())

    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []
    assert sum(bool(texts(cell)) for cell in cells) >= 3


def test_the_notebook_uses_public_names_only():
    used = set()
    for cell in code(read()):
        for node in ast.walk(
            ast.parse(cell.source.replace("%", "# %") if cell.source.startswith("%") else cell.source)
        ):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "suite":
                used.add(node.attr)

    assert len(used) >= 6
    assert used <= {*suite.__all__}
