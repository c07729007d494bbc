"""The facts about a study as one document below mlruns/studies/, which the tracker and the report read."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from suite.disk import files
from suite.disk.documents import STUDY, Record, document, read_document
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.tuning.rules import Rules
from suite.tuning.study import Study, Trial


def write(home: Home, study: Study, rules: Rules, cost: Mapping[str, float], environment: Record) -> Record:
    """Update the document of a study and return its facts; `cost` is the total so far, in seconds."""
    facts = {
        "study": rules.study,
        "experiment": rules.experiment.name,
        "rules": rules.facts(),
        "overrides": {name: value for name, value in rules.experiment.overrides.items() if name not in rules.space},
        "amount": rules.budget.amount,
        "trials": [_trial(one) for one in study.trials()],
        "importances": study.importances(),
        "outcome": study.notes.get("outcome"),
        "test": study.notes.get("test"),
        "cost": dict(cost),
        "environment": environment,
    }
    files.make_folder(home.studies)
    files.write(path_of(home, rules.study), document(facts))
    return facts


def read_all(home: Home, say: Callable[[str], None]) -> Iterator[Record]:
    """The documents of all studies, ordered by name; damaged ones are left out, with a line to `say`."""
    for path in paths(home):
        try:
            facts = read_document(path, STUDY)
        except SuiteError:
            facts = {}
        if facts.get("study") == path.stem:
            yield facts
        else:
            say(f"{path} is damaged. The next `python -m suite tune` on that study writes it again.")


def paths(home: Home) -> list[Path]:
    """The paths of the documents of all studies, ordered by name."""
    return sorted(home.studies.glob("*.json"))


def path_of(home: Home, study: str) -> Path:
    """The path of a study's document."""
    return home.studies / f"{study}.json"


def _trial(one: Trial) -> dict[str, Any]:
    return {
        "number": one.number,
        "values": one.values,
        "state": one.state,
        "results": list(one.results),
        "reports": {str(step): value for step, value in sorted(one.reports.items())},
        **one.facts,
    }
