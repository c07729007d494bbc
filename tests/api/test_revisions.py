"""An experiment of a user's own repository as it was in a revision of it: the jobs of both sides, and refusals."""

import os
import subprocess
import sys

import pytest

from suite.api.benching import workload
from suite.api.revisions import both
from suite.api.session import Session
from suite.benching import checkout
from suite.data.own import request
from suite.errors import SuiteError
from tests.benching.test_checkout import git
from tests.benching.test_plugin import MY_NET

NOW = MY_NET.replace("batch_size=50", "batch_size=25")


@pytest.fixture
def repository(tmp_path, home):  # noqa: ARG001  a session needs one
    """A repository with an experiment that has changed since its only commit, and with a link that leads nowhere."""
    folder = tmp_path / "own repository"
    (folder / "nets").mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "src" / "parts.py").write_text("WIDTH = 1\n")
    (folder / "nets" / "my_net.py").write_text(MY_NET)
    (folder / "nets" / "broken.py").write_text(MY_NET.replace("lr=0.1", "lr=-1"))
    (folder / "away").symlink_to("/no/such/folder")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    (folder / "nets" / "my_net.py").write_text(NOW)
    for name in ("broken", "new"):
        (folder / "nets" / f"{name}.py").write_text(NOW)
    return folder


@pytest.fixture
def sides(repository):
    """Opens both sides of an experiment, as a context."""
    session = Session.open(experiments=[repository / "nets"])

    def opened(name="my_net", revision="main", folder=repository):
        return both(session, session.one(name, "gate"), revision, folder, workload)

    return opened


@pytest.mark.slow
def test_the_other_side_has_the_experiment_and_the_modules_of_the_revision(sides, repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "src")
    before = git(repository, "status", "--porcelain")

    with sides(folder=repository / "nets") as (job, other):
        [folder], there = other.job.folders, other.job
        texts = [(one.folders[-1] / "my_net.py").read_text() for one in (job, there)]
        modules = [[place.name for place in one.modules if place.name == "src"] for one in (job, there)]
        paths = there.environment(other)["PYTHONPATH"].split(os.pathsep)
        assert (job.folders, job.experiment, job.data) == ((repository / "nets",), "my_net", there.data)
        assert request._places == [repository / "nets" / "datasets"]

    assert texts == [NOW, MY_NET]
    assert modules == [["src"], ["src"]]
    assert str(there.modules[0]) in paths[1:]
    assert not there.modules[0].is_relative_to(repository)
    assert other.source == checkout.HERE
    assert not folder.exists()
    assert git(repository, "status", "--porcelain") == before


def test_a_recipe_that_named_other_data_is_measured_on_it(sides, repository):
    arrays = '"{0}_images": np.zeros((20, 28, 28), np.uint8), "{0}_labels": np.arange(20) % 2'
    script = "import numpy as np\n\n\ndef load():\n    return {%s, %s, 'classes': ['a', 'b']}\n"
    (repository / "nets" / "datasets").mkdir()
    (repository / "nets" / "datasets" / "blank.py").write_text(script % tuple(map(arrays.format, ("train", "test"))))
    (repository / "nets" / "my_net.py").write_text(MY_NET.replace('data="digits"', 'data="blank"'))

    with sides() as (job, other):
        assert job.data != other.job.data
        assert request.scripts() == ["blank"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"revision": "nosuch"}, r"^there is no revision 'nosuch' in .*own repository\. Give a commit"),
        ({"revision": "--output=x"}, "^there is no revision '--output=x' in"),
        ({"name": "new"}, r"^nets/new\.py is not in main\. Give a revision that has it\.$"),
        ({"name": "broken"}, r"^main: nets/broken\.py:5: lr must be above 0, got -1\. "),
        ({"name": "lenet"}, r"^lenet is not in .*own repository, but .*experiments/lenet\.py\. Name"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line_that_names_the_repository(sides, words, line):
    with pytest.raises(SuiteError, match=line) as refused, sides(**words):
        pass

    assert refused.value.code == 2
    assert "suite-bench-" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_repository_is_refused(sides, tmp_path):
    with pytest.raises(SuiteError, match=rf"^{tmp_path} has no git repository: not a git.*\. Run pytest in a") as found:
        sides(folder=tmp_path).__enter__()

    assert found.value.code == 2


def test_files_that_git_has_lost_are_said(sides, repository):
    digest = git(repository, "rev-parse", "main:nets/my_net.py").strip()
    (repository / ".git" / "objects" / digest[:2] / digest[2:]).unlink()

    with pytest.raises(SuiteError, match=r"own repository: the files of 'main' cannot be read: .*Fetch them") as lost:
        sides().__enter__()

    assert lost.value.code == 2


def test_in_a_hook_the_repository_is_that_of_the_tests(sides, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))

    with sides() as (_, other):
        assert (other.job.folders[0] / "my_net.py").read_text() == MY_NET


def test_the_suites_own_repository_has_the_other_program_and_the_users_folders_in_it(sides, repository, monkeypatch):
    for module in (checkout, sys.modules["suite.benching.sides"]):
        monkeypatch.setattr(module, "HERE", repository)

    with sides() as (job, other):
        assert (other.source / "nets" / "my_net.py").read_text() == MY_NET
        assert other.job.folders == (other.source / "nets",)
        assert job.folders == (repository / "nets",)


def test_a_stranger_cannot_be_asked_about_his_repository(repository):
    if os.geteuid():
        pytest.skip("only root can give a repository to another user")
    subprocess.run(["chown", "-R", "12345", str(repository)], check=True)

    with pytest.raises(SuiteError, match="has no git repository: detected dubious ownership"):
        checkout.repository_of(repository)
