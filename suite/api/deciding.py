"""The public functions that say which of two recipes is better, as `suite.api.calls` has those of the other verbs."""

from typing import TYPE_CHECKING, Any

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


@leaves_no_trace
def compare(
    *names: Named,
    until_decided: bool = False,
    limit: int | None = None,
    margin: float | None = None,
    session: Session | None = None,
    **changes: Any,
) -> Compared:
    """Compare each pair of these experiments by their finished runs; the start of a recipe's identity is a name too.

    With a `margin`, such as 0.005 for half a point of accuracy, the verdict can be `equivalent`. Files of predictions
    of other programs (.csv, .parquet, .npz) are compared alike.
    """
    from suite.analysis.intervals import FEWEST

    if limit is not None:
        at_least(FEWEST, "limit", limit)
    share("margin", margin)
    opened = session or Session.open()
    return comparing.compare(opened, names, changes=changes, until_decided=until_decided, limit=limit, margin=margin)


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
