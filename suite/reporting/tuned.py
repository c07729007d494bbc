"""The page of a comparison of tuned experiments."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from suite.analysis.best_so_far import Best
from suite.pictures.tuned import best_so_far
from suite.reporting import write_chapter
from suite.reporting.chapters import Chapter
from suite.reporting.figures import Album
from suite.reporting.keys import Key, Keys
from suite.reporting.table import Table


def write_tuned(
    sentences: Sequence[str], tables: Mapping[str, Table], curves: Mapping[str, Sequence[Best]], folder: Path
) -> Path:
    """Write the page with its tables as CSV and the picture of the curves; returns its path. Raises `SuiteError`."""

    def chapter(album: Album) -> tuple[Chapter, Mapping[str, Table]]:
        says = "The best validation accuracy so far, by the number of trials."
        picture = album.add("best_so_far", says, best_so_far, curves)
        return Chapter("tuned", ", ".join(curves), sentences, pictures=[picture], tables=[*tables.items()]), tables

    return write_chapter(chapter, Keys([Key(title) for title in curves]), folder, mark="best_so_far.csv")
