"""How the recipes of the record are called, by what was changed in them."""

import json
from collections.abc import Mapping
from typing import Any

from suite.data.catalog import title_of
from suite.data.frozen import is_own


def recipe_of(row: Mapping[Any, Any]) -> tuple[str, str]:
    """The experiment and its changes, by which an edited file's recipes are recognised."""
    return str(row["experiment"]), json.dumps(row["overrides"], sort_keys=True)


def changes(row: Mapping[Any, Any]) -> str:
    """The changes of a run's recipe as text, one's own data by the title in the record; empty if there are none."""
    values = {name: _plain(value) for name, value in row["overrides"].items()}
    if is_own(values.get("data")):
        values["data"] = title_of(values["data"], row["data_title"])
    return " ".join(f"{name}={value}" for name, value in sorted(values.items()))


def _plain(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower()
