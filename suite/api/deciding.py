"""The public functions that say which of two recipes is better, as `suite.api.calls` has those of the other verbs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from suite.api import comparing
from suite.api.arguments import at_least, share
from suite.api.caller import leaves_no_trace
from suite.api.results import Compared, Results
from suite.api.session import Named, Session
from suite.errors import SuiteError

if TYPE_CHECKING:
    from suite.analysis.trying import KeepIf
    from suite.api.ledger import Tried
    from suite.api.planning import SeedPlan
    from suite.api.tuned_results import TunedCompared
    from suite.reporting.history import Series


@overload
def compare(
    *names: Named,
    tuned: Literal[True],
    trials: int,
    studies: int = 3,
    seeds: int = 3,
    budget: str = "samples",
    sampler: str = "tpe",
    session: Session | None = None,
    **changes: Any,
) -> "TunedCompared": ...
@overload
def compare(
    *names: Named,
    tuned: Literal[False] = False,
    until_decided: bool = False,
    limit: int | None = None,
    margin: float | None = None,
    session: Session | None = None,
    **changes: Any,
) -> Compared: ...
@leaves_no_trace
def compare(
    *names: Named,
    tuned: bool = False,
    trials: int | None = None,
    studies: int | None = None,
    seeds: int | None = None,
    budget: str | None = None,
    sampler: str | None = None,
    until_decided: bool = False,
    limit: int | None = None,
    margin: float | None = None,
    session: Session | None = None,
    **changes: Any,
) -> "Compared | TunedCompared":
    """Compare each pair of these experiments by their finished runs; the start of a recipe's identity is a name too.

    With a `margin`, such as 0.005 for half a point of accuracy, the verdict can be `equivalent`. Files of predictions
    of other programs (.csv, .parquet, .npz) are compared alike. With `until_decided` more seeds are trained.

    With `tuned=True` each experiment is tuned first, under the same budget, and what was found is compared: `trials` in
    each of `studies` (3) independent studies, in total; `seeds` (3) test runs of each study's winner; `budget` is
    `"samples"` or `"steps"`, `sampler` `"tpe"` or `"random"` (docs/tuned.md). Raises `SuiteError`.
    """
    from suite.analysis.intervals import FEWEST

    given = {"trials": trials, "studies": studies, "seeds": seeds, "budget": budget, "sampler": sampler}
    of_tuning = {name: value for name, value in given.items() if value is not None}
    others = {"until_decided": until_decided, "limit": limit, "margin": margin}
    if tuned:
        if of_runs := [name for name, value in others.items() if value]:
            raise SuiteError(f"{of_runs[0]} and tuned: each is a comparison of its own.", "Give one of them.")
        return _tuned(names, of_tuning, changes, session or Session.open())
    if of_tuning:
        raise SuiteError(f"{next(iter(of_tuning))}: is of tuned=True.", "Give tuned=True too.")
    if limit is not None:
        at_least(FEWEST, "limit", limit)
    share("margin", margin)
    opened = session or Session.open()
    return comparing.compare(opened, names, changes=changes, until_decided=until_decided, limit=limit, margin=margin)


def _tuned(
    names: Sequence[Named], given: Mapping[str, Any], changes: Mapping[str, Any], session: Session
) -> "TunedCompared":
    """The comparison of tuned experiments under a budget whose values are checked as the command line checks them."""
    from suite.analysis.intervals import FEWEST
    from suite.api import tuned_comparing

    for name, known in (("budget", ("samples", "steps")), ("sampler", ("tpe", "random"))):
        if (value := given.get(name, known[0])) not in known:
            raise SuiteError(f"{name} must be {' or '.join(known)}, got {value!r:.80}.")
    if "trials" not in given:
        raise SuiteError("tuned=True: how many trials may each study have?", "Give trials, such as trials=20.")
    for name, least in (("trials", 1), ("studies", 1), ("seeds", FEWEST)):
        at_least(least, name, given.get(name, least))
    return tuned_comparing.compare_tuned(session, names, tuned_comparing.spending(**given), changes)


@leaves_no_trace
def plan(
    *names: Named,
    effect: float | None = None,
    margin: float | None = None,
    power: float = 0.8,
    session: Session | None = None,
    **changes: Any,
) -> "Results[SeedPlan]":
    """The seeds that a comparison of these experiments needs to see an `effect`, such as 0.005, or rule out a `margin`.

    Their finished runs are the pilot; `power` is how often that shall succeed.
    """
    from suite.api import planning

    for name, value in {"effect": effect, "margin": margin, "power": power}.items():
        share(name, value)
    opened = session or Session.open()
    found = planning.plan(opened, names, changes=changes, effect=effect, margin=margin, power=power)
    return Results(found, lambda some: [one.table().shown() for one in some], lambda one: one.facts())


@leaves_no_trace
def try_(
    name: Named,
    *,
    against: Named,
    keep_if: "KeepIf" = "better",
    margin: float = 0.005,
    limit: int = 12,
    session: Session | None = None,
    **changes: Any,
) -> "Tried":
    """Try an experiment, with these recipe fields changed, against a baseline with the fewest seeds that decide.

    It is kept if it is shown to be better, or not worse by `margin`; the result's `verdict` is KEEP, DISCARD or
    UNDECIDED. All tries against one baseline share an error of 5 % (docs/trying.md).
    """
    from suite.analysis.intervals import FEWEST
    from suite.analysis.trying import Rule
    from suite.api import trying

    if keep_if not in ("better", "not-worse"):
        raise SuiteError(f"keep_if must be better or not-worse, got {keep_if!r:.80}.")
    at_least(FEWEST, "limit", limit)
    share("margin", margin)
    return trying.attempt(session or Session.open(), name, against, Rule(keep_if, margin, limit), changes)


@leaves_no_trace
def tries(*, session: Session | None = None) -> "Results[Tried]":
    """The ledger: every try of this home, with its verdict."""
    from suite.api import ledger

    found = ledger.tries(session or Session.open())
    return Results(found, lambda some: [ledger.table(some).shown()], lambda one: one.to_dict())


@leaves_no_trace
def history(*names: Named, session: Session | None = None) -> "Results[Series]":
    """Quality and speed over commits, with the commits at which something changed, from the verdicts that were kept.

    They are in the home, or in the file of `Session.open(history=…)`, to which `gate` and `bench` then add theirs.
    """
    from suite.api import history as verdicts
    from suite.reporting.history import series_table

    wanted = [one if isinstance(one, str) else one.name for one in names]
    found = verdicts.history(session or Session.open(), wanted)
    return Results(found, lambda some: [series_table(some).shown()], lambda one: one.facts())
