"""Our own charts of a report, with the table behind each: which numbers go where, and the words of every mark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.analysis.calibration import Calibration
from suite.analysis.comparison import Comparison
from suite.analysis.intervals import SeedGroup, group
from suite.pictures.charts import Axes, Line, Series, Value, lines, rows
from suite.reporting.table import Row, Table
from suite.tracking.groups import Group

MOST_MARKS = 60  # of a line; a longer one has every second mark, or fewer
MOST_SEEDS = 12  # with a thin line each; of more only the band is drawn
Numbers = Mapping[str, int]  # a recipe's number in the report, by its title or identity


@dataclass(frozen=True)
class Drawn:
    """Parts of the page, as SVG or HTML, that stand side by side; and the numbers that no other table has."""

    parts: Sequence[str]
    numbers: Table | None = None


def accuracies(found: Sequence[Row], identities: Numbers) -> Drawn:
    """The accuracies of `tables.accuracy` with both intervals and the published figure, a chart for each data set."""
    by_data: dict[str, list[Row]] = {}
    for row in found:
        by_data.setdefault(row["data"], []).append(row)
    return Drawn([
        rows(f"Accuracy on all test images of {data}",
             [_accuracy(row, identities.get(row["identity"])) for row in of_data])
        for data, of_data in by_data.items()
    ])  # fmt: skip


def _accuracy(row: Row, key: int | None) -> Line:
    said = (
        f"{row['test accuracy']:.4f}, 95 % over seeds {row['95 % over seeds']}, over images {row['95 % over images']}, "
        f"n {row['n']}, seeds {row['seeds']}"
    )
    values = [Value(row["test accuracy"], said)]
    if row["published_value"]:
        values.append(Value(row["published_value"], f"published {row['published']}", "x"))
    seeds = (row["seeds_low"], row["seeds_high"]) if row["seeds_low"] is not None else None
    return Line(row["experiment"], key, values, seeds, (row["images_low"], row["images_high"]))


def speeds(found: Sequence[Row], identities: Numbers) -> Drawn:
    """Images per second in training (filled) and in inference (hollow), on a logarithmic axis."""
    shown = []
    for row in found:
        values = [
            Value(row[f"{kind}_mean"], f"{name} {row[f'{name} images/s']} images/s, n {row['n']}", look)
            for kind, name, look in (
                ("train_images_per_second", "training", ""),
                ("inference_images_per_second", "inference", "o"),
            )
        ]
        shown.append(Line(row["experiment"], identities.get(row["identity"]), values))
    return Drawn([rows("Images per second: training filled, inference hollow", shown, log=True)])


def differences(found: Sequence[Comparison], numbers: Numbers) -> Drawn:
    """Every difference with its interval, in percentage points."""
    shown = []
    for one in found:
        low, high = 100 * one.found.interval.low, 100 * one.found.interval.high
        said = f"{100 * one.found.mean:+.2f} points, {low:+.2f} to {high:+.2f}, {one.verdict}, n {len(one.seeds)}"
        kind = "q" if one.shown else "o q"
        about = [numbers[title] for title in (one.one, one.other) if title in numbers]
        title, value = f"{one.one} − {one.other}", Value(100 * one.found.mean, said, kind)
        shown.append(Line(title, None, [value], (low, high), about=about))
    return Drawn([rows("Difference in accuracy, interval", shown, axis="points", zero=True)])


def curves(one: Group, key: int) -> Drawn:
    """Loss and accuracy by epoch: the mean over the seeds, and the band from the lowest seed to the highest."""
    parts = []
    columns: dict[str, dict[int, str]] = {}
    for place, name in enumerate(("loss", "accuracy")):
        found = []
        for kind, label, number in (("train", "training", None), ("val", "validation", key)):
            seeds = [_known(history, f"{kind}_{name}") for history in one.histories]
            series, said = _over_seeds(label, number, seeds, one.seeds, "epoch")
            printed = [
                (
                    float(epoch),
                    row[place + 2 * (kind == "val")],
                    f"epoch {epoch}: published {row[place + 2 * (kind == 'val')]}",
                )
                for epoch, row in one.published_history.items()
            ]
            found.append(Series(label, number, series.points, series.seeds, series.band, printed))
            columns[f"{label} {name}"] = said
        if any(series.points for series in found):
            parts.append(lines(f"{name.capitalize()}, {one.title}"[:60], found, Axes("epoch", name, whole=True)))
    return Drawn(parts, _by_epoch(columns))


def _by_epoch(columns: Mapping[str, Mapping[int, str]]) -> Table:
    epochs = sorted({epoch for said in columns.values() for epoch in said})
    found: list[Row] = [
        {"epoch": epoch, **{name: said.get(epoch) for name, said in columns.items()}} for epoch in epochs
    ]
    return Table("Numbers of the curves", found, {"epoch": "d", **dict.fromkeys(columns, "")})


def _known(history: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    return [(float(row["epoch"]), row[name]) for row in history if row.get(name) is not None]


def _over_seeds(
    title: str, key: int | None, found: Sequence[Sequence[tuple[float, float]]], seeds: Sequence[int], axis: str
) -> tuple[Series, dict[int, str]]:
    """The mean of the seeds' values at each place of the axis, with its words; and these values for the table."""
    at: dict[float, list[tuple[float, int]]] = {}
    for of_seed, seed in zip(found, seeds, strict=True):
        for x, y in of_seed:
            at.setdefault(x, []).append((y, seed))
    every = -(-len(at) // MOST_MARKS)
    points: list[tuple[float, float, str]] = []
    band, table = [], {}
    for place, (x, values) in enumerate(sorted(at.items())):
        of_seeds, (low, _), (high, _) = group([value for value, _ in values]), min(values), max(values)
        named = place % every == 0 or place == len(at) - 1
        points.append((x, of_seeds.mean, f"{axis} {x:g}: {_told(of_seeds, values)}" if named else ""))
        band.append((x, low, high))
        if named:
            table[int(x)] = f"{of_seeds.mean:.4f} ({low:.4f} to {high:.4f})" if len(values) > 1 else f"{low:.4f}"
    thin = found if 1 < len(found) <= MOST_SEEDS else ()
    return Series(title, key, points, thin, band if len(found) > 1 else ()), table


def _told(found: SeedGroup, values: Sequence[tuple[float, int]]) -> str:
    """The value of one seed; or the mean with its interval, n, and the lowest and highest seed."""
    if found.n == 1:
        return f"{found.mean:.4f}, seed {values[0][1]}, n 1"
    (low, least), (high, most) = min(values), max(values)
    interval = found.interval
    sure = f", 95 % {interval.low:.4f} to {interval.high:.4f}" if interval else ""
    return f"{found.mean:.4f}{sure}, n {found.n}, from {low:.4f} (seed {least}) to {high:.4f} (seed {most})"


def probes(one: Group, key: int, images: int) -> Drawn:
    """Accuracy on the first `images` test images during training, as the source measures it."""
    seeds = [[(row["step"], row["test_accuracy"]) for row in found] for found in one.probes]
    series, said = _over_seeds("accuracy", key, seeds, one.seeds, "step")
    drawn = lines(f"Accuracy on the first {images:,} test images", [series], Axes("step", "accuracy"))
    table = [{"step": step, "accuracy": words} for step, words in said.items()]
    return Drawn([drawn], Table("Numbers of the curve", table, {"step": ",d", "accuracy": ""}))


def seconds_and_accuracy(one: Group) -> list[list[tuple[float, float]]]:
    """Seconds and test accuracy after each epoch, by seed; empty for old records."""
    found = [
        [(row["cumulative_train_seconds"], row["test_accuracy"]) for row in history if row["test_accuracy"] is not None]
        for history in one.histories
    ]
    return [points for points in found if points and all(seconds is not None for seconds, _ in points)]


def over_time(found: Mapping[str, Sequence[Sequence[tuple[float, float]]]], numbers: Numbers, target: float) -> Drawn:
    """Test accuracy over seconds of training: a thin line for each seed, and the means of both after each epoch."""
    shown, table = [], []
    for title, seeds in found.items():
        points = []
        for epoch, after in enumerate(zip(*seeds, strict=False)):
            seconds, right = (group([pair[place] for pair in after]) for place in (0, 1))
            spread = f" ({right.worst:.4f} to {right.best:.4f})" if right.n > 1 else ""
            said = f"after epoch {epoch}, {seconds.mean:.3g} s: {right.mean:.4f}{spread}, n {right.n}"
            points.append((seconds.mean, right.mean, said))
            table.append({"experiment": title, "epoch": epoch, "n": right.n, "seconds": seconds.mean,
                          "test accuracy": right.mean, "range": spread[2:-1] or None})  # fmt: skip
        thin = seeds if len(seeds) <= MOST_SEEDS else ()
        shown.append(Series(title, numbers.get(title), _thinned(points), thin))
    axes = Axes("seconds of training", "test accuracy", log=True, target=target)
    formats = {"experiment": "", "epoch": "d", "n": "d", "seconds": ",.3g", "test accuracy": ".4f", "range": ""}
    return Drawn([lines("Test accuracy over the time of training", shown, axes)],
                 Table("Numbers of the curves", _every(table), formats))  # fmt: skip


def _thinned(points: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    every = -(-len(points) // MOST_MARKS) or 1
    return [(x, y, said if place % every == 0 else "") for place, (x, y, said) in enumerate(points)]


def _every(table: Sequence[Row]) -> list[Row]:
    """The rows whose epochs are marked in the drawing."""
    every = -(-(1 + max((row["epoch"] for row in table), default=0)) // MOST_MARKS)
    return [row for row in table if row["epoch"] % every == 0]


def reliability(found: Mapping[str, Calibration], numbers: Numbers) -> Drawn:
    """The share of right answers by confidence; a perfectly calibrated experiment lies on the diagonal."""
    shown = [
        Series(f"{title}, ECE {one.ece:.3f}", numbers.get(title), [
            (each.confidence, each.accuracy, f"{each.accuracy:.4f} right at a confidence of {each.confidence:.4f}, "
             f"n {each.n:,}") for each in one.bins
        ])
        for title, one in found.items()
    ]  # fmt: skip
    table: list[Row] = [
        {"experiment": title, "confidence": each.confidence, "share right": each.accuracy, "answers": each.n}
        for title, one in found.items() for each in one.bins
    ]  # fmt: skip
    axes = Axes("confidence", "share right", diagonal=True, places=((0.0, 0.0), (1.0, 1.0)))
    formats = {"experiment": "", "confidence": ".4f", "share right": ".4f", "answers": ",d"}
    return Drawn([lines("Calibration on the test images", shown, axes)], Table("Numbers of the curves", table, formats))
