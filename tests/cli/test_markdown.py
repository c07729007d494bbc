"""`--markdown`: the tables as GitHub shows them, on stdout and in a job's summary."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from suite.api.rows import groups_table
from suite.cli.markdown import table
from tests.cli.test_documents import without_work  # noqa: F401
from tests.cli.test_gate import EXPERIMENTS
from tests.conftest import assert_refused

TABLES = {
    ("bench", "mlp"): ["### One run, one core", "### Times as fast as"],
    ("bench", "mlp", "--against", "HEAD"): ["### Speed"],
    ("gate", "mlp"): ["### Gate"],
}


@pytest.mark.usefixtures("without_work")
@pytest.mark.parametrize(("words", "titles"), TABLES.items())
def test_stdout_has_the_tables_alone_and_so_has_the_summary(in_process, workspace, words, titles):
    summary = workspace.home / "summary.md"
    summary.write_text("before\n")
    within = replace(workspace, extra={**workspace.extra, "GITHUB_STEP_SUMMARY": str(summary)})

    answer = in_process(*words, "--markdown", within=within)

    assert [line for line in answer.out.splitlines() if line.startswith("#")] == titles
    assert all(line == "" or line[0] in "#|-" for line in answer.out.splitlines())
    assert summary.read_text() == f"before\n{answer.out}"
    assert "mlp: " in answer.err  # what is said beside the tables


@pytest.mark.usefixtures("without_work")
def test_the_gates_table_has_the_verdict_and_its_words(in_process):
    answer = in_process("gate", "mlp", "--markdown")

    assert "| mlp | " in answer.out
    assert "\n- mlp: FAIL" in answer.out


@pytest.mark.parametrize(
    "words", [("gate", "mlp"), ("run", "mlp"), ("compare", "mlp", "cnn"), ("bench", "mlp"), ("tries",)]
)
def test_it_and_json_exclude_each_other(in_process, words):
    assert_refused(in_process(*words, "--markdown", "--json"), 2, "--json and --markdown: stdout can be one of them.")


def test_a_cell_is_text_whatever_is_in_it():
    hostile = "a|b\n# c <script> `x` *y* [z](w) \\ \x1b[0m"

    *_, line = table("t", ["one", "two"], [False, True], [[hostile, "1"]]).strip().splitlines()

    assert line == r"| a\|b # c \<script> \`x\` \*y\* \[z](w) \\ \[0m | 1 |"


def test_seeds_are_one_row_with_an_interval_and_the_difference_from_the_published_figure():
    def ran(name, seed, accuracy, status="finished"):
        metrics = {"test/accuracy": accuracy, "test/source_accuracy": accuracy + 0.01}
        return SimpleNamespace(experiment=EXPERIMENTS[name], status=status, result={"metrics": metrics}, seed=seed)

    runs = [ran("lenet", seed, 0.87 + seed / 1000) for seed in range(3)]
    runs += [ran("linear", 0, 0.8), ran("linear", 1, 0.1, "diverged"), ran("cnn", 0, 0.1, "failed")]

    [lenet, linear] = groups_table(runs).rows

    assert lenet == ("lenet", "3", "0.8710", "0.8685 to 0.8735", "0.8677", "+0.0133")
    assert linear == ("linear", "1", "0.8000", "–", "–", "–")
