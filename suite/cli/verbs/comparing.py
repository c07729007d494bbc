"""The verb that compares."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from suite.cli.terminal import Terminal
from suite.cli.verbs.common import chosen, ensure_data, folders, send
from suite.cli.verbs.training import train
from suite.disk.home import Home
from suite.errors import FAILED, SuiteError
from suite.recipe.registry import Experiment, Registry
from suite.recipe.registry import load as load_registry
from suite.runs.plan import plan
from suite.runs.verify import PREFIX

if TYPE_CHECKING:
    from suite.analysis.comparison import Comparison
    from suite.tracking.groups import Group


def compare(args: Namespace) -> int:
    """Compare recipes on the same test images under the same seeds: which is better, how sure, at what cost.

    NAME is an experiment, or the start of a recipe's identity as the report gives it. With --until-decided seeds are
    added, half as many again at each look and --limit at the most; every look spends a share of the 5 % error.

    python -m suite compare lenet lenet_gaussian
    python -m suite compare cnn cnn_one_epoch lenet_avgpool
    python -m suite compare cnn cnn_one_epoch --until-decided --limit 12
    """
    terminal, home, registry = Terminal(as_json=args.json), Home.find(), load_registry(folders(args))
    every = [one.name for one in registry.choose(["all"])] if "all" in args.names else args.names
    words = list(dict.fromkeys(every))
    if len(words) < 2:
        raise SuiteError("compare takes two experiments or more.", "See python -m suite list.")
    if args.limit and not args.until_decided:
        raise SuiteError("--limit: says how many seeds --until-decided may train.", "Give both, or neither.")
    if args.until_decided:
        groups, found = _until_decided(chosen(registry, words, args), args, home, terminal)
    else:
        identities = {word: _identity(word, registry, args) for word in words}
        groups = _groups(identities, args, home, terminal)
        found = _compared(groups)
    _tell(groups, found, terminal)
    return 0


def _until_decided(
    experiments: Sequence[Experiment], args: Namespace, home: Home, terminal: Terminal
) -> "tuple[list[Group], list[Comparison]]":
    """Look, and train more seeds while any pair is undecided."""
    from suite.analysis.intervals import FEWEST
    from suite.analysis.sequential import level_at, looks

    home.require_writable()
    data_folders = ensure_data({one.recipe.data for one in experiments}, args, terminal)
    planned_looks = looks(FEWEST, args.limit or 12)
    for look, seeds in enumerate(planned_looks):
        planned = plan(experiments, range(seeds), home.runs)
        train(planned, home, args, terminal, data_folders)
        if lost := [item for item in planned if item.status != "finished"]:
            raise SuiteError(f"{lost[0].run.name}: {lost[0].reason or lost[0].status}.", code=lost[0].code or FAILED)
        groups = _groups({one.name: one.identity for one in experiments}, args, home, terminal)
        found = _compared(groups, level=level_at(planned_looks, look), seeds=range(seeds))
        undecided = sum(one.verdict == "no difference shown" for one in found)
        terminal.say(f"Look {look + 1} of {len(planned_looks)}, {seeds} seeds: {undecided} of {len(found)} undecided.")
        if not undecided:
            break
    return groups, found


def _identity(word: str, registry: Registry, args: Namespace) -> str:
    """The identity that a word means, or the start of one; raises `SuiteError` (2) for a word that is neither."""
    if PREFIX.fullmatch(word) and word not in registry.experiments:
        return word
    return chosen(registry, [word], args)[0].identity


def _groups(identities: Mapping[str, str], args: Namespace, home: Home, terminal: Terminal) -> "list[Group]":
    """The groups with these identities, or with ones that start so, from MLflow's record."""
    from suite.tracking.frame import finished_runs
    from suite.tracking.groups import read_groups
    from suite.tracking.store import TrackerAway, open_store, tracking_uri, unreachable

    try:
        send(home, args, terminal)
        store = open_store(home)
        groups = read_groups(store, finished_runs(store))
        found = [_with(identity, groups, word) for word, identity in identities.items()]
        _require_different(dict(zip(identities, found, strict=True)))
        _require_same_images(found)
    except TrackerAway as why:
        raise unreachable(tracking_uri(home), why) from why
    return found


def _with(identity: str, groups: "Sequence[Group]", word: str) -> "Group":
    """The group whose identity is this one or starts so: runs of one recipe are one record, whatever their names."""
    found = [one for one in groups if one.identity.startswith(identity)]
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
                f"{first.title} is tested on {first.parameter('data')}, {one.title} on {one.parameter('data')}: "
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
    groups: "Sequence[Group]", *, level: float | None = None, seeds: Sequence[int] | None = None
) -> "list[Comparison]":
    from suite.analysis.comparison import common_seeds
    from suite.analysis.comparison import compare as compare_answers
    from suite.analysis.intervals import FEWEST, LEVEL
    from suite.report.comparisons import answers_of

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
    return compare_answers([one.under(common) for one in answers], level or LEVEL)


def _tell(groups: "Sequence[Group]", found: "Sequence[Comparison]", terminal: Terminal) -> None:
    from suite.report.comparison_tables import comparison_table, cost_table
    from suite.report.comparisons import target_of

    cost = cost_table(groups, target_of(groups))
    if terminal.as_json:
        terminal.json({"comparisons": [one.facts() for one in found], "costs": cost.records()})
        return
    for table in (comparison_table(found), cost):
        columns = [f"{name}>" if right else name for name, right in zip(table.columns(), table.numeric(), strict=True)]
        terminal.table(table.title, columns, table.cells())
    for one in found:
        terminal.say(one.words)
