"""References that are committed beside the experiments, an entry for each, and the exit code of what judges by them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from suite import files
from suite.errors import FAILED, INCONCLUSIVE, SuiteError, machine_error

Entry = TypeVar("Entry")
LARGEST = 1 << 20  # bytes of such a file
UPDATE = "Give the same words with --update to measure one."


def read(path: Path, what: str, checked: Callable[[dict[str, Any]], Entry]) -> dict[str, Entry]:
    """All entries of a file, a `what` each; raises `SuiteError` (2) where there is no such file or it holds others."""
    try:
        found = json.loads(files.read(path, LARGEST))
        return {str(name): checked(facts) for name, facts in found.items()}
    except FileNotFoundError as error:
        raise SuiteError(f"{path}: there is no such {what}.", UPDATE) from error
    except OSError as error:
        raise machine_error(error, path) from error
    except (files.Unfit, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SuiteError(f"{path} is no {what} of the gate: {error}.", UPDATE) from error


def require(path: Path, what: str, found: Mapping[str, Any], titles: Sequence[str]) -> None:
    """Refuse to go on where an experiment has no entry."""
    for title in titles:
        if title not in found:
            known = ", ".join(found) or "nothing"
            raise SuiteError(f"{path} has no {what} of {title}; it has {known}.", UPDATE)


def write(path: Path, entries: Mapping[str, dict[str, Any]]) -> None:
    """Write these entries, and no others."""
    text = json.dumps({name: entries[name] for name in sorted(entries)}, indent=1, ensure_ascii=False)
    try:
        files.write(path, f"{text}\n".encode())
    except OSError as error:
        raise machine_error(error, path) from error


def exit_code(verdicts: Iterable[str]) -> int:
    """1 where any experiment fails, else 4 where any is inconclusive, else 0."""
    found = set(verdicts)
    return FAILED if "FAIL" in found else INCONCLUSIVE if "INCONCLUSIVE" in found else 0
