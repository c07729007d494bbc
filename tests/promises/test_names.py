"""Check 20: a name is small letters, digits and underscores; all others are refused, and no file is touched."""

import os
import random
from pathlib import Path

import pytest

from tests.conftest import Answer, Workspace, assert_refused
from tests.promises.conftest import PLAIN, Bench, Check
from tests.promises.damage import tree
from tests.promises.prompt import ask, control_characters, home_of_its_own

pytestmark = pytest.mark.promise
TITLE = "bad names refused, nothing touched"

NAMES = (
    "", " ", ".", "..", "../x", "../../etc/passwd", "/etc/passwd", "/", "x/../plain", "./plain", "plain/", "plain.py",
    "~", "~nobody_is_called_so/x", "..%2f", "%2e%2e%2fx", "C:\\x", "..\\x", "\\\\host\\share", "CON", "x\0y", "\0",
    "x\ny", "x\r\ny", "x\ty", "x\x1b[31m", "x\x1b]0;title\x07", "x\x7fy", "x\x9by", "x\u202ey", "x\u200by", "x\u2028y",
    "\ud800", "\udcff/x", "a" * 41, "a" * 300, "a/" * 3_000, "plain ", " plain", "plain.", "Plain", "PLAIN", "ALL",
    "all ", "All", "all,mlp", "plain,mlp", "-", "-rf", "--", "--rf", "-1", "1net", "_x", "pl\u0430in", "l\u0435net",
    "plai\u0144", "pla\u0131n", "\uff50lain", "网络", "🙂", "<script>alert(1)</script>", "&lt;", "[red]x[/red]",
    "x|y", "x;y", "x&y", "$(touch x)", "`touch x`", "${HOME}", "x'y", 'x"y', "x*y", "?", "x' OR '1'='1", "{x}",
    "{0.__class__}", "%s", "%n", "nan", "None", "null",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Path) -> Path:
    """A home with one finished run's folder, as far as names go, in a place with a file beside it."""
    place = home_of_its_own(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("SUITE_EXPERIMENTS", str(own))
    folder = place / "mlruns" / "runs" / "plain" / "0123456789abcdef-s0"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("not looked at")
    (tmp_path / "beside").write_text("mine")
    return place


def assert_no_name(answer: Answer) -> None:
    """One line, two for the exit code, and nothing in it that speaks to a terminal or fills the screen."""
    assert_refused(answer, 2)
    assert list(control_characters(answer.err)) == []
    assert "Traceback" not in answer.err
    assert len(answer.err) < 1_000


@pytest.mark.check(20, TITLE)
@pytest.mark.parametrize("verb", ["run", "show", "verify"])
def test_no_bad_name_is_an_experiment_or_a_run(
    verb: str, check: Check, chance: random.Random, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(home.parent)
    for name in chance.sample(NAMES, check.times(len(NAMES), 40)):
        with check.case():
            answer = ask(capsys, verb, name)

            assert_no_name(answer)
            assert tree(home.parent) == before


@pytest.mark.check(20, TITLE)
@pytest.mark.parametrize("verb", ["run", "show"])
def test_a_bad_name_after_two_dashes_is_no_option_either(
    verb: str, check: Check, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(home.parent)
    for name in ("-rf", "--help", "--experiments=/etc", "-"):
        with check.case():
            answer = ask(capsys, verb, "--", name)

            assert_no_name(answer)
            assert repr(name) in answer.err
            assert tree(home.parent) == before


@pytest.mark.check(20, TITLE)
def test_no_file_with_a_bad_name_is_an_experiment(
    check: Check, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`list` names each in a line and shows the good one beside it; `run` refuses each; the files stay."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "fine.py").write_text(PLAIN)
    for name in NAMES:
        if "/" not in name and "\0" not in name and name != "\ud800" and len(name) < 200:
            (mine / f"{name}.py").write_text(PLAIN)
    hidden = {".py", "..py", "...py", "_x.py", "..%2f.py", "..\\x.py"}
    good = {f"{name}.py" for name in ("fine", "nan", "null")}
    bad = {path.name for path in mine.iterdir()} - good - {name for name in hidden if not Path(name).stem.strip(".")}
    before = tree(tmp_path)

    with check.case(len(bad)):
        answer = ask(capsys, "list", "--experiments", str(mine))

        assert answer.code == 2
        assert list(control_characters(answer.err)) == []
        named = [line for line in answer.err.splitlines() if line.startswith(f"suite: {mine}/")]
        assert len(named) == len(answer.err.splitlines())
        assert all("cannot name an experiment" in line for line in named)
        assert "fine" in {line.split()[0] for line in answer.out.splitlines()}
        assert len(named) == len([name for name in bad if not name.startswith("_")])
        assert tree(tmp_path) == before


FOLDERS = (
    "",
    "x\0y",
    "~nobody_is_called_so/x",
    "nowhere/at/all",
    "a" * 300,
    "/dev/null",
    "x\ny\x1b[31m",
    "\ud800",
    "a/" * 3_000,
)


@pytest.mark.check(20, TITLE)
@pytest.mark.parametrize("option", ["--experiments", "--data-dir", "SUITE_HOME", "SUITE_EXPERIMENTS", "SUITE_DATA"])
def test_a_folder_that_cannot_be_is_refused_or_the_machines_fault(
    option: str,
    check: Check,
    home: Path,
    own: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is made outside the home, and nothing ends in a traceback: 2, or 3 where only the system could say so."""
    monkeypatch.chdir(home)
    before = tree(home.parent)
    for name in FOLDERS:
        if option.startswith("SUITE") and any(letter in name for letter in "\0\ud800"):
            continue  # no environment can hold it
        with check.case():
            if option.startswith("SUITE"):
                monkeypatch.setenv(option, name)
                answer = ask(capsys, "run", "nothing_of_this_name")
            else:
                answer = ask(capsys, "run", "nothing_of_this_name", option, name)

            assert answer.code in (2, 3), answer
            assert len(answer.err.splitlines()) == 1, answer.err
            assert list(control_characters(answer.err)) == []
            assert tree(home.parent) == before


@pytest.mark.check(20, TITLE)
def test_names_of_raw_bytes_given_to_a_real_command_are_refused(check: Check, tmp_path: Path) -> None:
    """The bytes of no text, as a shell may pass them."""
    workspace = Workspace(tmp_path)
    names = [os.fsdecode(name) for name in (b"\xff\xfe", b"net\x80", b"\xed\xa0\x80", b"../\xff")]

    for verb, name in zip(("run", "show", "run", "verify"), names, strict=True):
        with check.case():
            assert_no_name(workspace.suite(verb, name))
            assert list(tmp_path.iterdir()) == []
