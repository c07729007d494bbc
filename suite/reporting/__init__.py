"""Writes reports/: tables, pictures and a page, from MLflow's record."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from suite import html
from suite.disk import files
from suite.disk.documents import Record
from suite.errors import SuiteError, machine_error
from suite.pictures.cache import Kept
from suite.reporting.chapters import Chapter
from suite.reporting.choice import Choice
from suite.reporting.comparison_tables import comparison_tables
from suite.reporting.comparisons import chapters_of
from suite.reporting.families import Family, families_of
from suite.reporting.figures import Album, Sheet, add_pictures
from suite.reporting.gaps import Gap, find_gaps, gap_sentences
from suite.reporting.keys import Keys
from suite.reporting.page import render, write_page
from suite.reporting.predictions import Answered
from suite.reporting.shown import LARGEST, SIZES, choice_sentences, shown_of, studies_of, studies_sentences
from suite.reporting.studies import study_chapters, study_tables
from suite.reporting.table import Table
from suite.reporting.tables import all_tables, with_ties, write_csv
from suite.tracking.frame import finished_runs
from suite.tracking.groups import Group, lost, read_groups
from suite.tracking.store import Store
from suite.tracking.studies import read_studies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Written:
    """A written report: its path, its tables, and its first sentences, about the choice and about missing runs."""

    page: Path
    tables: Mapping[str, Table]
    runs: "pd.DataFrame"
    sentences: list[str]

    def accuracy_table(self) -> tuple[list[str], list[list[str]]]:
        """The columns and cells of the first table, for the terminal."""
        table = self.tables.get("accuracy")
        return (table.columns(), table.cells()) if table else (["no finished run yet"], [])

    def facts(self) -> dict[str, Any]:
        """The tables as plain rows, for JSON."""
        return {"page": str(self.page), **{name: table.records() for name, table in self.tables.items()}}

    def to_dict(self) -> dict[str, Any]:
        """The values that `report --json` prints."""
        return {"reports": str(self.page.parent), "notes": self.sentences, **self.facts()}

    def frame(self) -> "pd.DataFrame":
        """A row for each recipe: its accuracy with its intervals, as in the report's first table."""
        import pandas as pd

        return self.tables["accuracy"].frame() if "accuracy" in self.tables else pd.DataFrame()

    def _repr_html_(self) -> str:
        shown = [self.tables["accuracy"].shown()] if "accuracy" in self.tables else []
        return html.of(shown, words=[*self.sentences, f"Report: {self.page}"])


EVERYTHING = Choice()
Sheets = Callable[[Sequence[Group], Kept], Mapping[str, Sheet | str]]  # by slug; or why there is none


def write_report(
    store: Store,
    reports: Path,
    choice: Choice = EVERYTHING,
    pictures_kept: Path | None = None,
    sheets: Sheets = lambda _groups, _kept: {},
) -> Written:
    """Write all tables, pictures and pages again, from the finished runs in MLflow that are chosen.

    `pictures_kept` is a folder of earlier pictures: a picture of the same numbers is copied from it. `sheets` gives the
    pictures of the networks' inside, which are in no record. The same record
    gives the same bytes. The page shows so many recipes as keep it below `LARGEST`; the CSV files have all. The old
    files stay until all new ones are complete. Raises `TrackerAway`, or `SuiteError`: 2
    if a chosen name does not exist, 3 if `reports` cannot be written.
    """
    runs = choice.of(finished_runs(store))
    try:
        with _drafts(reports) as drafts, tempfile.TemporaryDirectory(prefix="suite-report-") as scratch:
            groups = read_groups(store, runs)
            studies = choice.of_studies(read_studies(store, Path(scratch)))
            gaps, kept = find_gaps(store, runs, groups, choice.experiments), Kept(pictures_kept)
            found = _Found(groups, families_of(groups), gaps, lost(runs), studies, choice)
            tables = found.tables()
            things = max(len(groups), 2 * len(studies))
            for most in [size for size in SIZES if size in (SIZES[0], *range(things))]:
                page, said, studies = _draft(found, tables, most, drafts, kept, sheets)
                if page.stat().st_size <= LARGEST:
                    break
            tables |= study_tables(studies)
            write_csv(tables, drafts)
            files.publish(drafts, reports, last=page.name)
            if not choice.narrows:
                kept.forget_unused()
    except OSError as error:
        raise machine_error(error, reports) from error
    return Written(reports / page.name, tables, runs, said)


