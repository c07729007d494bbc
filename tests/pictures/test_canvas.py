"""Our figures depend on nothing of the user's, and leave the user's own figures as they were."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from suite.pictures import runs as pictures
from suite.pictures.canvas import own_style, writable
from suite.pictures.drawing import Drawing, draw_all
from tests.conftest import ROOT

ONE = [Drawing(pictures.confusion, (np.eye(2), ("one", "other")))]
USERS = {
    "lines.linewidth": 7, "font.size": 30, "font.family": "monospace", "text.usetex": True, "axes.grid.axis": "x",
    "axes.formatter.use_locale": True, "savefig.facecolor": "red", "path.simplify": False, "svg.fonttype": "path",
}  # fmt: skip


def test_the_users_style_does_not_show_and_stays(monkeypatch):
    import matplotlib as mpl

    expected = dict(draw_all(ONE))
    for name, value in USERS.items():
        monkeypatch.setitem(mpl.rcParams, name, value)

    assert dict(draw_all(ONE)) == expected
    assert {name: mpl.rcParams[name] for name in USERS} == {**USERS, "font.family": ["monospace"]}


def test_matplotlibs_own_fonts_go_before_others_of_the_same_name():
    with own_style():
        from matplotlib import font_manager, get_data_path

        found = {weight: font_manager.findfont("DejaVu Sans:" + weight) for weight in ("regular", "bold")}

        assert all(Path(path).is_relative_to(get_data_path()) for path in found.values())
        assert font_manager.fontManager.ttflist[0].fname.startswith(get_data_path())


LOAD = """
from suite.errors import SuiteError
from suite.pictures.canvas import own_style
try:
    with own_style():
        import matplotlib, os
        print(matplotlib.rcParams["font.size"], os.environ["MPLBACKEND"])
except SuiteError as error:
    print(error.code, error)
"""


def load(folder: Path, **named: str) -> str:
    """What a new process prints that loads matplotlib in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **named}
    command = [sys.executable, "-c", LOAD]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_a_backend_that_there_is_not_does_not_keep_matplotlib_from_being_loaded(tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nbackend: none such\nno setting\n")

    assert load(tmp_path, MPLBACKEND="module://none.such") == "10.0 module://none.such\n"


def test_settings_that_are_no_text_are_refused_in_one_line(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe")

    refused = load(tmp_path, MPLBACKEND="agg")

    assert refused.startswith("3 matplotlib cannot be loaded: UnicodeDecodeError")
    assert "a file matplotlibrc in this folder" in refused
    assert refused.count("\n") == 1


def test_a_class_whose_letters_the_font_lacks_has_its_number_in_pictures():
    assert writable(["T-shirt/top", "手写", "Größe", "цифра", "手 3"]) == [
        "T-shirt/top", "class 1", "Größe", "цифра", "class 4",
    ]  # fmt: skip
