"""Each verb on a real Ray cluster comes to what this machine's engine comes to: weights, intervals and verdicts."""

import json
import re

import pytest

from suite.data.carrying import is_here
from suite.recipe import registry
from tests.cli.test_comparing import RECIPE
from tests.cluster.conftest import Driver
from tests.cluster.test_runs import numbers
from tests.conftest import Answer, Workspace, answer_of

pytestmark = [pytest.mark.cluster, pytest.mark.commands, pytest.mark.promise, pytest.mark.full,
              pytest.mark.timeout(1800)]  # fmt: skip
# Parts of the names of values that depend on the time, the machine or the home.
OWN_PARTS = {
    "perf",
    "second",
    "seconds",
    "hours",
    "cost",
    "costs",
    "time",
    "clock",
    "when",
    "at",
    "folder",
    "id",
    "begun",
    "reference",
}
OWN = {
    "plain.py": RECIPE.format(lr=0.1, more=""),
    "near.py": RECIPE.format(lr=0.09, more=""),
    "weak.py": RECIPE.format(lr=0.00001, more=""),
}
BRIEF = ("--epochs", "1")
# In this order: later ones use the runs of earlier ones. The exit code of each is that of this machine's engine.
VERBS: dict[str, tuple[str, ...]] = {
    "run": ("run", "plain", "weak", "--seeds", "2", "--no-report", *BRIEF),
    "verify": ("verify", "all"),
    "compare": ("compare", "plain", "near", "--until-decided", "--limit", "8", *BRIEF),
    "try": ("try", "plain", "--against", "weak", *BRIEF),
    "reference": ("gate", "plain", "--update", "--seeds", "5", "--reference", "reference.json", *BRIEF),
    "gate": ("gate", "plain", "--reference", "reference.json", "--limit", "5", *BRIEF),
}


@pytest.fixture
def pair(home, cluster) -> tuple[Workspace, Driver]:
    """A home whose commands train here, and one whose commands train on the cluster, with the same experiments."""

    def make(name: str) -> Workspace:
        made = home(name)
        own = made.home.parent / "more"
        own.mkdir(exist_ok=True)
        for file, text in OWN.items():
            (own / file).write_text(text)
        return Workspace(made.home, {"SUITE_EXPERIMENTS": str(own)})

    return make("verbs-here"), Driver(cluster, make("verbs-there"))


def timeless(value: object) -> object:
    """A document without what depends on the time, the machine or the home."""
    if isinstance(value, dict):
        return {key: timeless(one) for key, one in value.items() if not OWN_PARTS & {*re.split("[^a-z]", key.lower())}}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def test_each_verb_comes_to_the_same_numbers_and_the_same_verdict(pair):
    here, there = pair
    for verb, words in VERBS.items():
        local: Answer = here.suite(*words, "--json")
        answer: Answer = there.suite(*words, "--json")

        assert local.code in (0, 4), (verb, local)
        assert answer.code == local.code, (verb, local, answer)
        assert timeless(json.loads(answer.out)) == timeless(json.loads(local.out)), verb
        assert numbers(there.home.results()) == numbers(here.results()), verb


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("data", ["digits", "its own"])
def test_all_experiments_have_the_weights_of_this_machine(data, home, driver):
    missing = [name for name in ("mnist", "fashion-mnist", "cifar-10") if not is_here(name)]
    if missing and data == "its own":
        pytest.skip(f"not in this machine's cache: {', '.join(missing)} (python -m suite data fetch)")
    words = ["run", "all", "--seeds", "3", "--epochs", "1", "--no-report"]
    words += ["--data", data] if data == "digits" else []
    here, there = home(f"all-here-{data[:3]}"), driver(f"all-there-{data[:3]}")
    local, answer = (answer_of(one.start(*words), 1400) for one in (here, there))

    assert (local.code, answer.code) == (0, 0), (local, answer)
    assert len(here.results()) == 3 * (len(registry.load().experiments) + 1)  # those of the suite, and the test's own
    assert numbers(there.home.results()) == numbers(here.results())
