"""Try a change against a baseline: keep it, or not? All tries against one baseline share an error of 5 %."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from suite.api.comparing import groups_of, train_all, train_planned
from suite.api.ledger import Tried
from suite.api.session import Named, Session
from suite.disk import tries as ledgers
from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.plan import Planned, plan
from suite.text import plural

if TYPE_CHECKING:
    from suite.analysis.paired import Difference
    from suite.analysis.trying import Rule

MOST = 1_000  # seeds of the tries against one baseline; those of the next baseline follow


def attempt(
    session: Session, name: Named, against: Named, rule: "Rule", changes: Mapping[str, Any] | None = None
) -> Tried:
    """Train an experiment and a baseline under the fewest seeds that decide, by this rule.

    A try that has a verdict keeps it, and one that was interrupted goes on. Raises `SuiteError`: 2 if the experiment
    was tried against this baseline by another rule, was trained with seeds that are kept for tries, or has other data.
    """
    candidate, baseline = session.one(name, "try", changes), session.one(against, "--against")
    if candidate.identity == baseline.identity:
        raise SuiteError(
            f"{candidate.name} and {baseline.name} are the same recipe.", "Change one, or name another baseline."
        )
    _require_comparable(candidate, baseline, rule)
    session.home.require_writable()
    entry = _begun(session, candidate, baseline, rule)
    if not entry["verdict"]:
        session.fetch([candidate, baseline])
        entry = _decided(session, candidate, baseline, rule, entry)
    return Tried(baseline.name, baseline.identity, entry)


def _require_comparable(candidate: Experiment, baseline: Experiment, rule: "Rule") -> None:
    """Raise `SuiteError` (2) for what can never have a verdict, before it has spent a part of the error."""
    if candidate.recipe.data != baseline.recipe.data:
        raise SuiteError(
            f"{candidate.name} is tested on {candidate.recipe.data}, {baseline.name} on {baseline.recipe.data}: "
            "accuracies on different images are no comparison.",
            "Nothing was trained; name a baseline on the same data.",
        )
    if rule.limit > MOST:
        raise SuiteError(f"A try has {MOST:,} seeds at most, got the limit {rule.limit:,}.", "Give a smaller one.")


def _begun(session: Session, candidate: Experiment, baseline: Experiment, rule: "Rule") -> Record:
    """The candidate's entry in the ledger of the baseline. A new one spends its part of the error at once."""
    from suite.analysis.trying import part

    with ledgers.opened(session.home.tries, baseline.name, baseline.identity) as ledger:
        entries: list[Record] = ledger["tries"]
        for entry in entries:
            if entry["identity"] == candidate.identity:
                _require_same(rule, entry, candidate, baseline)
                return entry
        _require_unseen(session, candidate, baseline, rule)
        number = len(entries) + 1
        entries.append({
            "number": number, "candidate": candidate.name, "identity": candidate.identity, "keep_if": rule.keep_if,
            "margin": rule.margin, "limit": rule.limit, "error": part(number),
            "begun": datetime.now(UTC).isoformat(timespec="seconds"), "looks": [], "verdict": "", "words": "",
        })  # fmt: skip
        return entries[-1]


def _require_same(rule: "Rule", entry: Record, candidate: Experiment, baseline: Experiment) -> None:
    """Raise `SuiteError` (2) for another rule: whoever knows the first result would choose the rule by it."""
    if (rule.keep_if, rule.margin, rule.limit) != (entry["keep_if"], entry["margin"], entry["limit"]):
        raise SuiteError(
            f"{candidate.name} was tried against {baseline.name} by another rule, and its verdict is "
            f"{entry['verdict'] or 'still open'}: --keep-if {entry['keep_if']} --margin {100 * entry['margin']:g}pt "
            f"--limit {entry['limit']}.",
            "Give that rule; a recipe has one try.",
        )


def _require_unseen(session: Session, candidate: Experiment, baseline: Experiment, rule: "Rule") -> None:
    """Raise `SuiteError` (2) if the candidate was trained with a try's seeds before: its result may be known."""
    for item in plan([candidate], seeds_of(baseline, rule.limit), session.home.runs):
        if item.status != "planned":
            raise SuiteError(
                f"{item.run.name} is trained already, with a seed that is kept for tries against {baseline.name}.",
                f"Move its folder {item.run.folder} away, if nobody has seen its accuracy.",
            )


