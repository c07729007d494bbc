"""What the README and the other documents say is so."""

import csv
import re
import shlex
import sys

import pytest
import yaml

import suite
from suite.cli import parser as cli
from suite.cli import verbs as suite_verbs
from tests.conftest import ROOT, assert_refused
from tests.promises.mutants import MUTANTS

README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
ERRORS = re.findall(r"^\| `python -m suite (.*?)` \| (.*?) \|$", README, re.MULTILINE)
COMMANDS = re.findall(r"^    python -m suite (.+?)(?:  .*)?$", README, re.MULTILINE)
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]) if "_build" not in path.parts
}  # fmt: skip


@pytest.mark.commands
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


@pytest.mark.commands
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


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one_that_the_parser_knows(page):
    """A command ends at two spaces, a comment, a pipe or a redirection; K stands for a number."""
    commands = re.findall(r"^    (?:.* )?python -m suite (\w.*?)(?:  .*| [#>|&].*)?$", PAGES[page], re.MULTILINE)

    for words in commands:
        arguments = cli.parser_of().parse_args(shlex.split(re.sub(r"K\b", "1", words)))
        assert callable(arguments.verb), words


def test_there_are_commands_in_the_pages():
    found = [page for page, text in PAGES.items() if re.search(r"^    python -m suite \w", text, re.MULTILINE)]

    assert {"AGENTS.md", "docs/data.md", "docs/experiments.md", "docs/report.md"} <= set(found)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    """As on GitHub. tests/browser/test_pages.py follows the links of the built pages."""
    links = re.findall(r"\]\((?!\w+:|#)([^)\s#]+)[)#]", re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.S | re.M))

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.fixture
def for_agents(monkeypatch):
    """docs/for_agents.py, which makes AGENTS.md and llms.txt."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    yield __import__("for_agents")
    for name in ("for_agents", "pages", "program"):
        sys.modules.pop(name, None)


def test_agents_md_and_llms_txt_are_what_the_help_makes(for_agents):
    """After a change of the help, `python docs/for_agents.py` writes them again."""
    agents, llms = ((ROOT / name).read_text(encoding="utf-8") for name in ("AGENTS.md", "llms.txt"))

    assert for_agents.agents(agents) == agents
    assert for_agents.llms() == llms


def test_agents_md_and_llms_txt_have_every_verb_and_every_exit_code(for_agents):
    agents, llms = ((ROOT / name).read_text(encoding="utf-8") for name in ("AGENTS.md", "llms.txt"))

    for text in (agents, llms):
        verbs = re.findall(r"^- `python -m suite (\w+)`: [A-Z].+\.$", text, re.MULTILINE)
        assert verbs == list(for_agents.verbs())
        assert len(verbs) == len(suite_verbs.__all__)
        [codes] = re.findall("^Exit codes: .*$", text, re.MULTILINE)
        assert re.findall(r"\b(\d+) [a-z]", codes) == ["0", "1", "2", "3", "4", "130"]


def test_llms_txt_has_the_form_of_its_convention_and_leads_to_files():
    text = (ROOT / "llms.txt").read_text(encoding="utf-8")
    links = re.findall(r"^- \[[^\]]+\]\((.*?)\): \w", text, re.MULTILINE)

    assert re.match(r"# \w+\n\n> \w.*\n\n", text)
    assert re.findall(r"^#+ ", text, re.MULTILINE)[1:] == ["## "] * text.count("\n## ")
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).is_file()] == []


@pytest.mark.usefixtures("for_agents")
def test_a_notebook_becomes_a_page_with_what_its_cells_have_shown():
    """Text, code, and of each output its richest form; a fence inside an output ends nothing."""
    from pages import notebook

    shown = {"text/html": ["<b>half</b>"], "text/plain": "half"}
    cells = [
        {"cell_type": "markdown", "source": ["# One\n", "two"]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"output_type": "stream", "text": ["```\n", "1\n"]}]},
        {"cell_type": "code", "source": "half", "outputs": [{"data": shown}, {"data": {"image/png": "iVBO\n"}}]},
    ]

    text = notebook({"cells": cells})

    fence = "`" * 6
    assert text.split("\n\n") == [
        "# One\ntwo",
        f"{fence}python\nprint(1)\n{fence}",
        f"{fence}text\n```\n1\n{fence}",
        f"{fence}python\nhalf\n{fence}",
        f'{fence}{{raw}} html\n<div style="overflow-x: auto"><b>half</b></div>\n{fence}',
        "![output](data:image/png;base64,iVBO)",
    ]


def test_contributing_has_the_readmes_installation_and_the_quick_tests_of_the_promises():
    text = PAGES["CONTRIBUTING.md"]
    [quick] = re.findall(r'^    python -m pytest -m "not .*$', PAGES["docs/promises.md"], re.MULTILINE)

    assert '    python -m pip install -e ".[test]"\n' in text
    assert quick in text


def test_the_citation_has_this_version_and_the_fields_that_its_format_asks_for():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

    assert cited["version"] == suite.__version__
    assert cited["license"] == "MIT"
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert f'description = "{cited["abstract"]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_check_in_the_promises_names_a_test_that_counts_it():
    table = re.findall(
        r"^\| (\d+) \| .* \| `(test_\w+\.py)` \|$", (ROOT / "docs/promises.md").read_text(), re.MULTILINE
    )

    assert [int(number) for number, _ in table] == [*range(1, 38)]
    for number, name in table:
        assert f"check({number}, " in (ROOT / "tests/promises" / name).read_text(), (number, name)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_fault_has_one_place_in_the_program(mutant):
    program = (ROOT / mutant.file).read_text()

    assert [program.count(old) for old, _ in mutant.changes] == [1] * len(mutant.changes)


def test_the_sample_page_is_small_enough_to_be_sent():
    assert (ROOT / "reports/sample/report.html").stat().st_size < 2_500_000


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
