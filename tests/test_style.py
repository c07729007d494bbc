"""Lint, layout and types."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("words", ["ruff check .", "ruff format --check .", "mypy", "mypy tests/typing/api.py"])
def test_the_tree_passes(words):
    answer = subprocess.run([sys.executable, "-m", *words.split()], cwd=ROOT, capture_output=True, text=True)

    assert answer.returncode == 0, answer.stdout + answer.stderr
