"""Compare recipes on the same test images and with the same seeds."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.reporting import send
from suite.api.results import Compared
from suite.api.session import Named, Session
from suite.api.training import train_recorded
from suite.errors import FAILED, MACHINE, SuiteError
from suite.recipe.experiment import Experiment
from suite.runs.naming import PREFIX
from suite.runs.plan import Planned, plan

if TYPE_CHECKING:
    from suite.tracking.groups import Group

FILES = (".csv", ".parquet", ".npz")


def compare(
    session: Session,
    words: Sequence[Named],
    *,
    changes: Mapping[str, Any] | None = None,
    until_decided: bool = False,
    limit: int | None = None,
    margin: float | None = None,
) -> Compared:
    """Compare each pair of recipes: which is better, how certain is that, and what does it cost?

    A word is an experiment's name, the experiment itself, the start of a recipe's identity, or `all`; or all are files
    of predictions. With `until_decided` more seeds are trained, at most `limit` (12), as long as any pair is undecided.
    With a `margin`, a share of the test images such as 0.005, a pair can also be found equivalent: to differ by less.
    Raises `SuiteError` (2) if runs are missing or have different test images.
    """
    if files := _files(words):
        from suite.api.comparing_files import compare_files

        if changes or until_decided or limit:
            raise SuiteError("files of predictions cannot be trained further or otherwise.", "Give --margin at most.")
        return compare_files(files, margin=margin)
    every = [one.name for one in session.registry.choose(["all"])] if "all" in words else words
    wanted = list({called(one): one for one in every}.values())
    if len(wanted) < 2:
        raise SuiteError("compare takes two experiments or more.", "See python -m suite list.")
    if limit and not until_decided:
        raise SuiteError("--limit: says how many seeds --until-decided may train.", "Give both, or neither.")
    if until_decided:
        return _until_decided(session, session.chosen(wanted, changes), limit or 12, margin)
    groups = groups_of(session, {called(word): _identity(session, word, changes) for word in wanted})
    return _compared(groups, margin=margin)


def _files(words: Sequence[Named]) -> list[Path]:
    """The files of predictions that words name; raises `SuiteError` (2) if only some of them do."""
    files = [Path(word) for word in words if isinstance(word, str) and Path(word).suffix.lower() in FILES]
    if files and len(files) < len(words):
        other = next(str(word) for word in words if str(word) not in map(str, files))
        raise SuiteError(
            f"{other} is no file of predictions, as {files[0]} is.",
            "Compare files with files, or experiments with experiments.",
        )
    return files


def _until_decided(session: Session, experiments: Sequence[Experiment], limit: int, margin: float | None) -> Compared:
    """Compare; then, as long as any pair is undecided, train more seeds and compare again."""
    from suite.analysis.intervals import FEWEST
    from suite.analysis.sequential import level_at, looks

    session.home.require_writable()
    session.fetch(experiments)
    planned_looks = looks(FEWEST, limit)
    for look, seeds in enumerate(planned_looks):
        train_all(session, experiments, range(seeds))
        groups = groups_of(session, {called(one): one.identity for one in experiments})
        found = _compared(groups, level=level_at(planned_looks, look), seeds=range(seeds), margin=margin)
        pairs = found.comparisons
        undecided = sum(not one.decided for one in pairs)
        session.screen.say(
            f"Look {look + 1} of {len(planned_looks)}, {seeds} seeds: {undecided} of {len(pairs)} undecided."
        )
        if not undecided:
            break
    return found


def train_all(session: Session, experiments: Sequence[Experiment], seeds: Sequence[int]) -> None:
    """Train every experiment with these seeds; raises `SuiteError` for the first run without an accuracy."""
    train_planned(session, plan(experiments, seeds, session.home.runs))


def train_planned(session: Session, planned: Sequence[Planned], *, may_diverge: bool = False) -> None:
    """Train these runs; raises `SuiteError` for the first that failed, or diverged unless it `may_diverge`."""
    train_recorded(session, planned)
    ended = ("finished", "diverged") if may_diverge else ("finished",)
    if lost := [item for item in planned if item.status not in ended]:
        raise SuiteError(f"{lost[0].run.name}: {lost[0].reason or lost[0].status}.", code=lost[0].code or FAILED)


def called(one: Named) -> str:
    """How messages name it: a name may be that of several texts in a notebook."""
    if isinstance(one, str):
        return one
    return f"{one.name} ({one.identity[:12]})" if one.folders else one.name


def _identity(session: Session, word: Named, changes: Mapping[str, Any] | None) -> str:
    """The identity that a word stands for, or the start of one; raises `SuiteError` (2) for any other word."""
    if isinstance(word, str) and PREFIX.fullmatch(word) and word not in session.registry:
        return word
    return session.chosen([word], changes)[0].identity


def groups_of(session: Session, identities: Mapping[str, str]) -> "list[Group]":
    """The groups from MLflow's record whose identity is, or starts with, one of these."""
    from suite.tracking.frame import finished_runs
    from suite.tracking.groups import read_groups
    from suite.tracking.store import TrackerAway, tracking_uri, unreachable

    try:
        send(session)
        store = session.store()
        runs = finished_runs(store, [*identities.values()])
        groups, recorded = read_groups(store, runs), {*map(str, runs.get("identity", ()))}
        found = [_with(identity, groups, recorded, word) for word, identity in identities.items()]
        _require_different(dict(zip(identities, found, strict=True)))
        _require_same_images(found)
    except TrackerAway as why:
        raise unreachable(tracking_uri(session.home), why) from why
    return found


