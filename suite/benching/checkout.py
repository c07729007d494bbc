"""A temporary checkout of another revision of this program, to be measured beside it."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.benching.sides import HERE
from suite.engine.program import TRUSTED
from suite.errors import MACHINE, SuiteError


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A temporary folder with the files of a revision. The repository is only read, so a kill leaves nothing in it.

    Raises `SuiteError`: 2 if this program is not in a git checkout or the revision does not exist, 3 without git.
    """
    with tempfile.TemporaryDirectory(prefix="suite-bench-") as folder:
        archive = Path(folder, "revision.tar")
        _git("archive", "--format=tar", f"--output={archive}", _commit(revision))
        into = Path(folder, "checkout")
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
        yield into


def _commit(revision: str) -> str:
    """The full hash of the commit, because git could read the user's text as an option or a file."""
    named = f"{revision or 'nothing'}^{{commit}}"  # git reads an empty name as HEAD
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", named, of=repr(revision))


def _git(*words: str, of: str = "") -> str:
    try:
        answer = subprocess.run(["git", *TRUSTED, "-C", str(HERE), *words], capture_output=True, text=True)
    except OSError as error:
        raise SuiteError(f"git: {(error.strerror or str(error)).lower()}.", "Install git.", code=MACHINE) from error
    if answer.returncode and not (HERE / ".git").exists():
        raise SuiteError(f"{HERE} is not a git checkout.", "Clone the suite's repository, or use --against-env.")
    if answer.returncode:
        what = f"there is no revision {of:.80} in {HERE}" if of else answer.stderr.strip() or "git failed"
        raise SuiteError(f"{what}.", "Give a commit, branch or tag of that repository (git log --oneline shows them).")
    return answer.stdout.strip()
