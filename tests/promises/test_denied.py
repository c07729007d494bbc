"""Check 12: folders that may not be read or written, that go away or are somewhere else: one line, and nothing hurt."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Answer, Workspace
from tests.promises.breaking import Broken, train_and_die
from tests.promises.conftest import told
from tests.promises.mirrors import assert_mirror_is_exact

pytestmark = pytest.mark.promise

RUN = ("run", "plain", "--seeds", "1", "--no-report")
SETPRIV = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")
# Lets the test act when an epoch is over, and the training go on when the test has acted.
HELD = """
    import os
    import time

    from torch import nn

    class Held(nn.Flatten):
        def forward(self, pixels):
            place = os.environ["HELD_AT"]
            if self.training and os.path.exists(place):
                open(f"{place}.reached", "w").close()
                while os.path.exists(place):
                    time.sleep(0.01)
            return super().forward(pixels)

    return nn.Sequential(Held(), """


def tree(*tops: Path) -> dict[str, tuple[int, str]]:
    """Everything beneath some folders: its mode, and its bytes' SHA-256 or where it links to."""
    found = {}
    for path in (path for top in tops for path in (top, *top.rglob("*"))):
        if path.is_symlink():
            told = os.readlink(path)
        else:
            told = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (path.lstat().st_mode, told)
    return found


def obedient(workspace: Workspace, *words: str) -> Answer:
    """Give a command as somebody whom permissions bind; root is made so."""
    prefix = SETPRIV if os.geteuid() == 0 else ()
    if prefix and shutil.which(prefix[0]) is None:
        pytest.skip("root obeys no permission, and setpriv is not installed")
    command = [*prefix, sys.executable, "-m", "suite", *words]
    done = subprocess.run(
        command, cwd=workspace.home.parent, env=workspace.environment, capture_output=True, text=True, timeout=300
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def assert_one_line(answer: Answer, code: int, *words: str) -> None:
    """The exit code, and one line on stderr that holds the words; what went well before may be on stdout."""
    assert answer.code == code, answer
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("suite: ")
    assert all(word in answer.err for word in words), (words, answer.err)
    assert "Traceback" not in answer.out


@pytest.fixture
def outside(tmp_path):
    """A folder that is nobody's business."""
    folder = tmp_path / "outside"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "precious").write_text("mine")
    return folder


FORBIDDEN = {
    "the home is read-only": (".", 0o500, 3),
    "mlruns cannot be entered": ("mlruns", 0o000, 3),
    "runs is read-only": ("mlruns/runs", 0o500, 3),
    "the experiment's folder is read-only": ("mlruns/runs/plain", 0o500, 3),
}


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_may_not_be_written_is_named_and_left_alone(check, commands, what):
    name, mode, code = FORBIDDEN[what]
    workspace = commands()
    place = workspace.home / name
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(mode)
    before = tree(workspace.home.parent)

    with check.case():
        answer = obedient(workspace, *RUN)

        assert_one_line(answer, code, str(place if place != workspace.home else "mlruns"), "permission denied")
        after = tree(workspace.home.parent)
        assert {
            path: one for path, one in after.items() if "mlflow.db" not in path and "artifacts" not in path
        } == before
    place.chmod(0o700)
    assert workspace.suite(*RUN).code == 0


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("name", ["checkpoint", "recipe.json", "output.log"])
def test_a_file_of_a_half_done_run_that_may_not_be_read_is_named_and_left_alone(check, bench, commands, twins, name):
    workspace = commands()
    run = bench.run("plain", workspace.home)
    bench.work([Broken(bench.job(run), "epoch:saved")], by=train_and_die)
    (run.folder / name).chmod(0o000)
    before = tree(run.folder)

    with check.case():
        answer = obedient(workspace, *RUN)

        assert_one_line(answer, 3, str(run.folder / name), "permission denied")
        assert {path: one for path, one in tree(run.folder).items() if not path.endswith("lock")} == {
            path: one for path, one in before.items() if not path.endswith("lock")
        }
    (run.folder / name).chmod(0o600)
    assert workspace.suite(*RUN).code == 0
    assert told(run) == twins["plain"]


LINKED = ("mlruns", "mlruns/runs", "reports", "mlruns/runs/plain", "the run's folder")


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("what", LINKED)
def test_a_link_in_place_of_a_folder_is_refused_and_not_followed(check, bench, commands, outside, what):
    workspace = commands()
    place = bench.run("plain", workspace.home).folder if what not in LINKED[:-1] else workspace.home / what
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)
    before = tree(outside)

    with check.case():
        assert_one_line(workspace.suite(*RUN), 2, str(place), "symbolic link")
        assert tree(outside) == before


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize("name", [".", "mlruns", "mlruns/runs"])
def test_a_file_in_place_of_a_folder_is_named_and_stays(check, commands, name):
    workspace = commands(**({"SUITE_HOME": str(Path(__file__))} if name == "." else {}))
    place = Path(__file__) if name == "." else workspace.home / name
    if name != ".":
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("a file")
    before = tree(workspace.home, place)

    with check.case():
        assert_one_line(workspace.suite(*RUN), 3, str(place), "not a directory")
        assert tree(workspace.home, place) == before


@pytest.mark.check(12, "read-only, forbidden, removed, linked")
@pytest.mark.parametrize(("removed", "code"), [("folder", 3), ("recipe.json", 2)])
def test_a_run_that_is_taken_away_while_it_trains_is_named_and_the_others_go_on(
    check, bench, commands, twins, removed, code
):
    held = bench.home("held")
    head, _, layers = (
        (bench.own / "plain.py").read_text().partition("\n    from torch import nn\n\n    return nn.Sequential(")
    )
    (held / "held.py").write_text(head + HELD + layers.replace("nn.Flatten(), ", ""))
    sign = bench.top / "sign"
    sign.touch()
    workspace = commands(HELD_AT=str(sign))
    words = ("run", "held", "plain", "--experiments", str(held), "--seeds", "1", "--workers", "2", "--no-report")

    with check.case():
        process = workspace.start(*words)
        limit = time.monotonic() + 120
        while not Path(f"{sign}.reached").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        [folder] = workspace.home.glob("mlruns/runs/held/*")
        if removed == "folder":
            shutil.rmtree(folder)
        else:
            (folder / "recipe.json").unlink()
        sign.unlink()
        out, err = process.communicate(timeout=300)

        assert_one_line(Answer(process.returncode, out, err), code, "held-s0: ", str(folder))
        assert told(bench.run("plain", workspace.home)) == twins["plain"]
        assert not (folder / "result.json").exists()
    shutil.rmtree(folder, ignore_errors=True)
    assert workspace.suite(*words).code == 0
    assert_mirror_is_exact(workspace.home)