def _with(identity: str, groups: "Sequence[Group]", recorded: Collection[str], word: str) -> "Group":
    """The group whose identity is, or starts with, this one. Names do not matter: one recipe is one group.

    `recorded` are the identities of all finished runs, also of those whose files in MLflow are gone.
    """
    found = [one for one in groups if one.identity.startswith(identity)]
    if not found and any(one.startswith(identity) for one in recorded):
        raise SuiteError(
            f"{word}: MLflow has its runs, but not their files.",
            "python -m suite doctor names what is missing; sync --rebuild makes a home's own record anew.",
            code=MACHINE,
        )
    if not found:
        raise SuiteError(f"{word} has no finished run.", "Train it with the same words: python -m suite run.")
    return found[0]


def _require_different(groups: "Mapping[str, Group]") -> None:
    words: dict[str, str] = {}
    for word, one in groups.items():
        if (first := words.setdefault(one.title, word)) != word:
            raise SuiteError(f"{first} and {word} are the same runs, of {one.title}.", "Name two that differ.")


def _require_same_images(groups: "Sequence[Group]") -> None:
    first = groups[0]
    for one in groups:
        if one.parameter("data") != first.parameter("data"):
            raise SuiteError(
                f"{first.title} is tested on {first.data_title}, {one.title} on {one.data_title}: "
                "accuracies on different images are no comparison.",
                "Compare experiments on the same data, or train one on the other's with run --data.",
            )
        if one.labels is None or first.labels is None:
            unknown = one if one.labels is None else first
            raise SuiteError(
                f"{unknown.title}: MLflow has not all predictions of its runs.", "Send them: python -m suite sync."
            )
        if one.labels.tobytes() != first.labels.tobytes():
            raise SuiteError(
                f"{first.title} and {one.title} record other labels of the same test images.",
                "One of the records is not what was sent: python -m suite sync --rebuild.",
            )


def _compared(
    groups: "Sequence[Group]",
    *,
    level: float | None = None,
    seeds: Sequence[int] | None = None,
    margin: float | None = None,
) -> Compared:
    from suite.analysis.comparison import common_seeds
    from suite.analysis.comparison import compare as compare_answers
    from suite.analysis.intervals import FEWEST, LEVEL
    from suite.reporting.families import answers_of
    from suite.reporting.predictions import Answered

    answers = [known for one in groups if (known := answers_of(one))]
    if seeds is not None:
        answers = [one.under(seeds) for one in answers]
    common = common_seeds(answers)
    if len(common) < FEWEST:
        raise SuiteError(
            f"{' and '.join(one.title for one in groups)} have {len(common)} seeds in common, and {FEWEST} are the "
            "fewest that can be compared.",
            f"Train them with the same words and --seeds {FEWEST}: python -m suite run.",
        )
    answers = [one.under(common) for one in answers]
    found = compare_answers(answers, level or LEVEL, margin=margin)
    images = [str(image) for image in range(len(answers[0].labels))]
    return Compared(Answered(answers, found, groups[0].classes, images, sure=True), groups)


def write(compared: Compared, folder: Path) -> Path:
    """Write a page about the comparison, with tables as CSV and pictures; returns the page's path.

    Raises `SuiteError`: 2 if the folder has anything but such a page in it, 3 if it cannot be written.
    """
    from suite.reporting import write_answered

    return write_answered(compared.answered, folder)
