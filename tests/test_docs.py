"""What the README says is so."""

import csv
import re

import pytest

from suite.cli import parser as cli
from suite.cli import verbs as suite_verbs
from tests.conftest import ROOT, assert_refused
from tests.promises.mutants import MUTANTS

README = (ROOT / "README.md").read_text(encoding="utf-8")
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
    arguments = cli._parser().parse_args(words.split())

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


def test_the_picture_of_a_terminal_shows_the_runs_of_the_sample():
    picture = (ROOT / "docs/terminal.svg").read_text(encoding="utf-8")
    with (ROOT / "reports/sample/runs.csv").open(encoding="utf-8") as lines:
        runs = [
            one for one in csv.DictReader(lines) if re.fullmatch(r"lenet-s\d", one["run"]) and one["changes"] == "none"
        ]

    assert len(runs) == 5
    for one in runs:
        assert one["weights"] in picture
        assert f"{float(one['test accuracy']):.4f}" in picture