def seeds_of(baseline: Experiment, count: int) -> range:
    """The first `count` seeds of the tries against a baseline, which nothing else uses.

    With seeds that somebody has seen, what was lucky there would be tried. They differ between baselines, so a change
    that was kept is trained again when it is the baseline itself: what was lucky then would be hard to beat.
    """
    first = 10_000 + MOST * (int(baseline.identity[:8], 16) % 10_000)
    return range(first, first + count)


def _decided(session: Session, candidate: Experiment, baseline: Experiment, rule: "Rule", entry: Record) -> Record:
    """Train and look, until the rule decides or the seeds are used up; each look is kept in the ledger."""
    from suite.analysis.intervals import FEWEST
    from suite.analysis.sequential import looks

    planned = looks(FEWEST, rule.limit)
    for k, seeds in enumerate(planned):
        train_all(session, [baseline], seeds_of(baseline, seeds))
        if died := _diverged(session, candidate, seeds_of(baseline, seeds)):
            return _kept(session, baseline, entry, "DISCARD", f"{died.run.name} diverged")
        found = _difference(session, candidate, baseline, seeds)
        decision = rule.at_look(found, k, planned, entry["error"])
        entry = _looked(session, baseline, entry, seeds, found)
        session.screen.say(f"Look {k + 1} of {len(planned)}, {plural(seeds, 'seed')}: {decision or 'undecided'}.")
        if decision or seeds == rule.limit:
            return _kept(session, baseline, entry, decision or "UNDECIDED", _reason(decision, rule, found))
    return entry


def _diverged(session: Session, candidate: Experiment, seeds: Sequence[int]) -> Planned | None:
    """Train the candidate; the first run that diverged, if any. Raises `SuiteError` for a run that failed."""
    planned = plan([candidate], seeds, session.home.runs)
    train_planned(session, planned, may_diverge=True)
    return next((item for item in planned if item.status == "diverged"), None)


def _difference(session: Session, candidate: Experiment, baseline: Experiment, seeds: int) -> "Difference":
    """The candidate's accuracy minus the baseline's, under the try's first `seeds` seeds."""
    from suite.analysis.paired import difference
    from suite.reporting.families import answers_of

    groups = groups_of(session, {f"{one.name} ({one.identity[:12]})": one.identity for one in (candidate, baseline)})
    known = [answers_of(group) for group in groups]
    ours, theirs = (one.under(seeds_of(baseline, seeds)).right for one in known if one)
    return difference(ours, theirs)


def _looked(session: Session, baseline: Experiment, entry: Record, seeds: int, found: "Difference") -> Record:
    interval = found.interval
    look = {"seeds": seeds, "difference": found.mean, "low": interval.low, "high": interval.high}
    earlier = [one for one in entry["looks"] if one["seeds"] < seeds]
    return _changed(session, baseline, {**entry, "looks": [*earlier, look]})


def _kept(session: Session, baseline: Experiment, entry: Record, verdict: str, reason: str) -> Record:
    words = f"{verdict}: {entry['candidate']} against {baseline.name}: {reason}."
    return _changed(session, baseline, {**entry, "verdict": verdict, "words": words})


def _changed(session: Session, baseline: Experiment, entry: Record) -> Record:
    """Write an entry over the one with its number, unless another process has come to a verdict."""
    with ledgers.opened(session.home.tries, baseline.name, baseline.identity) as ledger:
        place = entry["number"] - 1
        if not ledger["tries"][place]["verdict"]:
            ledger["tries"][place] = entry
        return dict(ledger["tries"][place])


def _reason(decision: str, rule: "Rule", found: "Difference") -> str:
    """Why the rule decided so, in points of accuracy."""
    low, high = 100 * found.interval.low, 100 * found.interval.high
    size = f"{100 * found.mean:+.2f} points ({low:+.2f} to {high:+.2f}), {plural(found.n, 'seed')}"
    bar, aim = f"{100 * rule.bar:+.2f}", f"{100 * rule.aim:+.2f}"
    match decision:
        case "KEEP" if rule.keep_if == "better":
            return f"shown to be better, {size}"
        case "KEEP":
            return f"a loss of {100 * rule.margin:.2f} points is ruled out, {size}"
        case "DISCARD" if rule.keep_if == "not-worse":
            return f"shown to lose {100 * rule.margin:.2f} points or more, {size}"
        case "DISCARD":
            return f"a difference of {aim} points or more is ruled out, {size}"
    return f"neither above {bar} points nor below {aim}, {size}"
