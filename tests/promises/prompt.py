"""A command given inside this process: the same `main`, without a start of Python for each of a hundred cases."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from suite.cli import parser as cli
from tests.conftest import Answer


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> Answer:
    """What `python -m suite WORDS` answers."""
    before = signal.getsignal(signal.SIGTERM)
    with patch.object(sys, "argv", ["suite", *words]):
        try:
            code = cli.main(words)
        finally:
            signal.signal(signal.SIGTERM, before)
    out, err = capsys.readouterr()
    return Answer(code, out, err)


def home_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SUITE_HOME, and none of the user's settings."""
    folder.mkdir()
    for name in ("SUITE_DATA", "SUITE_EXPERIMENTS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SUITE_HOME", str(folder))
    return folder


def control_characters(text: str) -> Iterator[str]:
    """What in a text could speak to a terminal, but for ends of lines."""
    return (letter for letter in text.replace("\n", "") if not letter.isprintable())
