"""Where things are kept: SUITE_HOME, the checkout, or here."""

import pytest

from suite.disk.home import Home
from suite.errors import SuiteError

PROJECT = '[project]\nname = "suite"\n'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Stand in an empty folder with no home named."""
    monkeypatch.delenv("SUITE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checkout(place, project=PROJECT):
    (place / "experiments").mkdir(parents=True)
    (place / "pyproject.toml").write_text(project)
    return place


def test_without_anything_it_is_the_current_folder(here):
    assert Home.find().root == here


def test_a_home_holds_runs_records_and_reports_and_finding_it_makes_none(here):
    home = Home.find()

    assert (home.mlruns, home.runs, home.reports) == (here / "mlruns", here / "mlruns" / "runs", here / "reports")
    assert list(here.iterdir()) == []


def test_a_named_home_goes_before_the_checkout_one_stands_in(here, monkeypatch):
    checkout(here)
    monkeypatch.setenv("SUITE_HOME", str(here / "elsewhere"))

    assert Home.find().root == here / "elsewhere"


def test_a_named_home_may_be_relative_or_begin_with_a_tilde(here, monkeypatch):
    monkeypatch.setenv("SUITE_HOME", "some/../elsewhere")
    relative = Home.find().root
    monkeypatch.setenv("HOME", str(here / "user"))
    monkeypatch.setenv("SUITE_HOME", "~/runs")

    assert relative == here / "elsewhere"
    assert Home.find().root == here / "user" / "runs"


def test_an_empty_name_is_no_name(here, monkeypatch):
    monkeypatch.setenv("SUITE_HOME", "")

    assert Home.find().root == here


def test_the_home_of_a_user_who_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv("SUITE_HOME", "~nobody_of_this_name/runs")

    with pytest.raises(SuiteError, match="SUITE_HOME"):
        Home.find()


def test_the_checkout_is_found_from_inside_it(here, monkeypatch):
    checkout(here)
    (here / "suite" / "engine").mkdir(parents=True)
    monkeypatch.chdir(here / "suite" / "engine")

    assert Home.find().root == here


def test_the_nearest_checkout_counts(here, monkeypatch):
    checkout(here)
    inner = checkout(here / "copies" / "second")
    (inner / "docs").mkdir()
    monkeypatch.chdir(inner / "docs")

    assert Home.find().root == inner


@pytest.mark.parametrize(
    "project",
    ['[project]\nname = "other"\n', "[tool.ruff]\n", "", "not toml at all", 'project = "suite"\n', "project = 5\n"],
    ids=["another project's", "no project", "empty", "no TOML", "a word for the project", "a number for it"],
)
def test_another_projects_folder_is_no_checkout(here, monkeypatch, project):
    checkout(here, project)
    (here / "inside").mkdir()
    monkeypatch.chdir(here / "inside")

    assert Home.find().root == here / "inside"


def test_a_pyproject_that_is_no_text_is_passed_over(here):
    checkout(here)
    (here / "pyproject.toml").write_bytes(b"\xff\xfe\0")
    (here / "inside").mkdir()

    assert Home.find().root == here


def test_a_suite_without_experiments_is_no_checkout(here, monkeypatch):
    (here / "pyproject.toml").write_text(PROJECT)
    (here / "inside").mkdir()
    monkeypatch.chdir(here / "inside")

    assert Home.find().root == here / "inside"


@pytest.mark.parametrize("linked", ["mlruns", "mlruns/runs", "reports"])
def test_a_home_that_leads_elsewhere_is_refused(tmp_path, monkeypatch, linked):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = tmp_path / "home" / linked
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    monkeypatch.setenv("SUITE_HOME", str(tmp_path / "home"))

    with pytest.raises(SuiteError, match="is a symbolic link") as refused:
        Home.find()

    assert refused.value.code == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("why?", r"may not have '\?' in it"),
        ("50%27", "may not have '%27' in it"),
        ("\udcff", "bytes that are not UTF-8"),
    ],
)
def test_a_home_is_refused_where_databases_would_lie_elsewhere(here, monkeypatch, name, said):
    monkeypatch.setenv("SUITE_HOME", str(here / name))

    with pytest.raises(SuiteError, match=said) as refused:
        Home.find()

    assert refused.value.code == 2
