"""A temporary checkout of another revision, of this program or of a user's repository, to be measured beside it."""

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.benching.sides import HERE
from suite.engine.program import ELSEWHERE, TRUSTED
from suite.errors import MACHINE, SuiteError, machine_error


@contextmanager
def checked_out(revision: str, repository: Path | None = None) -> Iterator[Path]:
    """A temporary folder with the files of a revision of a `repository`, else of this program's own.

    The repository is only read, so a kill leaves nothing in it. Raises `SuiteError`: 2 if this program is not in a git
    checkout or the revision does not exist, 3 without git or where the files cannot be written.
    """
    place, trusted = (repository, ()) if repository else (HERE, TRUSTED)
    with tempfile.TemporaryDirectory(prefix="suite-bench-") as folder:
        archive = Path(folder, "revision.tar")
        commit = _commit(place, revision, trusted)
        answer = _git(place, "archive", "--format=tar", f"--output={archive}", commit, trusted=trusted)
        if answer.returncode:
            raise SuiteError(
                f"{place}: the files of {revision!r:.80} cannot be read: {_reason(answer)}.",
                "Fetch them (git fetch), or look with git fsck.",
            )
        into = Path(folder, "checkout")
        try:
            with tarfile.open(archive) as packed:
                packed.extractall(into, filter="tar")  # links stay as they are, wherever they lead, as in a checkout
        except OSError as error:
            raise machine_error(error, error.filename or into) from error
        yield into


def repository_of(folder: Path) -> Path:
    """The root of the git repository that a folder is in. Raises `SuiteError`: 2 if it is in none, 3 without git."""
    answer = _git(folder, "rev-parse", "--show-toplevel")
    if answer.returncode:
        raise SuiteError(
            f"{folder} has no git repository: {_reason(answer)}.",
            "Run pytest in a repository, or give the path of another Python.",
        )
    return Path(answer.stdout.rstrip("\n"))


def _commit(repository: Path, revision: str, trusted: tuple[str, ...]) -> str:
    """The full hash of the commit, because git could read the user's text as an option or a file."""
    named = f"{revision or 'nothing'}^{{commit}}"  # git reads an empty name as HEAD
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", named)
    answer = _git(repository, *words, trusted=trusted)
    if answer.returncode and not (repository / ".git").exists():
        raise SuiteError(f"{repository} is not a git checkout.", "Clone the suite's repository, or use --against-env.")
    if answer.returncode:
        raise SuiteError(
            f"there is no revision {revision!r:.80} in {repository}.",
            "Give a commit, branch or tag of that repository (git log --oneline shows them).",
        )
    return answer.stdout.strip()


def _git(repository: Path, *words: str, trusted: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """What git answers in a repository, also inside a hook, whose variables name another one."""
    ours = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = ["git", *trusted, "-C", str(repository), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", env=ours)
    except OSError as error:
        raise SuiteError(f"git: {(error.strerror or str(error)).lower()}.", "Install git.", code=MACHINE) from error


def _reason(answer: "subprocess.CompletedProcess[str]") -> str:
    """The first line of what git complains about."""
    lines = answer.stderr.strip().splitlines() or ["git failed"]
    return lines[0].removeprefix("fatal: ").removeprefix("error: ").rstrip(".")[:300]
