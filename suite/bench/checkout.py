"""Another revision of this program, laid out beside it for as long as it is measured."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.bench.sides import HERE
from suite.errors import MACHINE, SuiteError


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with the files of a revision; the repository is only read, so that a kill leaves nothing in it.

    Raises `SuiteError` (2) where this program is in no git checkout, or has no such revision.
    """
    with tempfile.TemporaryDirectory(prefix="suite-bench-") as folder:
        archive = Path(folder, "revision.tar")
        _git("archive", "--format=tar", f"--output={archive}", _commit(revision))
        into = Path(folder, "checkout")
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
        yield into


def _commit(revision: str) -> str:
    """The full name of the commit, so that no revision is taken for an option or a file."""
    named = f"{revision or 'nothing'}^{{commit}}"  # git takes no name at all for HEAD
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", named, of=repr(revision))


def _git(*words: str, of: str = "") -> str:
    try:
        answer = subprocess.run(["git", "-C", str(HERE), *words], capture_output=True, text=True)
    except OSError as error:
        raise SuiteError(f"git: {(error.strerror or str(error)).lower()}.", "Install git.", code=MACHINE) from error
    if answer.returncode and not (HERE / ".git").exists():
        raise SuiteError(f"{HERE} is no git checkout.", "Clone the suite's repository, or compare by --against-env.")
    if answer.returncode:
        what = f"there is no revision {of:.80} in {HERE}" if of else answer.stderr.strip() or "git failed"
        raise SuiteError(f"{what}.", "See git log --oneline.")
    return answer.stdout.strip()
