"""Whether two trainings of one recipe gave the same numbers, and if not, the first difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Record = Mapping[str, Any]

# Times depend on the machine's load and are not reproducible.
_CLOCK = ("clock",)
# Digests are compared after all numbers: they show that something differs, but not by how much.
_DIGESTS = ("weights_sha256", "predictions_sha256")
_EXPLAINS = (
    "torch", "numpy", "python", "suite", "cpu", "cpu_capability", "way", "numeric_class", "device", "switches",
    "threads", "system", "engine_sha256", "git_commit", "git_dirty", "patch_sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One quantity that differs in the second training; `epoch` counts from 0 and is None for the final result."""

    epoch: int | None
    quantity: str
    before: Any
    now: Any

    def words(self) -> str:
        """The difference as one line for the user."""
        where = "the result" if self.epoch is None else f"epoch {self.epoch + 1}"
        return f"{where}: {self.quantity} was {_short(self.before)} and is {_short(self.now)}{self._amount()}"

    def facts(self) -> dict[str, Any]:
        """The difference as plain values, ready for JSON."""
        return asdict(self)

    def _amount(self) -> str:
        if not all(isinstance(value, int | float) for value in (self.before, self.now)):
            return ""
        return f", a difference of {self.now - self.before:+.3g}"


def first_difference(
    before: Sequence[Record], now: Sequence[Record], result_before: Record, result_now: Record
) -> Difference | None:
    """The first quantity that differs, or None: the epochs are compared first, then final metrics, then digests."""
    return next(_differences(before, now, result_before, result_now), None)


def environment_changes(before: Record, now: Record) -> dict[str, tuple[Any, Any]]:
    """The differences of two environments that could explain different numbers, each as (before, now)."""
    return {name: (before.get(name), now.get(name)) for name in _EXPLAINS if before.get(name) != now.get(name)}


def _differences(
    before: Sequence[Record], now: Sequence[Record], result_before: Record, result_now: Record
) -> Iterator[Difference]:
    for epoch, (one, other) in enumerate(zip(before, now, strict=False)):
        yield from _between(epoch, _flat(one), _flat(other))
    if len(before) != len(now):
        yield Difference(None, "the number of epochs", len(before), len(now))
    for name in ("status", "epoch"):
        yield from _between(None, {name: result_before.get(name)}, {name: result_now.get(name)})
    yield from _between(None, result_before["metrics"], result_now["metrics"])
    for name in _DIGESTS:
        yield from _between(None, {name: result_before.get(name)}, {name: result_now.get(name)})


def _between(epoch: int | None, before: Record, now: Record) -> Iterator[Difference]:
    for name in [*before, *(name for name in now if name not in before)]:
        if not _same(before.get(name), now.get(name)):
            yield Difference(epoch, name, before.get(name), now.get(name))


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal to the last bit, compared by `repr`: nan equals nan, but 0.0 is not -0.0."""
    return type(one) is type(other) and repr(one) == repr(other)


def _flat(record: Record) -> dict[str, Any]:
    """The numbers of an epoch by name, without times; each probe's name gets its step."""
    found = {name: value for name, value in record.items() if name not in (*_CLOCK, "probes")}
    for probe in record.get("probes", ()):
        found |= {f"{name} at step {probe['step']}": value for name, value in probe.items() if name != "step"}
    return found


def _short(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else f"{value!s:.16}"
