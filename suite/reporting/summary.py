"""The first paragraphs of the page: the runs on each data set, and what is missing."""

from collections.abc import Sequence
from datetime import UTC, datetime

from suite.analysis.intervals import FEWEST
from suite.data.catalog import CATALOG
from suite.reporting.gaps import diverged_sentences
from suite.text import plural, some
from suite.tracking.groups import Group


def summary(groups: Sequence[Group]) -> list[str]:
    """A paragraph for each data set: experiments, runs, the highest mean with its interval, machine, dates."""
    return [_of_data([one for one in groups if one.parameter("data") == data]) for data in data_sets(groups)]


def data_sets(groups: Sequence[Group]) -> list[str]:
    """The names of the groups' data sets: first those of the catalog, in its order, then the others."""
    met = {one.parameter("data") for one in groups}
    return [*(name for name in CATALOG if name in met), *sorted(met - CATALOG.keys())]


def incomplete(groups: Sequence[Group], lost: Sequence[tuple[str, tuple[int, ...]]]) -> list[str]:
    """Sentences on why the report is incomplete: diverged seeds, and too few seeds."""
    found = diverged_sentences([*((one.title, one.diverged) for one in groups if one.diverged), *lost])
    if few := [one.title for one in groups if len(one.runs) < FEWEST]:
        found.append(f"Too few seeds for an interval over seeds: {some(few)}. --seeds {FEWEST} gives one.")
    return found


def unequal(groups: Sequence[Group]) -> str:
    """A sentence if some groups have fewer seeds than the unchanged recipes; else `""`."""
    unchanged = [one for one in groups if not one.changes] or groups
    most = max((len(one.runs) for one in unchanged), default=0)
    counts = sorted({len(one.runs) for one in groups if len(one.runs) < most}, reverse=True)
    if not counts:
        return ""
    short = [f"{plural(n, 'seed')} of {some([one.title for one in groups if len(one.runs) == n])}" for n in counts]
    return f"This rests on an incomplete set of runs: {', '.join(short)}, where others have {plural(most, 'seed')}."


def mixed(groups: Sequence[Group]) -> str:
    """A sentence if seeds of one recipe come from machines of different numeric classes; else `""`."""
    classes = {one.title: {str(run.get("suite.env.numeric_class", "")) for run in one.runs} for one in groups}
    named = [
        f"{title} ({', '.join(sorted(found))})" for title, found in classes.items() if len(found - {"", "nan"}) > 1
    ]
    if not named:
        return ""
    return (
        f"Seeds of one recipe come from machines of different numeric classes: {some(named)}. The same run has "
        "other weights on each of them."
    )


def ways(groups: Sequence[Group]) -> str:
    """A sentence that says which recipes the suite's kernels computed, and why torch computed the others.

    `""` for runs of a time before there were kernels.
    """
    by_torch, by_kernels = [], []
    for one in groups:
        found = {str(run.get("suite.env.way") or "") for run in one.runs} - {"", "nan"}
        by_torch += [f"{one.title} ({way.partition(': ')[2]})" for way in sorted(found - {"kernels"})]
        by_kernels += [one.title] if "kernels" in found else []
    if not by_torch:
        return "The suite's own kernels computed all of them." if by_kernels else ""
    others = f"The suite's own kernels computed {some(by_kernels, ', ')}; torch" if by_kernels else "Torch"
    return f"{others} computed {some(by_torch, ', ')}."


def machine(groups: Sequence[Group]) -> str:
    """The processors, numbers of cores, and torch versions of the runs."""
    names = sorted({f"{run['suite.env.cpu']}, {run['suite.env.cores']} cores, torch {run['suite.env.torch']}"
                    for one in groups for run in one.runs})  # fmt: skip
    return "; ".join(names)


def _of_data(groups: Sequence[Group]) -> str:
    runs = [run for one in groups for run in one.runs]
    names = [one.experiment for one in groups if not one.changes]
    changed = plural(len(groups) - len(names), "changed recipe") if len(names) < len(groups) else ""
    named = " and ".join(filter(None, [some(names, ", "), changed]))
    return (
        f"{groups[0].data_title}: {named}; {plural(len(runs), 'run')}. The highest mean is {_highest(groups)} "
        f"Run {_days([run['started'] for run in runs])} on {machine(groups)}."
    )


def _highest(groups: Sequence[Group]) -> str:
    """A sentence on the highest mean. The highest of several means is too high, so their number is given too."""
    best = max(groups, key=lambda one: one.metric("test/accuracy").mean)
    figure, images = best.metric("test/accuracy"), int(best.runs[0]["test/images"])
    seeds = f"over {plural(figure.n, 'seed')}"
    spread = figure.interval and f"95 % {figure.interval.low:.4f} to {figure.interval.high:.4f} {seeds}"
    rivals = f", the highest of {len(groups)}" if len(groups) > 1 else ""
    return (
        f"{figure.mean:.4f} of {images:,} test images ({spread or f'{seeds}, which needs {FEWEST} for an interval'}"
        f"{rivals}), that of {best.title}."
    )


def _days(started: Sequence[int]) -> str:
    """The first and last day, in UTC, of times in milliseconds since 1970."""
    first, last = (datetime.fromtimestamp(when / 1000, UTC).date().isoformat() for when in (min(started), max(started)))
    return f"on {first}" if first == last else f"from {first} to {last}"
