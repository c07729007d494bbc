"""What the README says is so."""

import re

import pytest
import yaml

from suite.cli import parser as cli
from suite.cli import verbs as suite_verbs
from tests.conftest import ROOT, assert_refused
from tests.promises.mutants import MUTANTS

README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
ERRORS = re.findall(r"^\| `python -m suite (.*?)` \| (.*?) \|$", README, re.MULTILINE)
COMMANDS = re.findall(r"^    python -m suite (.+?)(?:  .*)?$", README, re.MULTILINE)


@pytest.mark.parametrize(("words", "line"), ERRORS)
def test_every_error_in_the_readme_is_what_the_command_says(workspace, words, line):
    assert_refused(workspace.suite(*words.split()), 2, line)


def test_there_are_errors_and_commands_to_check():
    assert len(ERRORS) >= 4
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_in_the_readme_is_one_that_the_parser_knows(words):
    arguments = cli.parser_of().parse_args(words.split())

    assert callable(arguments.verb)


def test_every_verb_is_in_the_readme():
    verbs = {words.split()[0] for words in COMMANDS}

    assert verbs == {name.partition("_")[0] for name in suite_verbs.__all__}


def test_the_example_in_the_readme_is_an_experiment(workspace):
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    own = ROOT.__class__(workspace.extra["SUITE_EXPERIMENTS"])
    (own / "two_blocks.py").write_text(program)

    shown = workspace.suite("show", "two_blocks", "--json").json

    assert shown["network"]["parameters"] == 28_938


def test_ci_runs_the_readmes_test_command():
    [_, command] = re.findall(r"^    (python -m pip install .*)$", README, re.MULTILINE)

    assert command in (ROOT / ".ci" / "run").read_text()


def test_the_workflow_is_called_with_inputs_that_it_has():
    workflow = yaml.safe_load((ROOT / ".github/workflows/suite-gate.yml").read_text())
    call, hooks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL)]
    inputs = workflow[True]["workflow_call"]["inputs"]  # YAML 1.1 reads `on` as true

    assert call["jobs"]["accuracy"]["with"].keys() <= inputs.keys()
    assert {name for name, one in inputs.items() if one.get("required")} <= call["jobs"]["accuracy"]["with"].keys()
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / ".github/workflows/suite-gate.yml").read_text()))
    assert used == inputs.keys()
    entries = [hook["entry"].split()[3:] for hook in hooks["repos"][0]["hooks"]]
    assert [words[0] for words in entries] == ["check", "gate"]


@pytest.mark.parametrize("words", re.findall(r"python -m suite (.+?)(?: > \S+)?$", CI, re.MULTILINE))
def test_every_command_in_the_page_about_ci_is_one_that_the_parser_knows(words):
    assert callable(cli.parser_of().parse_args(words.split()).verb)


def test_every_link_in_the_readme_leads_somewhere():
    links = re.findall(r"\]\((?!http)(.*?)\)", README)

    assert links
    assert all((ROOT / link).exists() for link in links)


def test_every_check_in_the_promises_names_a_test_that_counts_it():
    table = re.findall(
        r"^\| (\d+) \| .* \| `(test_\w+\.py)` \|$", (ROOT / "docs/promises.md").read_text(), re.MULTILINE
    )

    assert [int(number) for number, _ in table] == [*range(1, 37)]
    for number, name in table:
        assert f"check({number}, " in (ROOT / "tests/promises" / name).read_text(), (number, name)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_fault_has_one_place_in_the_program(mutant):
    program = (ROOT / mutant.file).read_text()

    assert [program.count(old) for old, _ in mutant.changes] == [1] * len(mutant.changes)


def test_the_sample_page_is_small_enough_to_be_sent():
    assert (ROOT / "reports/sample/report.html").stat().st_size < 3_750_000
