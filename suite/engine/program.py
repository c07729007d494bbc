"""The program text that produced a result: the engine's digest, the commit, and the changes since the commit."""

import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent.parent
TEXT = ("suite", "experiments", "pyproject.toml")  # the parts of a checkout that belong to the program
TRUSTED = ("-c", "safe.directory=*")  # a checkout may be another user's: its program runs here already
RECIPE = ("fields", "trial", "allowed", "arguments", "augmenting")
NUMBERS = ("engine/**/*.py", "data/**/*.py", *(f"recipe/{name}.py" for name in RECIPE))  # what can change a number
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_PREFIX")


@cache
def facts() -> dict[str, Any]:
    """The engine's SHA-256 and, inside a git checkout, its commit and whether the program text has changed since.

    Computed once per process and inherited by forked processes, because they run the text that was loaded then, even
    if the files are edited later.
    """
    found: dict[str, Any] = {"engine_sha256": _engine_sha256()}
    commit = _git("rev-parse", "HEAD") if (SOURCE.parent / ".git").exists() else None
    if commit and (changes := _changes()) is not None:
        found |= {"git_commit": commit.decode().strip(), "git_dirty": bool(changes)}
        if changes:
            found["patch_sha256"] = hashlib.sha256(changes).hexdigest()
    return found


def patch() -> bytes:
    """The diff between the current commit and the program files on disk; empty if there is none.

    Untracked files are included. The user's git index is not changed: the diff is made with a temporary one.
    """
    return _changes() or b""


@cache
def _changes() -> bytes | None:
    """The diff; None if git failed."""
    with tempfile.TemporaryDirectory(prefix="suite-patch-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        if _git("read-tree", "HEAD", **index) is None or _git("add", "--intent-to-add", "--", *TEXT, **index) is None:
            return None
        # `diff-index` and not `diff`, because the user's git settings can change the prefixes and context of `diff`.
        return _git("diff-index", "-p", "--binary", "--no-ext-diff", "--no-textconv", "HEAD", "--", *TEXT, **index)


def _engine_sha256() -> str:
    """The SHA-256 over all files whose text can change results.

    These are the engine, the data room with its sources, and those files of the recipe room that split off the
    validation images, end the budget of a trial, or read what a function is given.
    """
    files = sorted(file for pattern in NUMBERS for file in SOURCE.glob(pattern))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _git(*words: str, **environment: str) -> bytes | None:
    """The output of git in this program's checkout; None if git fails or is missing.

    Inside a git hook, variables such as GIT_DIR name the user's repository, so they are removed.
    """
    command = ["git", *TRUSTED, "-C", str(SOURCE.parent), *words]
    ours = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    try:
        answer = subprocess.run(command, capture_output=True, timeout=10, env={**ours, **environment})
    except (OSError, subprocess.TimeoutExpired):  # without git, the facts above leave out the commit
        return None
    return answer.stdout if answer.returncode == 0 else None
