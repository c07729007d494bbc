"""Which program text gave a number: the engine's digest, the commit, and what was changed since."""

import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent.parent
TEXT = ("suite", "experiments", "pyproject.toml")  # what of a checkout is program
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_PREFIX")


@cache
def facts() -> dict[str, Any]:
    """The engine's SHA-256, and inside a checkout its commit and whether the program text was changed since.

    Read once in a process and those forked from it: that is the text they loaded, whatever is edited later.
    """
    found: dict[str, Any] = {"engine_sha256": _engine_sha256()}
    commit = _git("rev-parse", "HEAD") if (SOURCE.parent / ".git").exists() else None
    if commit and (changes := _changes()) is not None:
        found |= {"git_commit": commit.decode().strip(), "git_dirty": bool(changes)}
        if changes:
            found["patch_sha256"] = hashlib.sha256(changes).hexdigest()
    return found


def patch() -> bytes:
    """What `git apply` makes this program text of, out of its commit; new files included, empty where nothing differs.

    The user's index is left alone: a copy of the commit's serves.
    """
    return _changes() or b""


@cache
def _changes() -> bytes | None:
    """The patch; None where git could not make it."""
    with tempfile.TemporaryDirectory(prefix="suite-patch-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        if _git("read-tree", "HEAD", **index) is None or _git("add", "--intent-to-add", "--", *TEXT, **index) is None:
            return None
        # `diff-index` and not `diff`, which the user's settings tell to leave out prefixes or context.
        return _git("diff-index", "-p", "--binary", "--no-ext-diff", "--no-textconv", "HEAD", "--", *TEXT, **index)


def _engine_sha256() -> str:
    """Of every file whose text can change a number."""
    files = sorted([*(SOURCE / "engine").glob("*.py"), *(SOURCE / "data").glob("*.py")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _git(*words: str, **environment: str) -> bytes | None:
    """What git says of the checkout this text lies in, whichever one a hook's variables name; None if it fails."""
    command = ["git", "-C", str(SOURCE.parent), *words]
    ours = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    try:
        answer = subprocess.run(command, capture_output=True, timeout=10, env={**ours, **environment})
    except (OSError, subprocess.TimeoutExpired):  # no git: the facts above say nothing rather than something false
        return None
    return answer.stdout if answer.returncode == 0 else None
