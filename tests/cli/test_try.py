"""`try` and `tries` as they are used: what is kept, what is not, and the ways to fool oneself that are closed."""

import json
import os
import signal
import time
from types import SimpleNamespace

import pytest

from suite.api.trying import seeds_of
from tests.cli.test_comparing import FILES, RECIPE, identity, with_own
from tests.conftest import Workspace, answer_of, assert_refused, python

pytestmark = pytest.mark.commands


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home with a weak baseline, a better recipe, a twin of that, and one that diverges."""
    files = {name: FILES[name] for name in ("plain.py", "twin.py", "weak.py", "slow.py")}
    deep = "nn.Linear(784, 50), nn.Linear(50, 50), nn.Linear(50, 10)"
    files["wild.py"] = RECIPE.format(lr=1e30, more="").replace("nn.Linear(784, 10)", deep)
    return with_own(tmp_path_factory.mktemp("try"), files)


@pytest.fixture(scope="module")
def kept(lab: Workspace) -> dict[str, object]:
    answer = lab.suite("try", "plain", "--against", "weak", "--json")
    assert answer.code == 0, answer
    return answer.json


def first_seeds(lab: Workspace, baseline: str) -> range:
    return seeds_of(SimpleNamespace(identity=identity(lab, baseline)), 3)


def trained(lab: Workspace, name: str) -> set[str]:
    return {path.parent.name.rpartition("-")[2] for path in lab.home.glob(f"mlruns/runs/{name}/*/result.json")}


def test_a_better_recipe_is_kept_with_the_fewest_seeds(lab, kept):
    assert (kept["verdict"], kept["number"], kept["baseline"]) == ("KEEP", 1, "weak")
    assert kept["error"] == pytest.approx(0.05 / 2.2857657)  # ζ(1.6)
    assert [look["seeds"] for look in kept["looks"]] == [3]
    assert kept["looks"][0]["difference"] > 0.1
    assert trained(lab, "plain") == trained(lab, "weak") == {f"s{seed}" for seed in first_seeds(lab, "weak")}


def test_a_verdict_is_given_once(lab, kept):
    before = lab.results()
    again = lab.suite("try", "plain", "--against", "weak", "--json")

    assert (again.code, again.json) == (0, kept)
    assert lab.results() == before


@pytest.mark.parametrize("words", [("--margin", "1pt"), ("--limit", "40"), ("--keep-if", "not-worse")])
@pytest.mark.usefixtures("kept")
def test_another_rule_for_the_same_recipe_is_refused(lab, words):
    answer = lab.suite("try", "plain", "--against", "weak", *words)

    assert_refused(answer, 2, "verdict is KEEP", "--keep-if better --margin 0.5pt --limit 12")


@pytest.mark.usefixtures("kept")
def test_a_worse_recipe_is_discarded_with_exit_code_1_and_a_diverged_one_too(lab):
    worse = lab.suite("try", "weak", "--against", "plain")
    wild = lab.suite("try", "wild", "--against", "plain", "--json")

    assert worse.code == 1, worse
    assert "DISCARD: weak against plain: a difference of +0.50 points or more is ruled out" in worse.out
    assert (wild.code, wild.json["verdict"], wild.json["number"]) == (1, "DISCARD", 2)
    assert f"wild-s{first_seeds(lab, 'plain')[0]} diverged" in wild.json["words"]


@pytest.mark.usefixtures("kept")
def test_what_makes_no_difference_is_undecided_and_not_worse(lab):
    tried = lab.suite("try", "twin", "--against", "plain", "--limit", "3", "--json")
    other = lab.suite("try", "plain", "--set", "probe_every=7", "probe_images=100", "--against", "plain",
                      "--keep-if", "not-worse", "--margin", "2pt", "--json")  # fmt: skip

    assert tried.code == 1, tried  # with the same weights under each seed every improvement is ruled out
    assert tried.json["looks"][0]["difference"] == 0
    assert (other.code, other.json["verdict"]) == (0, "KEEP")


@pytest.mark.usefixtures("kept")
def test_the_ledger_shows_every_try_and_what_is_left(lab):
    lab.suite("try", "weak", "--against", "plain")
    shown, facts = lab.suite("tries"), lab.suite("tries", "--json").json["tries"]
    pasted = lab.suite("tries", "--markdown").out

    numbers = [one["number"] for one in facts if one["baseline"] == "plain"]
    assert numbers == [*range(1, len(numbers) + 1)]
    assert {one["candidate"] for one in facts if one["baseline"] == "weak"} == {"plain"}
    assert f"Against weak ({identity(lab, 'weak')[:12]}): 2.81 of 5 % error are left" in shown.out
    assert pasted.startswith("### Tries\n")
    assert "| weak | 1 | plain |" in pasted


def test_a_recipe_whose_seeds_were_seen_before_is_refused(lab, tmp_path):
    seen = Workspace(tmp_path, lab.extra)
    seed = first_seeds(lab, "weak")[2]
    own = f"suite.Session.open(experiments=[{lab.extra['SUITE_EXPERIMENTS']!r}])"
    program = f"import suite; suite.run('plain', seeds=[{seed}], report=False, session={own})"
    assert answer_of(python("-c", program, environment=seen.environment)).code == 0
    before = seen.results()

    answer = seen.suite("try", "plain", "--against", "weak")

    assert_refused(answer, 2, f"plain-s{seed} is trained already", "kept for tries")
    assert seen.results() == before
    assert seen.suite("tries", "--json").json["tries"] == []


def test_the_same_recipe_is_no_change(lab):
    assert_refused(lab.suite("try", "plain", "--against", "plain"), 2, "the same recipe")
    assert_refused(lab.suite("try", "plain"), 2, "--against")


def test_what_can_have_no_verdict_spends_nothing(lab, tmp_path):
    workspace = Workspace(tmp_path, lab.extra)
    other = workspace.suite("try", "plain", "--set", "data=mnist", "--against", "weak")
    many = workspace.suite("try", "plain", "--against", "weak", "--limit", "1001")

    assert_refused(other, 2, "plain is tested on mnist, weak on digits", "Nothing was trained")
    assert_refused(many, 2, "1,000 seeds at most, got the limit 1,001")
    assert workspace.suite("tries", "--json").json["tries"] == []


def test_a_damaged_ledger_is_refused_for_it_may_have_been_spent(lab, tmp_path):
    ledger = tmp_path / "mlruns" / "tries" / f"{identity(lab, 'weak')[:16]}.json"
    ledger.parent.mkdir(parents=True)
    ledger.write_text('{"tries": []}')

    answer = Workspace(tmp_path, lab.extra).suite("try", "plain", "--against", "weak")

    assert_refused(answer, 2, str(ledger), "is damaged", "Put a copy of it back")
    assert ledger.read_text() == '{"tries": []}'


def test_a_try_that_is_interrupted_has_spent_its_part_and_goes_on(lab, tmp_path):
    workspace = Workspace(tmp_path, lab.extra)
    process = workspace.start("try", "slow", "--against", "weak", "--limit", "3")
    until = time.monotonic() + 120
    while not list(tmp_path.glob("mlruns/runs/slow/*/checkpoint")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    meanwhile = workspace.suite("tries", "--json").json["tries"]

    answer = workspace.suite("try", "slow", "--against", "weak", "--limit", "3", "--json")

    assert process.returncode == 130
    assert [(one["number"], one["verdict"]) for one in meanwhile] == [(1, "")]
    assert answer.json["number"] == 1
    assert answer.json["verdict"] in ("KEEP", "DISCARD", "UNDECIDED")
    assert answer.json["error"] == meanwhile[0]["error"]


@pytest.mark.promise
@pytest.mark.full
def test_two_at_once_have_different_parts(lab, tmp_path):
    workspace = Workspace(tmp_path, lab.extra)
    both = [workspace.start("try", name, "--against", "weak", "--limit", "3", "--json") for name in ("plain", "twin")]
    outs = [json.loads(process.communicate(timeout=300)[0]) for process in both]

    assert {one["number"] for one in outs} == {1, 2}
    assert len({one["error"] for one in outs}) == 2
