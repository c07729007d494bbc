"""The program text that gave a number: its commit, and the patch that makes it out of that."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from suite.engine import program
from tests.conftest import ROOT, Workspace

TEXT = ("suite", "experiments", "pyproject.toml")
NEW = '"""An experiment of tomorrow: grüße."""\n'

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@dataclass(frozen=True)
class Checkout:
    """A copy of the program text under git, which is committed."""

    folder: Path

    def git(self, *words: str, environment: dict[str, str] | None = None) -> bytes:
        """Of this checkout and none around it, with no settings but its own."""
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **(environment or {})}
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, env={**os.environ, **alone}, capture_output=True, check=True).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "commit", "--quiet", "-m", "As it is")

    def says(self, expression: str, **environment: str) -> str:
        """What an expression about the copy's own `program` comes to, in a process that loads the copy."""
        code = f"from suite.engine import program; print({expression}, end='')"
        answer = subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        )  # fmt: skip
        return answer.stdout

    def patch(self, **environment: str) -> bytes:
        return bytes.fromhex(self.says("program.patch().hex()", **environment))

    def text(self) -> dict[str, tuple[bool, bytes]]:
        """Every file of the program: whether it may be executed, and its contents."""
        files = [path for name in TEXT for path in (self.folder / name, *(self.folder / name).rglob("*"))]
        return {
            str(path.relative_to(self.folder)): (os.access(path, os.X_OK), path.read_bytes())
            for path in files if path.is_file() and "__pycache__" not in path.parts
        }  # fmt: skip

    def with_patch(self, patch: bytes, place: Path) -> "Checkout":
        """A clean clone to which the patch was applied."""
        other = Checkout(place)
        self.git("clone", "--quiet", str(self.folder), str(place))
        place.with_suffix(".patch").write_bytes(patch)
        other.git("apply", str(place.with_suffix(".patch")))
        return other


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """The suite as one who cloned it has it."""
    one = Checkout(tmp_path / "checkout")
    one.folder.mkdir()
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("suite", "experiments"):
        shutil.copytree(ROOT / name, one.folder / name, ignore=unwanted)
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, one.folder / name)
    one.git("init", "--quiet")
    one.commit()
    return one


def edit(checkout: Checkout) -> None:
    """Something of each kind: lines changed, files added, renamed, deleted, one that is no text, one to execute."""
    mlp = checkout.folder / "experiments" / "mlp.py"
    mlp.write_text(mlp.read_text().replace('"""', '"""Edited. ', 1))
    (checkout.folder / "suite" / "text.py").write_bytes(b"# no end of line, and no UTF-8: \xff\xfe")
    (checkout.folder / "experiments" / "new one.py").write_text(NEW)
    (checkout.folder / "experiments" / "pixels.bin").write_bytes(bytes(range(256)) * 9)
    (checkout.folder / "experiments" / "empty.py").touch()
    (checkout.folder / "experiments" / "lenet.py").rename(checkout.folder / "experiments" / "lenet5.py")
    (checkout.folder / "suite" / "api" / "doctor.py").unlink()
    (checkout.folder / "suite" / "runs" / "training.py").chmod(0o755)


def test_of_a_clean_checkout_the_patch_is_empty(checkout):
    commit = checkout.git("rev-parse", "HEAD").decode().strip()

    assert checkout.patch() == b""
    facts = json.loads(checkout.says("__import__('json').dumps(program.facts())"))
    assert (facts["git_commit"], facts["git_dirty"]) == (commit, False)
    assert "patch_sha256" not in facts


def test_what_is_no_program_text_is_no_part_of_the_patch(checkout):
    (checkout.folder / "notes.txt").write_text("mine")
    (checkout.folder / ".gitignore").write_text("*.pyc\n")

    assert checkout.patch() == b""


def test_the_patch_makes_the_same_program_text_of_a_clean_clone(checkout, tmp_path):
    edit(checkout)

    clone = checkout.with_patch(checkout.patch(), tmp_path / "clone")

    assert clone.text() == checkout.text()
    assert "experiments/new one.py" in clone.text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        "diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.context=0", "diff.external=false", "color.ui=always",
        "diff.relative=true", "diff.renames=copies", "diff.orderFile=suite", "core.quotePath=false",
        "diff.srcPrefix=x/", "diff.noSuchSetting=1",
    ],
)  # fmt: skip
def test_whatever_the_user_told_git_the_patch_can_be_applied(checkout, tmp_path, setting):
    edit(checkout)
    name, _, value = setting.partition("=")
    checkout.git("config", name, value)

    patch = checkout.patch()

    assert checkout.with_patch(patch, tmp_path / "clone").text() == checkout.text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"])
