"""A study whose database does not answer for a while: it is asked again, and what was stored is not stored twice."""

import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage
from sqlalchemy.exc import OperationalError

from suite.tuning import patience
from suite.tuning.halving import Ended
from suite.tuning.study import Study
from tests.tuning.synthetic import rules_of, study_in

pytestmark = pytest.mark.studies
AWAY = OperationalError("select 1", None, Exception("server closed the connection unexpectedly"))
UNKNOWN = StorageInternalError("An exception is raised during the commit.")


class Flaky:
    """Optuna's study; what it stores is stored, and then so many answers are lost."""

    def __init__(self, study, error, lost):
        self._study, self._error, self.lost = study, error, lost

    def __getattr__(self, name):
        found = getattr(self._study, name)
        if name not in ("add_trial", "tell", "set_user_attr"):
            return found

        def stored(*args, **words):
            found(*args, **words)
            if self.lost:
                self.lost -= 1
                raise self._error

        return stored


@pytest.fixture
def flaky(monkeypatch):
    """Makes a study that loses the answers of so many calls."""
    monkeypatch.setattr(patience, "PAUSE", 0.0)
    rules = rules_of()
    whole = study_in(InMemoryStorage(), rules)._study

    def make(error, lost, waits=60.0):
        return Study(Flaky(whole, error, lost), rules, waits)

    return make


@pytest.mark.parametrize("error", [AWAY, UNKNOWN])
def test_trials_are_added_and_told_once_though_answers_are_lost(error, flaky):
    study = flaky(error, lost=3)

    asked = study.ask(4)
    study._study.lost = 1
    study.tell(0, Ended("COMPLETE", (0.5,), (), {"accuracies": [0.5], "reason": ""}))
    study._study.lost = 1
    study.note("cost", 1)

    assert [one.number for one in study.trials()] == [*asked] == [0, 1, 2, 3]
    assert [one.state for one in study.trials()] == ["COMPLETE", "RUNNING", "RUNNING", "RUNNING"]
    assert study.notes["cost"] == 1


@pytest.mark.parametrize(("error", "waits"), [(AWAY, 0.0), (ValueError("damaged"), 60.0)])
def test_another_error_and_a_database_that_stays_away_are_raised(error, waits, flaky):
    study = flaky(error, lost=1, waits=waits)

    with pytest.raises(type(error)):
        study.note("cost", 1)
