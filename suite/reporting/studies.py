"""The report's chapters on studies: tables of trials and finalists, sentences, pictures."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.disk.documents import Record
from suite.errors import SuiteError
from suite.pictures.studies import CAPTIONS, study_pictures
from suite.recipe.values import as_words
from suite.reporting.chapters import Chapter
from suite.reporting.drawn_studies import study_charts
from suite.reporting.figures import Album
from suite.reporting.keys import training
from suite.reporting.shown import rows_note, trials_of, trials_sentences
from suite.reporting.table import Row, Table
from suite.tuning.sentences import counts, interval_words, sentences, setting_words

AGAIN = (
    "Again: the command trains a row's setting like any run of the experiment. The search itself is repeated by "
    "python -m suite tune, with the same trials."
)


def study_tables(studies: Sequence[Record]) -> dict[str, Table]:
    """All trials and all finalists of all studies, for the CSV files."""
    tables = {"trials": trials_table(studies), "finalists": finalists_table(studies)}
    return {name: table for name, table in tables.items() if table.rows}


def study_chapters(
    studies: Sequence[Record], album: Album, shown: Sequence[Record] | None = None
) -> tuple[list[Chapter], list[Record]]:
    """A chapter for each study that is `shown`, else for all, and the studies whose documents are intact.

    The pictures are added to the album. On a shared server anyone may have written a document. A document that is not
    like ours is only named.
    """
    # On a shared server two studies may have the same name, and a name may be any text.
    names = [re.sub(r"[^a-z0-9_]", "_", facts["study"])[:40] for facts in studies]
    slugs = [f"study-{name}" if names.count(name) == 1 else f"study-{name}-{n}" for n, name in enumerate(names)]
    chapters, whole, kept = [], [], {id(facts) for facts in (studies if shown is None else shown)}
    for facts, slug in zip(studies, slugs, strict=True):
        try:
            chapters += [_chapter(facts, slug, album)] if id(facts) in kept else []
            study_tables([facts])
            whole.append(facts)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, SuiteError):
            chapters += [_damaged(facts, slug)] if id(facts) in kept else []
    return chapters, whole


def trials_table(studies: Sequence[Record]) -> Table:
    """A row for each trial: its values, its end and its cost."""
    rows = [_trial_row(facts, trial) for facts in studies for trial in facts["trials"]]
    return Table("Trials", rows, {
        "study": "", "trial": "d", "setting": "", "state": "", "accuracy": ".4f", "seeds": "d", "epochs": "d",
        "s training": ",.1f", "images/s": ",.0f", "reason": "",
    })  # fmt: skip


def finalists_table(studies: Sequence[Record]) -> Table:
    """The best settings and the published one: the value in the search, the value with fresh seeds, and the drop."""
    rows = [
        {
            "study": facts["study"],
            "trial": row["trial"],
            "setting": setting_words(row),
            "in the search": row["search"],
            "fresh seeds": row["mean"],
            "95 %": interval_words(row["interval"]),
            "n": len(row["fresh"]),
            "drop": row["drop"],
            "diverged": row["diverged"] or None,
            "fresh_values": " ".join(map(repr, row["fresh"])),
            "again": _again(facts, row["values"], len(row["fresh"])),
        }
        for facts in studies
        for row in (facts["outcome"] or {"rows": []})["rows"]
    ]
    return Table("The best settings again, under seeds that chose nothing", rows, {
        "study": "", "trial": "d", "setting": "", "in the search": ".4f", "fresh seeds": ".4f", "95 %": "", "n": "d",
        "drop": "+.4f", "diverged": "d",
    })  # fmt: skip


def _trial_row(facts: Record, trial: Mapping[str, Any]) -> Row:
    accuracies = trial.get("accuracies") or []
    return {
        "study": facts["study"],
        "trial": trial["number"],
        "setting": as_words(trial["values"]),
        "state": trial["state"].lower(),
        "accuracy": sum(accuracies) / len(accuracies) if accuracies else None,
        "seeds": len(accuracies),
        "epochs": trial.get("epochs"),
        "s training": trial.get("seconds"),
        "images/s": trial.get("images_per_second") or None,
        "reason": trial.get("reason") or None,
        **trial["values"],
        "again": _again(facts, trial["values"], facts["rules"]["seeds"]),
    }


def _again(facts: Record, values: Mapping[str, Any], seeds: int) -> str | None:
    """The command that trains a setting as an experiment, or None where the study's document has not what it needs."""
    overrides = facts.get("overrides")  # older documents have none
    if not isinstance(overrides, dict):
        return None
    return training(facts["experiment"], {**overrides, **values}, max(1, seeds))


def _damaged(facts: Record, slug: str) -> Chapter:
    sentence = "Its document in MLflow is damaged. python -m suite sync --rebuild writes it anew."
    return Chapter(slug, f"Study {facts['study']}", warnings=[sentence])


def _chapter(facts: Record, slug: str, album: Album) -> Chapter:
    shown, again = trials_of(facts), AGAIN if facts.get("overrides") is not None else ""
    cut = rows_note(len(shown["trials"]), len(facts["trials"]), "trials")
    tables = {
        "finalists": (finalists_table([facts]), again),
        "trials": (trials_table([shown]), f"{cut} {again}".strip()),
    }
    own = [
        (name, replace(table, formats={key: how for key, how in table.formats.items() if key != "study"}, note=note))
        for name, (table, note) in tables.items()
        if table.rows
    ]
    charts = study_charts(shown)
    return Chapter(
        slug=slug,
        title=_title(facts),
        sentences=sentences(facts),
        rules=" ".join([f"{counts(facts['trials'])}. {_rules(facts)}", *trials_sentences(facts, shown)]),
        tables=own,
        pictures=[
            replace(
                album.add_figure(f"{slug}-{name}", f"{facts['study']}: {CAPTIONS[name]}.", figure),
                drawn=charts.get(name),
            )
            for name, figure in study_pictures(facts).items()
        ],
    )


def _title(facts: Record) -> str:
    return f"Study of {facts['experiment']}" + (f": {facts['study']}" if facts["study"] != facts["experiment"] else "")


def _rules(facts: Record) -> str:
    rules, machine = facts["rules"], facts["environment"]
    space = ", ".join(f"{name} in {words}" for name, words in rules["space"].items())
    pruning = "synchronous successive halving" if rules["pruning"] else "no pruning"
    return (
        f"Searched: {space}; best by {rules['objective'].replace('-', ' ')} on the validation images over "
        f"{rules['seeds']} seeds, a budget of {facts['amount']:,.4g} {_unit(rules['budget'])} a seed. Sampler "
        f"{rules['sampler']}, study seed {rules['study_seed']}, generations of {rules['generation']}, {pruning}. "
        f"{machine['cpu']}, {machine['cores']} cores."
    )


def _unit(budget: str) -> str:
    return {"samples": "passes over the training images", "steps": "updates", "seconds": "seconds"}[budget]