def test_inside_a_hook_of_another_repository_it_is_the_same_patch(checkout, tmp_path, name):
    """Git tells its hooks by variables where they are."""
    edit(checkout)
    other = Checkout(tmp_path / "other")
    other.folder.mkdir()
    other.git("init", "--quiet")

    commit, patch = checkout.says("program.facts()['git_commit']"), checkout.patch()

    place = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_WORK_TREE": "."}[name]
    told = {name: str(other.folder / place)}
    assert checkout.says("program.facts().get('git_commit')", **told) == commit
    assert checkout.patch(**told) == patch


def test_the_users_index_is_left_as_it_is(checkout):
    edit(checkout)
    checkout.git("add", "experiments/mlp.py", "suite/api/doctor.py")
    index = checkout.folder / ".git" / "index"
    before = index.read_bytes(), index.stat().st_mtime_ns

    patch = checkout.patch()

    assert (index.read_bytes(), index.stat().st_mtime_ns) == before
    assert b"suite/api/doctor.py" in patch
    assert b"experiments/mlp.py" in patch
    assert checkout.git("diff", "--cached", "--name-only") == b"experiments/mlp.py\nsuite/api/doctor.py\n"


def test_without_git_or_commit_nothing_is_said_of_either(checkout, tmp_path):
    for path in ("", str(tmp_path)):
        assert "git_commit" not in checkout.says("program.facts()", PATH=path)
        assert checkout.patch(PATH=path) == b""
    shutil.rmtree(checkout.folder / ".git")
    assert "git_commit" not in checkout.says("program.facts()")
    checkout.git("init", "--quiet")
    assert "git_commit" not in checkout.says("program.facts()")


@pytest.fixture
def run_in(tmp_path: Path) -> Callable[..., Path]:
    """Train `mlp` with a checkout's program text; returns the run's folder."""

    def make(checkout: Checkout, **environment: str) -> Path:
        home = tmp_path / "home"
        home.mkdir()
        workspace = Workspace(home, {"PYTHONPATH": str(checkout.folder), **environment})
        answer = workspace.suite("run", "mlp", "--data", "digits", "--epochs", "1", "--seeds", "1", "--no-report")
        assert answer.code == 0, answer.err
        [folder] = home.glob("mlruns/runs/mlp/*/")
        return folder

    return make


@pytest.mark.commands
def test_a_run_of_an_edited_checkout_keeps_the_patch_and_so_does_mlflow(checkout, run_in, tmp_path):
    (checkout.folder / "experiments" / "new.py").write_text(
        (checkout.folder / "experiments" / "mlp.py").read_text()
    )  # fmt: skip

    folder = run_in(checkout)

    patch, result = (folder / "source.patch").read_bytes(), json.loads((folder / "result.json").read_text())
    assert checkout.with_patch(patch, tmp_path / "clone").text() == checkout.text()
    assert set(result["files"]) >= {"source.patch", "recipe.json", "history.jsonl", "weights.safetensors"}
    assert result["environment"]["git_dirty"] is True
    [sent] = (tmp_path / "home" / "mlruns" / "artifacts").glob("*/artifacts/source.patch")
    assert sent.read_bytes() == patch


@pytest.mark.promise
@pytest.mark.full
@pytest.mark.commands
def test_a_run_of_a_clean_checkout_keeps_no_patch(checkout, run_in):
    folder = run_in(checkout, MLFLOW_TRACKING_URI="http://127.0.0.1:9")

    result = json.loads((folder / "result.json").read_text())
    assert not (folder / "source.patch").exists()
    assert "source.patch" not in result["files"]
    assert result["environment"]["git_dirty"] is False


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program text, of which the digest is made."""
    shutil.copytree(ROOT / "suite", tmp_path / "suite", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(program, "SOURCE", tmp_path / "suite")
    return tmp_path / "suite"


def changed_by(files: list[Path], source: Path) -> set[str]:
    """Those of the files, each edited alone, that change the engine's digest."""
    before, found = program._engine_sha256(), set()
    for file in files:
        text = file.read_bytes()
        file.write_bytes(text + b"# edited\n")
        if program._engine_sha256() != before:
            found.add(file.relative_to(source).as_posix())
        file.write_bytes(text)
    return found


def test_the_engines_digest_changes_with_every_file_that_can_change_a_number_and_with_no_other(source):
    found = changed_by([*source.rglob("*.py")], source)

    rooms = ("engine", "data", "data/own", "data/sources")
    wanted = {f"{room}/{file.name}" for room in rooms for file in (source / room).glob("*.py")}
    assert found == wanted | {f"recipe/{name}.py" for name in ("fields", "trial", "allowed", "arguments", "augmenting")}
    assert found >= {"engine/sets.py", "engine/epoch.py", "data/idx.py", "data/sources/digits.py"}


@pytest.mark.parametrize("room", ["engine", "data"])
def test_a_new_file_of_the_engine_or_the_data_room_changes_the_digest(source, room):
    before = program._engine_sha256()
    (source / room / "later").mkdir()
    (source / room / "later" / "new.py").write_text("VALUE = 1\n")

    assert program._engine_sha256() != before
