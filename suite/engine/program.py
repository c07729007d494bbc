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


@cache
def facts() -> dict[str, Any]:
    """The engine's SHA-256, and inside a checkout its commit and whether the program text was changed since.

    Read once in a process and those forked from it: that is the text they loaded, whatever is edited later.
    """
    found: dict[str, Any] = {"engine_sha256": _engine_sha256()}
    if commit := _git("rev-parse", "HEAD").decode().strip() if (SOURCE.parent / ".git").exists() else "":
        found |= {"git_commit": commit, "git_dirty": bool(patch())}
        if patch():
            found["patch_sha256"] = hashlib.sha256(patch()).hexdigest()
    return found


@cache
def patch() -> bytes:
    """What `git apply` makes this program text of, out of its commit; new files included, empty where nothing differs.

    The user's index is left alone: a copy of the commit's serves.
    """
    with tempfile.TemporaryDirectory(prefix="suite-patch-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        _git("read-tree", "HEAD", **index)
        _git("add", "--intent-to-add", "--", *TEXT, **index)
        return _git("diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--", *TEXT, **index)


def _engine_sha256() -> str:
    """Of every file whose text can change a number."""
    files = sorted([*(SOURCE / "engine").glob("*.py"), *(SOURCE / "data").glob("*.py")])
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _git(*words: str, **environment: str) -> bytes:
    command = ["git", "-C", str(SOURCE.parent), *words]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=10, env={**os.environ, **environment})
    except (OSError, subprocess.TimeoutExpired):  # no git: the facts above say nothing rather than something false
        return b""
    return answer.stdout if answer.returncode == 0 else b""
