"""The chapter "How it was measured": the number of machines, commands to copy, digests of the data."""

import argparse
import shlex
from dataclasses import replace

from suite.cli import options
from suite.data.catalog import CATALOG
from suite.reporting.measured import digests, machines, recipes


def test_every_machine_is_counted_with_its_versions_the_busiest_first(make_group):
    rows = machines([make_group(cpu="One", seeds=1), make_group(cpu="Another", seeds=3)]).rows

    assert [(row["cpu"], row["torch"], row["runs"]) for row in rows] == [("Another", "2.9.0", 3), ("One", "2.9.0", 1)]


def test_a_command_names_the_changes_and_seeds_enough_and_can_be_typed(make_group):
    one = make_group(changes="lr=0.01 normalize=0.5,0.5", experiment="my net; rm")
    overrides = {"normalize": [0.5, 0.5], "lr": 0.01, "init_std": None}
    runs = tuple({**run, "seed": run["seed"] + 3, "overrides": overrides} for run in one.runs)

    [row] = recipes([replace(one, runs=runs)]).rows
    words = shlex.split(row["command"])
    parser = argparse.ArgumentParser()
    options.of_run(parser)
    read = parser.parse_args(words[4:])

    assert words[:4] == ["python", "-m", "suite", "run"]
    assert (read.names, read.seeds) == (["my net; rm"], 6)
    assert read.set == ["init_std=none", "lr=0.01", "normalize=0.5,0.5"]
    assert (row["seeds"], row["commit"]) == ("3, 4, 5", "abcdef0123")
    assert row["identity of the recipe"] == one.identity


def test_the_digests_are_those_of_the_data_that_was_used(make_group):
    rows = digests([make_group(), make_group(experiment="mlp")]).rows

    assert {row["file"]: row["SHA-256"] for row in rows} == CATALOG["fashion-mnist"].sha256
    assert len(rows) == 4


def test_of_no_runs_there_is_nothing_to_say():
    assert [len(table([]).rows) for table in (machines, recipes, digests)] == [0, 0, 0]
