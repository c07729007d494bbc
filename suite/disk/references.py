"""Files of reference values beside the experiments, one entry per experiment, and the exit code of a gate."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from suite.disk import files
from suite.errors import FAILED, INCONCLUSIVE, SuiteError, machine_error

LARGEST = 1 << 20  # bytes of such a file
UPDATE = "Run the same command with --update to measure one."


class _Entry(Protocol):
    def facts(self) -> dict[str, Any]:
        """The entry as plain values, as the file stores it."""


Entry = TypeVar("Entry", bound=_Entry)


def read(
    path: Path, what: str, checked: Callable[[dict[str, Any]], Entry], needed: Iterable[str] = ()
) -> dict[str, Entry]:
    """All entries of a file, by experiment; `what` names their kind in messages.

    Raises `SuiteError`: 2 if the file or a `needed` entry is missing, or if the file is damaged; 3 if it is unreadable.
    """
    found = _entries(path, what, checked)
    for title in needed:
        if title not in found:
            known = ", ".join(found) or "nothing"
            raise SuiteError(f"{path} has no {what} of {title}; it has {known}.", UPDATE)
    return found


def add(path: Path, what: str, checked: Callable[[dict[str, Any]], Entry], new: Mapping[str, Entry]) -> None:
    """Write these entries into the file; it keeps those of other experiments."""
    found = {**(_entries(path, what, checked) if path.exists() else {}), **new}
    text = json.dumps({name: found[name].facts() for name in sorted(found)}, indent=1, ensure_ascii=False)
    files.write(path, f"{text}\n".encode())


def _entries(path: Path, what: str, checked: Callable[[dict[str, Any]], Entry]) -> dict[str, Entry]:
    try:
        found = json.loads(files.read(path, LARGEST))
        return {str(name): checked(facts) for name, facts in found.items()}
    except FileNotFoundError as error:
        raise SuiteError(f"{path}: there is no such {what}.", UPDATE) from error
    except OSError as error:
        raise machine_error(error, path) from error
    except (files.Unfit, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SuiteError(f"{path} is not a {what} of the gate: {error}.", UPDATE) from error


def exit_code(verdicts: Iterable[str]) -> int:
    """The exit code: 1 if any verdict is FAIL, else 4 if any is INCONCLUSIVE, else 0."""
    found = set(verdicts)
    return FAILED if "FAIL" in found else INCONCLUSIVE if "INCONCLUSIVE" in found else 0
