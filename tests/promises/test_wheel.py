"""The wheel and the source archive: the same bytes each time, at work without the checkout, everything where one is."""

import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from suite.api.references import place_of
from suite.disk.home import Home
from suite.recipe.registry import OURS
from tests.conftest import ROOT, Workspace

DATE = {"SOURCE_DATE_EPOCH": "1700000000"}


def built(copy: Path) -> dict[str, bytes]:
    """The archives that are built from a copy of what git has, by name."""
    pytest.importorskip("build", reason="build is not installed")
    command = [sys.executable, "-m", "build", "--outdir", str(copy / "dist")]
    subprocess.run(command, cwd=copy, env={**os.environ, **DATE}, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in sorted((copy / "dist").iterdir())}


def copy_of_the_program(into: Path) -> Path:
    """The files of the work tree that git does not ignore."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_bytes((ROOT / name).read_bytes())
    return into


@pytest.mark.promise
@pytest.mark.full
def test_the_archives_are_the_same_bytes_and_work_from_an_empty_folder(tmp_path: Path) -> None:
    one, other = (built(copy_of_the_program(tmp_path / name)) for name in ("one", "other"))
    wheel = next(path for path in (tmp_path / "one" / "dist").iterdir() if path.suffix == ".whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    before = {path for path in (tmp_path / "installed").rglob("*") if "__pycache__" not in path.parts}
    (tmp_path / "here").mkdir()
    here = Workspace(tmp_path / "here", {"PYTHONPATH": str(tmp_path / "installed")}, bare=True)
    here = replace(here, extra={**here.extra, "PYTHONDONTWRITEBYTECODE": "1", "SUITE_HOME": ""})
    digits = ("linear", "--data", "digits", "--epochs", "1")

    listed, ran, updated = here.suite("list"), here.suite("run", *digits), here.suite("gate", *digits, "--update")

    assert one == other
    assert len(one) == 2
    assert "lenet" in listed.out
    assert (ran.code, updated.code) == (0, 0), ran.err + updated.err
    assert {path.name for path in here.home.iterdir()} == {"mlruns", "reports", "experiments"}
    assert (here.home / "experiments" / "reference.json").exists()
    assert {path for path in (tmp_path / "installed").rglob("*") if "__pycache__" not in path.parts} == before


def test_an_installed_suite_writes_its_references_where_the_user_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SUITE_HOME", str(tmp_path / "home"))
    home = Home.find()
    assert place_of(home, OURS / "reference.json", to_write=True) == OURS / "reference.json"

    monkeypatch.setattr("suite.api.references.OURS", tmp_path / "installed" / "experiments")
    ours, mine = tmp_path / "installed" / "experiments" / "reference.json", tmp_path / "home/experiments/reference.json"
    assert place_of(home, ours) == ours
    assert place_of(home, ours, to_write=True) == mine
    mine.touch()
    assert place_of(home, ours) == mine
