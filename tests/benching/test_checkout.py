"""Another revision is laid out beside this one, and the repository is left as it was."""

import subprocess

import pytest

from suite.benching import checkout
from suite.benching.checkout import checked_out
from suite.errors import SuiteError


def git(folder, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    return subprocess.run(["git", "-C", folder, *who, *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        (folder / "file.txt").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", text)
    (folder / "file.txt").write_text("three")
    monkeypatch.setattr(checkout, "HERE", folder)
    return folder


@pytest.mark.parametrize(("revision", "text"), [("HEAD", "two"), ("main~1", "one")])
def test_a_revision_is_there_for_as_long_as_it_is_needed(repository, revision, text):
    before = git(repository, "status", "--porcelain"), git(repository, "worktree", "list")

    with checked_out(revision) as folder:
        assert (folder / "file.txt").read_text() == text

    assert not folder.exists()
    assert (git(repository, "status", "--porcelain"), git(repository, "worktree", "list")) == before
    assert (repository / "file.txt").read_text() == "three"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("revision", ["nosuch", "--output=/tmp/x", "HEAD:file.txt", "", "a\x1b[31mb"])
def test_what_is_no_revision_is_refused(revision):
    with pytest.raises(SuiteError, match="there is no revision") as refused, checked_out(revision):
        pass

    assert refused.value.code == 2
    assert "\x1b" not in str(refused.value)


def test_outside_a_checkout_the_other_way_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "HERE", tmp_path)

    with pytest.raises(SuiteError, match=r"is not a git checkout.*--against-env"), checked_out("HEAD"):
        pass
