"""Check 31: users without a home, several users of one home, and folders of every kind."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from suite.benching import checkout
from suite.engine import program
from tests.conftest import ROOT, Answer
from tests.promises.conftest import Bench, Check
from tests.promises.environments import LONG, give

pytestmark = [pytest.mark.promise, pytest.mark.check(31, "homes: none, shared, read-only, strange")]

GROUP, FIRST, SECOND = 54_000, 54_001, 54_002  # ids without a name on this machine
RUN = ("run", "plain", "--seeds", "1", "--set", "epochs=1")
ROOT_ONLY = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root with setpriv can give commands as other users",
)


def as_user(user: int) -> list[str]:
    """Words in front of a command that run it as a user of the group. This user may read everything, as Python must.

    The right to read holds for the call `access` too. MLflow makes this call for its own files, and these may be in a
    folder that only root may open.
    """
    read = "-all,+dac_read_search"
    words = ["setpriv", "--securebits=+no_setuid_fixup", f"--reuid={user}", f"--regid={GROUP}", "--clear-groups"]
    return [*words, f"--inh-caps={read}", f"--ambient-caps={read}", f"--bounding-set={read}"]


def give_as(
    user: int, bench: Bench, home: Path, commands: Sequence[Sequence[str]], mask: str = "002", **more: str
) -> list[Answer]:
    """Run commands as a user without a name and without HOME."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SUITE_", "MLFLOW_", "XDG_"))}
    plain = {name: value for name, value in plain.items() if name not in ("HOME", "USER", "LOGNAME")}
    ours = {"SUITE_HOME": str(home), "SUITE_EXPERIMENTS": str(bench.own), "PYTHONDONTWRITEBYTECODE": "1", **more}
    before = ["sh", "-c", f'umask {mask}; exec "$@"', "sh", *as_user(user)]
    return give(commands, cwd=home, environment={**plain, **ours}, before=before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A home that the group may write. It is not in pytest's folder, because pytest closes that to other users."""
    with tempfile.TemporaryDirectory(prefix="suite-shared-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder, "home")
        home.mkdir()
        os.chown(home, 0, GROUP)
        home.chmod(0o2775)
        yield home


def closed_to_the_group(home: Path) -> list[Path]:
    """All paths below a home that the group cannot write."""
    facts = {path: path.lstat() for path in home.rglob("*")}
    return [path for path, one in facts.items() if one.st_gid != GROUP or not one.st_mode & stat.S_IWGRP]


@pytest.mark.full
@ROOT_ONLY
def test_a_user_without_a_home_works_in_a_home_that_is_shared(check: Check, bench: Bench, shared: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(bench.data.parent.parent.parent), "SUITE_KERNELS": "torch"}  # not writable
    with check.case():
        [answer] = give_as(FIRST, bench, shared, [(*RUN, "--no-report")], **cache)

        assert (answer.code, answer.err) == (0, ""), answer
        assert closed_to_the_group(shared) == []
        assert (shared / "mlruns" / "mlflow.db").exists()


@pytest.mark.full
@ROOT_ONLY
def test_two_users_of_a_group_share_a_home(check: Check, bench: Bench, shared: Path) -> None:
    tune = ("tune", "plain", "--trials", "2", "--seeds", "1", "--fresh-seeds", "3")
    rounds = (
        (FIRST, [RUN, tune]),
        (SECOND, [RUN, ("run", "plain", "--seeds", "2", "--set", "epochs=1"), ("verify", "plain-s0"), tune]),
        (FIRST, [("sync", "--rebuild"), ("report",), ("verify", "plain-s1"), ("doctor",)]),
        (SECOND, [("report",), ("tune", "plain", "--trials", "3", "--seeds", "1", "--fresh-seeds", "3")]),
    )
    for user, commands in rounds:
        with check.case(len(commands)):
            answers = give_as(user, bench, shared, commands)

            assert [answer.code for answer in answers] == [0] * len(commands), answers
            assert closed_to_the_group(shared) == []


@pytest.mark.full
@ROOT_ONLY
def test_what_another_user_keeps_to_themselves_is_named_with_its_permission(
    check: Check, bench: Bench, shared: Path
) -> None:
    assert give_as(FIRST, bench, shared, [RUN], mask="022")[0].code == 0
    mlruns, opened = shared / "mlruns", []
    for place in (mlruns / "mlflow.db.lock", mlruns / "mlflow.db", mlruns, shared / "reports"):
        with check.case():
            [answer] = give_as(SECOND, bench, shared, [("report",)])

            assert answer.code == 3, (opened, answer)
            assert len(answer.err.splitlines()) == 1, answer
            assert f"{place}: permission denied (it belongs to user {FIRST} and group {GROUP}, mode" in answer.err
        place.chmod(place.stat().st_mode | stat.S_IWGRP)
        opened.append(place)


STRANGE = ("a b", "100%", "#1;x=y&z", 'it\'s "quoted"', "初识 é 🙂", "-rf", "$HOME;`x`", LONG)


@pytest.mark.full
def test_a_home_may_have_any_name(check: Check, bench: Bench) -> None:
    for name in (*STRANGE, "/".join(STRANGE)):
        home = bench.top / "strange" / name
        home.mkdir(parents=True)
        with check.case():
            answers = give([RUN, ("verify", "plain-s0"), ("report",), ("doctor",)], cwd=home, environment={
                **{name: value for name, value in os.environ.items() if not name.startswith(("SUITE_", "MLFLOW_"))},
                "SUITE_HOME": str(home), "SUITE_EXPERIMENTS": str(bench.own), "TMPDIR": str(home),
            })  # fmt: skip

            assert [(answer.code, answer.err) for answer in answers] == [(0, "")] * 4, answers


@ROOT_ONLY
def test_another_users_checkout_has_its_commit_though_git_does_not_trust_it(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "checkout" / "suite"
    source.mkdir(parents=True)
    for name in ("suite/file.py", "experiments/one.py", "pyproject.toml"):
        (source.parent / name).parent.mkdir(exist_ok=True)
        (source.parent / name).write_text("text")
    git = ["git", "-C", str(source.parent), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    for path in (source.parent, *source.parent.rglob("*")):
        os.chown(path, FIRST, GROUP, follow_symlinks=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert subprocess.run([*git, "log"], capture_output=True, check=False).returncode != 0, "git trusts it"
    monkeypatch.setattr(program, "SOURCE", source)
    monkeypatch.setattr(checkout, "HERE", source.parent)

    program._changes.cache_clear()

    with check.case():
        assert len(program.facts.__wrapped__()["git_commit"]) == 40
        with checkout.checked_out("HEAD") as folder:
            assert (folder / "suite" / "file.py").read_text() == "text"
    program._changes.cache_clear()


def listed(tmp_path: Path, shell: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `python -m suite list` in a line of the shell."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SUITE_PYTHON": sys.executable}
    environment.pop("SUITE_HOME", None)
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_closed_streams_are_no_trouble(check: Check, tmp_path: Path) -> None:
    with check.case():
        code, out, err = listed(tmp_path, '"$SUITE_PYTHON" -m suite list <&- >&- 2>&-; echo $?')

        assert (code, out, err) == (0, "0\n", "")


def test_a_folder_that_was_deleted_is_named(check: Check, tmp_path: Path) -> None:
    with check.case():
        gone = 'mkdir gone; cd gone; rmdir ../gone; "$SUITE_PYTHON" -m suite list'
        code, out, err = listed(tmp_path, gone)

        assert (code, out) == (2, "")
        assert err == "suite: the current folder was deleted. Go to one that exists, or set SUITE_HOME.\n"
