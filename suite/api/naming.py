"""What names runs: words as at the command line, or the objects that earlier calls returned."""

from collections.abc import Iterable

from suite.api.results import Runs
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.plan import Planned

RunName = str | Runs | Planned | Experiment


def words_of(runs: Iterable[RunName]) -> list[str]:
    """The words that name these runs. Runs that are not finished are left out of a `Runs`.

    An experiment stands for all of its finished runs.
    """
    return [word for one in runs for word in _words(one)]


def word_of(run: RunName) -> str:
    """The word that names a single run; raises `SuiteError` (2) if there are several, or none."""
    found = _words(run)
    if len(found) != 1:
        raise SuiteError(
            f"one finished run is needed, and these are {len(found)}.", "Give one, such as runs.planned[0]."
        )
    return found[0]


def _words(run: RunName) -> list[str]:
    if isinstance(run, Runs):
        return [str(item.run.folder) for item in run.planned if item.status == "finished"]
    if isinstance(run, Planned):
        return [str(run.run.folder)]
    return [run.identity if isinstance(run, Experiment) else str(run)]
