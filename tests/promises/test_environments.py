"""Check 30: with any variables of the user a command does the same as without them, or refuses in one line."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Answer
from tests.promises import environments
from tests.promises.conftest import Bench, Check
from tests.promises.environments import QUICKLY, SETTINGS, TOGETHER, Setting, give

pytestmark = [pytest.mark.promise, pytest.mark.check(30, "hostile environments: the same weights and bytes")]

VERBS = (
    ("report",), ("run", "plain", "--seeds", "2", "--no-report"), ("list",), ("show", "plain"), ("verify", "plain-s0"),
    ("sync",), ("doctor",),
)  # fmt: skip
LONG_VERBS = (
    ("tune", "plain", "--trials", "2", "--seeds", "1", "--fresh-seeds", "3"),
    ("compare", "plain", "choosy"),
    ("gate", "plain", "--update", "--seeds", "3", "--reference", "reference.json"),
    ("bench", "plain", "--seconds", "1"),
)


@dataclass(frozen=True)
class Home:
    """A home in which commands run, and the digests of what they wrote there."""

    folder: Path
    own: Path

    def give(self, commands: Sequence[Sequence[str]], setting: Setting, here: Path) -> list[Answer]:
        """Run the commands in this home with a setting."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("SUITE_", "MLFLOW_"))}
        ours = {"SUITE_HOME": str(self.folder), "SUITE_EXPERIMENTS": str(self.own)}
        return give(commands, cwd=self.folder, environment=setting.over({**plain, **ours}, here))

    def report(self) -> dict[str, str]:
        """SHA-256 of each file of the report."""
        return _digests(self.folder, "reports/**/*.*")

    def pictures(self) -> dict[str, str]:
        """The SHA-256 of each picture of the runs."""
        return _digests(self.folder, "mlruns/runs/*/*/artifacts/*.png")

    def weights(self) -> dict[str, str]:
        """The SHA-256 of each run's weights."""
        found = self.folder.glob("mlruns/runs/*/*/result.json")
        return {path.parent.name: json.loads(path.read_text())["weights_sha256"] for path in found}


def _digests(folder: Path, pattern: str) -> dict[str, str]:
    found = (path for path in folder.glob(pattern) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files and folders that the settings name."""
    return environments.furnish(tmp_path_factory.mktemp("named") / "here")


def test_all_settings_together_change_nothing(check: Check, bench: Bench, here: Path) -> None:
    usual, hostile = (Home(bench.home(name), bench.own) for name in ("usual", "hostile"))
    run = bench.run("plain", usual.folder)
    bench.work([bench.job(run)])
    shutil.copytree(usual.folder / "mlruns", hostile.folder / "mlruns")
    (hostile.folder / "matplotlibrc").write_text(environments.HOSTILE_RC)
    from suite.runs import artifacts

    artifacts.make(run, lambda _: bench.data)

    with check.case():
        commands = [("run", "plain", "--seeds", "1", "--no-report"), ("list",), ("verify", "plain-s0")]
        answers = hostile.give(commands, TOGETHER if check.full else QUICKLY, here)

        assert [answer.code for answer in answers] == [0, 0, 0], answers
        assert "Traceback" not in "".join(answer.err for answer in answers)
        assert "identical" in answers[2].out
        assert hostile.pictures() == usual.pictures() != {}


@pytest.fixture(scope="module")
def trained(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which one run is finished and recorded."""
    home = Home(tmp_path_factory.mktemp("trained"), own)
    [answer] = home.give([("run", "plain", "--seeds", "1", "--no-report")], Setting({}), home.folder)
    assert answer.code == 0, answer
    return home


@pytest.fixture(scope="module")
def usual(trained: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home after the verbs ran without any setting."""
    return _done(trained, tmp_path_factory.mktemp("usual") / "home", Setting({}), trained.folder)[0]


def _done(trained: Home, folder: Path, setting: Setting, here: Path) -> tuple[Home, list[Answer]]:
    home = Home(shutil.copytree(trained.folder, folder), trained.own)
    return home, home.give(VERBS, setting, here)


@pytest.mark.full
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_a_setting_changes_nothing_or_is_refused_in_one_line(
    check: Check, trained: Home, usual: Home, here: Path, tmp_path: Path, setting: Setting
) -> None:
    with check.case(len(VERBS)):
        home, answers = _done(trained, tmp_path / "home", setting, here)

        for words, answer in zip(VERBS, answers, strict=True):
            assert "Traceback" not in answer.out + answer.err, (words, answer)
            if answer.code:
                assert setting.refused, (words, answer)
                assert answer.code in (2, 3), (words, answer)
                assert setting.refused in (answer.out if words == ("doctor",) else answer.err), (words, answer)
            if words != VERBS[-1]:  # stderr of the last one also has the output of C libraries
                assert all(line.startswith("suite: ") for line in answer.err.splitlines()), (words, answer)
                assert len(answer.err.splitlines()) <= 2, (words, answer)
        assert home.weights().items() <= usual.weights().items()
        assert home.report() == usual.report() or answers[0].code
        assert home.pictures().items() <= usual.pictures().items()
        if not setting.refused:
            assert (home.weights(), home.pictures()) == (usual.weights(), usual.pictures())


@pytest.mark.full
@pytest.mark.parametrize("words", LONG_VERBS, ids=lambda words: words[0])
def test_the_long_verbs_work_under_all_settings_together(
    check: Check, own: Path, here: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with check.case():
        trained = [("run", *words[1:], "--seeds", "3", "--no-report")] if words[0] == "compare" else []
        answer = Home(tmp_path, own).give([*trained, words], TOGETHER, here)[-1]

        assert answer.code == 0, answer
        assert "Traceback" not in answer.out + answer.err
