"""The plug-in for pytest, in a repository of somebody else: entries of pytest-benchmark, verdicts, refusals."""

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from tests.benching.test_checkout import git
from tests.conftest import plain_environment

pytestmark = pytest.mark.slow

# What stands for a measured process: a step of `MILLISECONDS`, without torch.
FAKE = """
import contextlib, os
import suite.plugin
from suite.api import benching
from suite.errors import SuiteError

class Probe:
    steps = 0
    def facts(self):
        return {"suite": "1", "torch": "2"}
    def tell(self, **command):
        self.steps = command.get("steps", 1)
        Probe.number = getattr(Probe, "number", 0) + 1
    def hear(self):
        each = float(os.environ["MILLISECONDS"]) / 1000 * (1 + Probe.number % 3 / 1000)
        return {"seconds": self.steps * each, "images": 50 * self.steps}

def gated(one, verdict, limit):
    from suite.analysis.ratios import Ratio
    from suite.benching.speed_gate import Gated
    ratio = Ratio(2.0, 0.01, 6, 10)
    return Gated(one.title, verdict, 2.0, ratio.interval, ratio, limit, {})

def against(session, experiments, *, python, seconds, limit):
    yield gated(experiments[0], "PASS", limit)

def against_own(session, one, revision, folder, *, seconds, limit):
    assert str(folder) == os.getcwd()
    if revision == "nosuch":
        raise SuiteError("there is no revision 'nosuch'.", "Give a commit.")
    return gated(one, "FAIL", limit)

suite.plugin._probe = lambda *_: contextlib.nullcontext(Probe())
benching.against, benching.against_own = against, against_own
"""
MY_NET = '''"""A linear layer."""

from suite.recipe import Recipe

recipe = Recipe(data="digits", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=50, epochs=1)


def network():
    """Map images (n, 1, 28, 28) to logits (n, 10)."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
'''


@pytest.fixture
def given(tmp_path):
    """Give pytest in a repository with one experiment and one test of its own."""
    for name, text in (("nets/my_net.py", MY_NET), ("test_own.py", "def test_own(): pass\n"), ("conftest.py", FAKE)):
        path = tmp_path / "repository" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def give(*words, measured=False, milliseconds="1"):
        if measured:
            (tmp_path / "repository" / "conftest.py").write_text("")
        own = {"SUITE_EXPERIMENTS": "nets", "SUITE_HOME": str(tmp_path), "MILLISECONDS": milliseconds}
        others = [
            word for name in ("cacheprovider", "hypothesispytest", "xdist", "anyio") for word in ("-p", f"no:{name}")
        ]
        known = entry_points(group="pytest11", name="suite")  # an installed suite is loaded by pytest itself
        ours = () if known else ("-p", "suite.plugin")
        command = [sys.executable, "-m", "pytest", *ours, *others, *words]
        environment = {name: value for name, value in plain_environment().items() if not name.startswith("PYTEST_")}
        return subprocess.run(
            command, cwd=tmp_path / "repository", env={**environment, **own}, capture_output=True, text=True
        )

    return give


def test_each_experiment_has_three_entries_which_pytest_benchmark_stores_and_compares(given, tmp_path):
    first = given("--suite-bench", "my_net", "--benchmark-autosave")
    slow = given(
        "--suite-bench", "my_net", "--benchmark-compare", "--benchmark-compare-fail=median:5%", milliseconds="1.1"
    )

    assert first.returncode == 0, first.stdout + first.stderr
    [stored] = (tmp_path / "repository" / ".benchmarks").rglob("*.json")
    entries = {one["fullname"]: one for one in json.loads(stored.read_text())["benchmarks"]}
    assert [*entries] == [f"suite-bench::my_net::{what}" for what in ("training_step", "evaluation", "latency")]
    for one in entries.values():
        assert one["stats"]["median"] == pytest.approx(0.001, rel=0.01)
        assert one["extra_info"] == {"images_per_step": 50, "steps_per_round": 20, "suite": "1", "torch": "2"}
    assert slow.returncode == 1
    assert "Performance has regressed" in slow.stdout + slow.stderr