@dataclass(frozen=True)
class _Found:
    """What a report is about: `lost` are the recipes that diverged with every seed."""

    groups: list[Group]
    families: list[Family]
    gaps: list[Gap]
    lost: list[tuple[str, tuple[int, ...]]]
    studies: list[Record]
    choice: Choice

    def tables(self) -> dict[str, Table]:
        """The tables of runs and recipes: all of them, however many the page shows."""
        compared = [pair for one in self.families for pair in one.found]
        tables = {**all_tables(self.groups, self.choice.baseline), **comparison_tables(compared)}
        if "accuracy" in tables:
            tables["accuracy"] = with_ties(tables["accuracy"], self.groups, compared)
        return tables


def _draft(
    found: _Found, tables: Mapping[str, Table], most: int, drafts: Path, kept: Kept, sheets: Sheets
) -> tuple[Path, list[str], list[Record]]:
    """Write the page with so many recipes and half as many studies.

    Returns its path, its first sentences, and the studies that are whole.
    """
    shutil.rmtree(drafts / "pictures", ignore_errors=True)  # of a page that became too long
    album, shown = Album(drafts / "pictures", kept), shown_of(found.groups, most)
    pictures = add_pictures(shown, album, sheets(shown, kept))
    searches = studies_of(found.studies, most // 2)
    chapters, whole = study_chapters(found.studies, album, searches)
    compared = chapters_of(found.families, shown, album)
    album.finish()
    left = [*choice_sentences(found.groups, shown), *studies_sentences(found.studies, searches)]
    said = [*found.choice.sentences(), *left, *gap_sentences(found.gaps)]
    page = write_page(found.groups, tables, pictures, drafts, found.lost, chapters, compared, said, found.gaps, shown)
    return page, said, whole


def write_answered(answered: Answered, folder: Path) -> Path:
    """Write a page about predictions, with tables as CSV and pictures; returns the page's path.

    A page that was written there before is replaced. Raises `SuiteError`: 2 if the folder has anything else in it, 3 if
    it cannot be written.
    """

    def chapter(album: Album) -> tuple[Chapter, Mapping[str, Table]]:
        tables = answered.tables()
        return answered.chapter(tables, album), tables

    return write_chapter(chapter, answered.keys(), folder, mark="comparisons.csv")


def write_chapter(
    made: Callable[[Album], tuple[Chapter, Mapping[str, Table]]], keys: Keys, folder: Path, mark: str
) -> Path:
    """Write a page of one chapter, its tables as CSV and its pictures; returns the page's path.

    `keys` are the recipes that it is about. `mark` is the file by which a page of this kind is known. Raises
    `SuiteError`: 2 if the folder has anything else in it, 3 if it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
        raise SuiteError(f"{folder} is not empty, and has no comparison in it.", "Name another folder, or a new one.")
    try:
        with _drafts(folder) as drafts:
            album = Album(drafts / "pictures")
            chapter, tables = made(album)
            album.finish()
            write_csv(tables, drafts)
            page = render([chapter], drafts, keys)
            files.publish(drafts, folder, last=page.name)
    except OSError as error:
        raise machine_error(error, folder) from error
    return folder / page.name


@contextmanager
def _drafts(reports: Path) -> Iterator[Path]:
    """A temporary folder beside the finished files. A lock allows one report at a time."""
    files.make_folder(reports)
    with FileLock(reports / ".lock"):
        files.remove_leftovers(reports)
        with tempfile.TemporaryDirectory(prefix=".drafts-", suffix=".tmp", dir=reports) as drafts:
            yield Path(drafts)
