"""Check 12: forbidden, read-only, deleted and linked folders: one line of error, and no file is changed."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Answer, Workspace
from tests.promises.breaking import Broken, train_and_die
from tests.promises.conftest import Bench, told
from tests.promises.lives import wait

pytestmark = pytest.mark.promise

RUN = ("run", "plain", "--seeds", "1", "--no-report")
SETPRIV = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
# The training waits while a certain file exists, so that the test can change something in the middle of a run.
HELD = """
    import os
    import time

    from torch import nn

    class Held(nn.Flatten):
        def forward(self, pixels):
            place = os.environ.get("HELD_AT", "nowhere")
            if self.training and os.path.exists(place):
                open(f"{place}.reached", "w").close()
                while os.path.exists(place):
                    time.sleep(0.01)
            return super().forward(pixels)

    return nn.Sequential(Held(), """
LAYERS = "\n    from torch import nn\n\n    return nn.Sequential(nn.Flatten(), "


def tree(*tops: Path) -> dict[str, tuple[int, str]]:
    """Everything below some folders: the mode, and the SHA-256 of a file or the target of a link."""
    found = {}
    for path in (path for top in tops for path in (top, *top.rglob("*"))):
        if path.is_symlink():
            told = os.readlink(path)
        else:
            told = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (path.lstat().st_mode, told)
    return found


def obedient(workspace: Workspace, *words: str) -> Answer:
    """Run a command as a user who must obey permissions. If the user is root, it gives up its special rights first."""
    prefix = SETPRIV if os.geteuid() == 0 else ()
    if prefix and shutil.which(prefix[0]) is None:
        pytest.skip("root obeys no permission, and setpriv is not installed")
    command = [*prefix, sys.executable, "-m", "suite", *words]
    done = subprocess.run(
        command, cwd=workspace.home.parent, env=workspace.environment, capture_output=True, text=True, timeout=300
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def assert_one_line(answer: Answer, code: int, *words: str) -> None:
    """The exit code is `code`, and stderr is one line that holds the words. Stdout may have lines of earlier steps."""
    assert answer.code == code, answer
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("suite: ")
    assert all(word in answer.err for word in words), (words, answer.err)
    assert "Traceback" not in answer.out


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> Path:
    """An MLflow database without runs. It is made once, because that is the slowest part of these tests."""
    workspace = Workspace(tmp_path_factory.mktemp("ready"))
    assert workspace.suite("sync").code == 0
    return workspace.home / "mlruns" / "mlflow.db"


@pytest.fixture
def outside(tmp_path):
    """A folder outside the home. Nothing in it may change."""
    folder = tmp_path / "outside"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "precious").write_text("mine")
    return folder


FORBIDDEN = {".": 0o500, "mlruns": 0o000, "mlruns/runs": 0o500}


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_folder_that_may_not_be_written_is_named_before_anything_is_trained(check, commands, name):
    workspace = commands()
    place = workspace.home / name
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(FORBIDDEN[name])
    before = tree(workspace.home.parent)

    with check.case():
        answer = obedient(workspace, *RUN)

        assert_one_line(answer, 3, str(workspace.home / "mlruns" / "runs"), "permission denied")
        assert tree(workspace.home.parent) == before
    place.chmod(0o700)


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
def test_a_run_whose_files_may_not_be_used_is_named_and_goes_on_later(check, chance, bench, commands, twins, ready):
    names = {"checkpoint": 0o000, "recipe.json": 0o000, "output.log": 0o000, ".": 0o500}
    for name in chance.sample(sorted(names), check.times(4, 1)):
        workspace = commands(f"home-{name}")
        run = bench.run("plain", workspace.home)
        bench.work([Broken(bench.job(run), "epoch:saved")], by=train_and_die)
        shutil.copy(ready, workspace.home / "mlruns" / "mlflow.db")
        place = run.folder / name
        place.chmod(names[name])
        before = tree(run.folder)

        with check.case():
            answer = obedient(workspace, *RUN)

            if name == ".":  # the worker and the recorder both need this folder, so each names it
                assert answer.code == 3, answer
                assert all(line.startswith(f"suite: {run.folder}") for line in answer.err.splitlines()), answer.err
                assert answer.err.count("permission denied") == len(answer.err.splitlines()) <= 2
            else:
                assert_one_line(answer, 3, str(place), "permission denied")
            assert without_locks(tree(run.folder)) == without_locks(before)
        place.chmod(0o700)
        bench.work([bench.job(run)])
        assert told(run) == twins["plain"]


def without_locks(found: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    return {path: one for path, one in found.items() if not path.endswith("lock")}


LINKED = ("mlruns", "mlruns/runs", "reports", "mlruns/runs/plain", "the run's folder")


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("what", LINKED)
def test_a_link_in_place_of_a_folder_is_refused_and_not_followed(check, bench, commands, outside, what):
    workspace = commands()
    place = bench.run("plain", workspace.home).folder if what == "the run's folder" else workspace.home / what
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)
    before = tree(outside)

    with check.case():
        assert_one_line(workspace.suite(*RUN), 2, str(place), "symbolic link")
        assert tree(outside) == before


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("name", ["the home", "mlruns", "mlruns/runs"])
def test_a_file_in_place_of_a_folder_is_named_and_stays(check, bench, commands, name):
    place = bench.top / "home" / ("" if name == "the home" else name)
    workspace = commands("elsewhere", SUITE_HOME=str(bench.top / "home"))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file")
    before = tree(bench.top)

    with check.case():
        assert_one_line(workspace.suite(*RUN), 3, str(place), "not a directory")
        assert tree(bench.top) == before


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
def test_a_run_that_is_taken_away_while_it_trains_is_named_and_goes_on_later(check, chance, bench, commands, ready):
    own = bench.home("own")
    text = (bench.own / "plain.py").read_text()
    (own / "held.py").write_text(text.replace(LAYERS, HELD))
    other = Bench(own, bench.data, bench.top)
    twin = other.run("held", bench.top)
    other.work([other.job(twin)])
    for removed, code in chance.sample([(".", 3), ("recipe.json", 2)], check.times(2, 1)):
        sign = bench.top / f"sign{code}"
        sign.touch()
        workspace = commands(f"home{code}", HELD_AT=str(sign), SUITE_EXPERIMENTS=str(own))
        (workspace.home / "mlruns").mkdir()
        shutil.copy(ready, workspace.home / "mlruns" / "mlflow.db")
        run = other.run("held", workspace.home)

        with check.case():
            process = workspace.start("run", "held", "--seeds", "1", "--no-report")
            assert wait(Path(f"{sign}.reached").exists, process), process.communicate()
            shutil.rmtree(run.folder) if removed == "." else (run.folder / removed).unlink()
            sign.unlink()
            out, err = process.communicate(timeout=300)

            assert_one_line(Answer(process.returncode, out, err), code, str(run.folder / removed))
            assert run.result() is None
        shutil.rmtree(run.folder, ignore_errors=True)
        other.work([other.job(run)])
        assert told(run) == told(twin)
