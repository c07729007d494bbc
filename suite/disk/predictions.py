"""Predictions that another program has made, read from a table: CSV, Parquet or npz.

A table has a row for each answer: `item`, `label`, `prediction`, `seed`, and if known `confidence`, the probability of
the predicted class, or a column `p:CLASS` for the probability of each class. An npz file has an array for each column,
all of one length.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suite.errors import SuiteError, machine_error

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("item", "label", "prediction", "seed")
PROBABILITY = "p:"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers of one recipe: labels by item, and for each seed (n) and item (m) a class and its probability.

    `items` and classes are texts. `confidence` is (n, m), or None if the file has no probabilities.
    """

    path: Path
    items: tuple[str, ...]
    labels: tuple[str, ...]
    seeds: tuple[int, ...]
    predicted: NDArray[np.str_]
    confidence: NDArray[np.float32] | None


def read_predictions(path: Path) -> Predictions:
    """Read a table of predictions, items in the order of their names.

    Raises `SuiteError`: 2 if a column is missing, a value is unfit, an item is missing or twice under a seed, or its
    label differs between seeds; 3 if the file cannot be read.
    """
    table = _table(path)
    if missing := [name for name in NEEDED if name not in table]:
        columns = ", ".join(map(str, table.columns[:12]))
        raise SuiteError(
            f"{path} has no column {missing[0]!r}: it has {columns}.", f"Columns needed: {', '.join(NEEDED)}."
        )
    if not len(table):
        raise SuiteError(f"{path} has no rows.", "Give a row for each answer.")
    for name in NEEDED[:3]:
        _require(path, table, name, table[name] == "", "is empty")
    table["seed"] = _numbers(path, table, "seed")
    _require(path, table, "seed", table["seed"] % 1 != 0, "is no whole number")
    table["confidence"] = _confidence(path, table)
    _require_once(path, table)
    table = table.sort_values(["seed", "item"], kind="stable")
    seeds, items = sorted(set(table["seed"])), sorted(set(table["item"]))
    shape = len(seeds), len(items)
    labels = table["label"].to_numpy(str).reshape(shape)
    if (labels != labels[0]).any():
        seed, item = (int(place[0]) for place in np.nonzero(labels != labels[0]))
        one, other = (f"{str(labels[at][item])!r:.40} under seed {seeds[at]:.0f}" for at in (0, seed))
        raise SuiteError(
            f"{path}: item {items[item]!r:.80} has the label {one} and {other}.", "Give each item one label."
        )
    confidence = table["confidence"].to_numpy(np.float32).reshape(shape)
    return Predictions(
        path=path,
        items=tuple(items),
        labels=tuple(map(str, labels[0])),
        seeds=tuple(int(seed) for seed in seeds),
        predicted=table["prediction"].to_numpy(str).reshape(shape),
        confidence=None if np.isnan(confidence).any() else confidence,
    )


def _table(path: Path) -> "pd.DataFrame":
    """The file's columns; texts as they are, whole numbers as texts without a point."""
    import pandas as pd

    try:
        path.open("rb").close()  # pandas and numpy have other errors for a file that is not there
        match path.suffix.lower():
            case ".csv":
                return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            case ".parquet":
                found: pd.DataFrame = pd.read_parquet(path)
            case _:
                found = pd.DataFrame(_arrays(path))
    except OSError as error:
        if error.errno is not None:
            raise machine_error(error, path) from error
        raise _unfit(path, error) from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _unfit(path, error) from error
    return found.map(_text)


def _arrays(path: Path) -> Mapping[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _unfit(path: Path, error: Exception) -> SuiteError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return SuiteError(f"{path} cannot be read as {path.suffix.lower()[1:]}: {reason:.200}.", "Write the file again.")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if value is None or value != value:  # NaN
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _numbers(path: Path, table: "pd.DataFrame", name: str) -> "pd.Series[float]":
    import pandas as pd

    numbers = pd.to_numeric(table[name], errors="coerce")
    _require(path, table, name, ~np.isfinite(numbers), "is no number")
    return numbers


def _confidence(path: Path, table: "pd.DataFrame") -> "pd.Series[float]":
    """The probability of the predicted class in each row; NaN where the file has none."""
    import pandas as pd

    classes = [name for name in table.columns if str(name).startswith(PROBABILITY)]
    if "confidence" in table:
        found = _numbers(path, table, "confidence")
    elif classes:
        by_class = {name.removeprefix(PROBABILITY): _numbers(path, table, name) for name in classes}
        _require(path, table, "prediction", ~table["prediction"].isin(by_class.keys()), "has no column of its own, p:…")
        found = pd.Series(np.nan, index=table.index)
        for name, numbers in by_class.items():
            found = found.where(table["prediction"] != name, numbers)
    else:
        return pd.Series(np.nan, index=table.index)
    _require(path, table, "confidence" if "confidence" in table else classes[0], (found < 0) | (found > 1),
             "is no probability")  # fmt: skip
    return found


def _require(path: Path, table: "pd.DataFrame", name: str, wrong: "pd.Series[bool]", words: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise SuiteError(f"{path}, row {row + 1}: {name} {table[name].iloc[row]!r:.80} {words}.", "Put the file right.")


def _require_once(path: Path, table: "pd.DataFrame") -> None:
    """Each seed must have each item exactly once."""
    twice = table.duplicated(["seed", "item"])
    if twice.any():
        row = table[twice].iloc[0]
        raise SuiteError(
            f"{path}: item {row['item']!r:.80} is there twice under seed {row['seed']:.0f}.", "Give each answer once."
        )
    items = set(table["item"])
    for seed, rows in table.groupby("seed"):
        if lost := items - set(rows["item"]):
            raise SuiteError(
                f"{path}: item {min(lost)!r:.80} has no answer under seed {seed:.0f}, but under others.",
                "Give every seed the same items.",
            )