@pytest.mark.parametrize("revision", ["main", "origin/main"])
def test_the_gate_is_a_test_which_fails_with_the_verdicts_words(given, revision):
    worse = given("--suite-gate", revision, "my_net")

    assert worse.returncode == 1
    assert "my_net: FAIL: 2.000 times as long (1.949 to 2.052), limit 1.05." in worse.stdout
    assert "Traceback" not in worse.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--suite-bench", "mynet"), "ERROR: there is no experiment 'mynet'; did you mean my_net"),
        (("--suite-gate", "main"), "ERROR: --suite-gate: no experiment is named. Give REVISION NAME, such as main"),
        (("--suite-bench", "my_net", "-p", "no:benchmark"), "ERROR: --suite-bench needs pytest-benchmark, which is"),
        (("--suite-gate", "nosuch", "my_net"), "there is no revision 'nosuch'. Give a commit."),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(given, words, line):
    answer = given(*words)

    assert answer.returncode in (1, 4)
    assert line in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr


def test_unused_it_loads_nothing_of_the_suite():
    told = "import sys, suite.plugin; print(sorted(name for name in sys.modules if name.split('.')[0] in "
    told += "('suite', 'torch', 'numpy', 'mlflow')))"

    done = subprocess.run([sys.executable, "-c", told], env=plain_environment(), capture_output=True, text=True)

    assert done.stdout.strip() == "['suite', 'suite.plugin']"


@pytest.mark.promise
@pytest.mark.full
def test_a_real_step_is_measured(given, tmp_path):
    answer = given("--suite-bench", "my_net", "--benchmark-json", "found.json", measured=True)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = json.loads((tmp_path / "repository" / "found.json").read_text())["benchmarks"]
    step, evaluation, latency = (one["stats"]["median"] for one in found)
    assert 0 < latency < step < 1
    assert 0 < evaluation < 1
    assert [one["extra_info"]["images_per_step"] for one in found[::2]] == [50, 1]
    same = given("--suite-gate", sys.executable, "my_net", "--suite-seconds", "20", measured=True)
    assert "my_net: FAIL" not in same.stdout + same.stderr


# A network that computes its only layer `TIMES` times, and gives the mean: the same function, for more work.
DEEP = MY_NET.replace("nn.Linear(784, 10))", "Often())").replace(
    "    return",
    """    class Often(nn.Linear):
        def __init__(self):
            super().__init__(784, 400)

        def forward(self, pixels):
            return sum(super(Often, self).forward(pixels) for _ in range(TIMES))[:, :10] / TIMES

    return""",
)


@pytest.mark.promise
@pytest.mark.full
def test_a_repositorys_own_experiment_is_compared_with_its_revision(given, tmp_path, figure):
    """Twice the work is found, in the file or in a module of the repository; a comment is no loss."""
    folder, path = tmp_path / "repository", tmp_path / "repository" / "nets" / "my_net.py"
    path.write_text(
        DEEP.replace("range(TIMES)", "range(times())")
        .replace("/ TIMES", "/ times()")
        .replace("    from torch import nn", "    from parts import times\n    from torch import nn")
    )
    (folder / "parts.py").write_text("def times():\n    return 2\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    found = {}
    for name, place, text in (
        ("honest", path, f"# A comment.\n{path.read_text()}"),
        ("slower", folder / "parts.py", "def times():\n    return 4\n"),
    ):
        place.write_text(text)
        found[name] = given("--suite-gate", "main", "my_net", "--suite-seconds", "30", measured=True)

    assert "my_net: FAIL" not in found["honest"].stdout + found["honest"].stderr
    assert found["slower"].returncode == 1, found["slower"].stdout + found["slower"].stderr
    assert "my_net: FAIL: " in found["slower"].stdout
    for name, answer in found.items():
        told = [line for line in answer.stdout.splitlines() if line.startswith("my_net: ")] or ["my_net: PASS"]
        figure(f"--suite-gate in a repository of one's own, {name}: {told[0]}")
