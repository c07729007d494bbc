"""Run a command inside this process. It is the same `main`, but a hundred cases need no hundred starts of Python."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from suite.cli import parser as cli
from tests.conftest import Answer


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> Answer:
    """The answer of `python -m suite WORDS`."""
    before = signal.getsignal(signal.SIGTERM)
    with patch.object(sys, "argv", ["suite", *words]):
        try:
            code = cli.main(words)
        finally:
            signal.signal(signal.SIGTERM, before)
    out, err = capsys.readouterr()
    return Answer(code, out, err)


def home_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SUITE_HOME, without the settings of the user."""
    folder.mkdir()
    for name in ("SUITE_DATA", "SUITE_EXPERIMENTS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SUITE_HOME", str(folder))
    return folder


def control_characters(text: str) -> Iterator[str]:
    """The characters of a text that could control a terminal; line ends are not counted."""
    return (letter for letter in text.replace("\n", "") if not letter.isprintable())
