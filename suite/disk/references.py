"""References that are committed beside the experiments, an entry for each, and the exit code of what judges by them."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from suite.disk import files
from suite.errors import FAILED, INCONCLUSIVE, SuiteError, machine_error

LARGEST = 1 << 20  # bytes of such a file
UPDATE = "Give the same words with --update to measure one."


class _Entry(Protocol):
    def facts(self) -> dict[str, Any]:
        """As the file has it."""


Entry = TypeVar("Entry", bound=_Entry)


def read(
    path: Path, what: str, checked: Callable[[dict[str, Any]], Entry], needed: Iterable[str] = ()
) -> dict[str, Entry]:
    """All entries of a file, a `what` each; raises `SuiteError` (2) where it lacks one that is needed, or is none."""
    found = _entries(path, what, checked)
    for title in needed:
        if title not in found:
            known = ", ".join(found) or "nothing"
            raise SuiteError(f"{path} has no {what} of {title}; it has {known}.", UPDATE)
    return found


def add(path: Path, what: str, checked: Callable[[dict[str, Any]], Entry], new: Mapping[str, Entry]) -> None:
    """Put these entries into the file, beside those of other experiments that it has."""
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
        raise SuiteError(f"{path} is no {what} of the gate: {error}.", UPDATE) from error


def exit_code(verdicts: Iterable[str]) -> int:
    """1 where any experiment fails, else 4 where any is inconclusive, else 0."""
    found = set(verdicts)
    return FAILED if "FAIL" in found else INCONCLUSIVE if "INCONCLUSIVE" in found else 0
