"""Check 20: a name has small letters, digits and underscores. All other names are refused, and no file changes."""

import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from suite.cli.terminal import Terminal
from suite.data import ensure
from suite.errors import SuiteError
from tests.conftest import Answer, Workspace, assert_refused
from tests.promises.conftest import PLAIN, Check
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
    """A home with a folder that looks like a finished run's by its names, and a file beside the home."""
    place = home_of_its_own(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("SUITE_EXPERIMENTS", str(own))
    folder = place / "mlruns" / "runs" / "plain" / "0123456789abcdef-s0"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("not looked at")
    (tmp_path / "beside").write_text("mine")
    return place


def assert_no_name(answer: Answer, most: int = 0) -> None:
    """Exit code 2 and one line. The line is not long and has no control characters."""
    assert_refused(answer, 2)
    assert list(control_characters(answer.err)) == []
    assert len(answer.err) < 1_000 + most


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
    check: Check, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`list` names each of them in a line and still shows the good experiment. The files stay."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "fine.py").write_text(PLAIN)
    bad = [name for name in NAMES if not {"/", "\0", "\ud800"} & {*name} and len(name) < 200]
    for name in bad:
        (mine / f"{name}.py").write_text(PLAIN)
    bad = [name for name in bad if name not in ("_x", "nan", "null")]  # the first is ignored, the other two are allowed
    before = tree(tmp_path)

    with check.case(len(bad)):
        answer = ask(capsys, "list", "--experiments", str(mine))

        assert answer.code == 2
        assert list(control_characters(answer.err)) == []
        named = [line for line in answer.err.splitlines() if line.startswith(f"suite: {mine}/")]
        assert len(named) == len(answer.err.splitlines())
        assert all("cannot name an experiment" in line for line in named)
        assert "fine" in {line.split()[0] for line in answer.out.splitlines()}
        assert len(named) == len(bad)
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
@pytest.mark.parametrize("way", ["--experiments", "SUITE_EXPERIMENTS", "SUITE_HOME"])
def test_a_folder_that_cannot_be_gets_one_line_and_nothing_is_made(
    way: str, check: Check, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    before = tree(home.parent)
    for name in FOLDERS:
        with check.case():
            if way.startswith("SUITE"):
                if {"\0", "\ud800"} & {*name}:
                    continue  # an environment variable cannot hold this
                monkeypatch.setenv(way, name)
            options = [way, name] if way.startswith("--") else []
            answer = ask(capsys, "run", "nothing_of_this_name", *options)

            assert_no_name(answer, most=2 * len(name))
            assert tree(home.parent) == before


@pytest.mark.check(20, TITLE)
def test_a_data_folder_that_cannot_be_gets_one_line_and_nothing_is_made(
    check: Check, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line names the folder and the data comes from the cache; or the command ends, if the system refuses to look."""
    monkeypatch.chdir(home)
    before = tree(home.parent)
    for name in FOLDERS:
        with check.case():
            with suppress(SuiteError):  # its message is one line, as always
                ensure("digits", folder=Path(name), say=Terminal().warn)
            said = capsys.readouterr().err

            assert len(said.splitlines()) <= 1
            assert list(control_characters(said)) == []
            assert tree(home.parent) == before


@pytest.mark.check(20, TITLE)
def test_names_of_raw_bytes_given_to_a_real_command_are_refused(check: Check, tmp_path: Path) -> None:
    """Bytes that are not valid text; a shell can pass them."""
    workspace = Workspace(tmp_path, bare=True)
    names = [os.fsdecode(name) for name in (b"\xff\xfe", b"net\x80", b"\xed\xa0\x80", b"../\xff")]

    for verb, name in zip(("run", "show", "run", "verify"), names, strict=True):
        with check.case():
            assert_no_name(workspace.suite(verb, name))
            assert list(tmp_path.iterdir()) == []
