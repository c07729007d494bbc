"""Our own SQLite file for MLflow: checks that it is whole, and updates its paths after the home was moved."""

import sqlite3
from contextlib import closing
from pathlib import Path

from suite.disk import sqlite

REBUILD = "Nothing was changed; `python -m suite sync --rebuild` writes a new one from the run folders."
_ABSOLUTE = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def require_whole(path: Path) -> None:
    """Refuse a damaged database, as `sqlite.require_whole` does."""
    sqlite.require_whole(path, REBUILD)


def relocate(path: Path, experiment: str, root: str) -> None:
    """Make the database name `root`, a URI, as the place of an experiment's artifacts.

    MLflow stores the folder in which they were first written, so a home that was moved needs this.

    Raises as `require_whole`.
    """
    try:
        with closing(sqlite.connect(path)) as database, database:
            query = "SELECT artifact_location FROM experiments WHERE name = ?"
            for (old,) in database.execute(query, (experiment,)).fetchall():
                for table, column in _ABSOLUTE if old != root else ():
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE {column} = ? OR substr({column}, 1, ?) = ? || '/'",
                        (root, len(old) + 1, old, len(old) + 1, old),
                    )
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise sqlite.refusal(error, path, REBUILD) from error
