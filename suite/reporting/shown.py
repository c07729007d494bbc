"""Which recipes, studies and trials a page shows, where there are more than a reader and a browser can look through."""

from collections.abc import Sequence
from itertools import chain, zip_longest

from suite.disk.documents import Record
from suite.reporting.choice import last_ended, unchanged
from suite.reporting.table import Row
from suite.tracking.groups import Group

SIZES = (
    40,
    20,
    10,
    5,
    2,
)  # numbers of recipes; the next smaller is taken where the page would be longer than `LARGEST`
LARGEST = 3_000_000  # bytes of the page
IMAGES = 1_600_000  # letters of all pictures in the page that are no drawings of our own
ROWS = 500  # of the table of single runs
TRIALS = 300  # of one study
PAIRS = 100  # of recipes in a chapter of comparisons; of more, those with the best


def shown_of(groups: Sequence[Group], most: int) -> list[Group]:
    """At most `most` groups, in their order: from each data set in turn, first the unchanged, then the highest mean."""
    if len(groups) <= most:
        return list(groups)
    by_data: dict[str, list[Group]] = {}
    for one in sorted(groups, key=lambda one: (not unchanged(one), -one.metric("test/accuracy").mean)):
        by_data.setdefault(one.parameter("data"), []).append(one)
    in_turn = [one for one in chain.from_iterable(zip_longest(*by_data.values())) if one]
    kept = {id(one) for one in in_turn[:most]}
    return [one for one in groups if id(one) in kept]


def choice_sentences(groups: Sequence[Group], shown: Sequence[Group]) -> list[str]:
    """What the page leaves out, and where it is; nothing where it shows every recipe."""
    if len(shown) == len(groups):
        return []
    return [
        f"This page shows {len(shown):,} of {len(groups):,} recipes: from each data set first those of which nothing "
        "was changed, then those with the highest mean. Means, intervals and p-values are the same as on a page of "
        "all. The CSV files beside it have every recipe and every run; report --experiment NAME writes a page of a "
        "part."
    ]


def rows_of(rows: Sequence[Row], shown: Sequence[Group]) -> list[Row]:
    """Those rows that are about the recipes shown."""
    kept = {one.identity for one in shown}
    return [row for row in rows if row["identity"] in kept]


def rows_note(some: int, every: int, name: str) -> str:
    """How many rows of a table the page has, and the file that has all; empty where the page has them."""
    return "" if some == every else f"{some:,} of {every:,} rows; {name}.csv has all."


def studies_of(studies: Sequence[Record], most: int) -> list[Record]:
    """At most `most` studies, in their order: those in which a trial ended last."""
    latest = sorted(studies, key=lambda one: -last_ended(one))[:most]
    kept = {id(one) for one in latest}
    return [one for one in studies if id(one) in kept]


def studies_sentences(studies: Sequence[Record], shown: Sequence[Record]) -> list[str]:
    """What the page leaves out of the studies, and where it is; nothing where it shows each."""
    if len(shown) == len(studies):
        return []
    return [
        f"This page shows {len(shown):,} of {len(studies):,} studies: those in which a trial ended last. trials.csv "
        "and finalists.csv have all; report --experiment NAME writes a page of a part."
    ]


def trials_of(study: Record) -> Record:
    """The study with at most `TRIALS` trials, in their order: first the complete ones, then by accuracy."""
    trials = study["trials"]
    if len(trials) <= TRIALS:
        return study

    def worth(trial: Record) -> tuple[bool, float]:
        found = trial.get("accuracies") or [-1.0]
        return trial["state"] == "COMPLETE", sum(found) / len(found)

    kept = {id(one) for one in sorted(trials, key=worth, reverse=True)[:TRIALS]}
    return {**study, "trials": [one for one in trials if id(one) in kept]}


def trials_sentences(study: Record, shown: Record) -> list[str]:
    """What charts and table leave out of a study's trials; nothing where they have each."""
    some, every = len(shown["trials"]), len(study["trials"])
    words = f"Charts and table have {some:,} of {every:,} trials: first the complete ones, then by accuracy."
    return [words] if some < every else []
