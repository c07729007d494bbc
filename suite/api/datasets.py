"""The data sets: which there are, which are in the cache, and how they get there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from suite.api.session import Session
from suite.data import CATALOG, DataSet, cached, frozen
from suite.data.catalog import data_set
from suite.data.own.reading import resolve
from suite.data.own.request import scripts
from suite.errors import SuiteError


class Entry(NamedTuple):
    """A data set, and its folder in the cache if it is there."""

    data: DataSet
    folder: str | None

    def facts(self) -> dict[str, Any]:
        """The entry as JSON values."""
        data = self.data
        return {
            "name": data.name, "title": data.title, "shape": list(data.shape), "classes": list(data.classes),
            "train": data.train, "test": data.test, "bytes": data.stored_bytes, "licence": data.licence,
            "digest": data.digest, "folder": self.folder,
        }  # fmt: skip


def listed() -> tuple[list[Entry], list[SuiteError]]:
    """The sets of the catalog, then one's own sets in the cache; and an error for each whose document is damaged."""
    entries = [Entry(data, str(cached(data.name) or "") or None) for data in CATALOG.values()]
    errors = []
    for path in sorted(frozen.folder_of("").glob("own-*")):
        if frozen.is_own(path.name) and frozen.is_here(path.name):
            try:
                entries.append(Entry(data_set(path.name), str(path)))
            except SuiteError as error:
                errors.append(error)
    return entries, errors


def unread() -> list[str]:
    """The names of the files in `datasets/` beside the user's experiments."""
    return scripts()


def fetch(session: Session, names: Sequence[str]) -> tuple[list[Entry], list[SuiteError]]:
    """Prepare the named sets (`all` for the catalog), so that they are used without a network afterwards.

    One's own data is read again in any case. A set that cannot be had does not stop the others: its error is returned.
    """
    wanted = dict.fromkeys(name for given in names for name in (CATALOG if given == "all" else [given]))
    entries, errors = [], []
    for name in wanted:
        try:
            known = resolve(name, again=not frozen.is_own(name), say=session.screen.warn)
            entries.append(Entry(data_set(known), str(session.data(known))))
        except SuiteError as error:
            errors.append(error)
    return entries, errors
