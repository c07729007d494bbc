"""The committed baselines of the speed gate: for each experiment one for each kind of processor."""

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.analysis.ratios import Ratio
from suite.disk import references as committed
from suite.engine.exact import machine
from suite.errors import INCONCLUSIVE, SuiteError
from suite.recipe.registry import OURS

COMMITTED = OURS / "speed.json"
WHAT = "baseline"
VECTORS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("sve", "SVE"), ("asimd", "NEON"))


@dataclass(frozen=True)
class Baseline:
    """The committed ratio of a step's time to the bare loop's, with its kind of processor, torch version and identity.

    In files of older versions the kind is the processor's name alone.
    """

    ratio: Ratio
    cpu: str
    torch: str
    identity: str

    def facts(self) -> dict[str, Any]:
        """As the file has it."""
        return {**self.ratio.facts(), "cpu": self.cpu, "torch": self.torch, "identity": self.identity}


@dataclass(frozen=True)
class Kinds:
    """The baselines of one experiment, by kind of processor."""

    known: Mapping[str, Baseline]

    def facts(self) -> dict[str, Any]:
        """As the file has them."""
        return {cpu: self.known[cpu].facts() for cpu in sorted(self.known)}


def kind() -> str:
    """This machine's kind of processor, such as `AMD EPYC, AVX-512`: its name, and its widest vectors.

    A ratio to the bare loop is comparable between machines of one kind only.
    """
    flags: set[str] = set()
    with suppress(OSError):  # only Linux has it
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        lines = (line.partition(":") for line in text.splitlines())
        flags = next((set(words.split()) for name, _, words in lines if name.strip() in ("flags", "Features")), flags)
    vectors = next((called for flag, called in VECTORS if flag in flags), platform.machine())
    return f"{machine()['cpu']}, {vectors}"


def read(path: Path) -> dict[str, Kinds]:
    """All baselines of a file, by experiment; raises `SuiteError` (2) if it is missing or damaged."""
    return committed.read(path, WHAT, _kinds)


def of_this_kind(path: Path, titles: Sequence[str], *, every: bool) -> dict[str, Baseline]:
    """The baselines of this kind of processor, by experiment.

    Raises `SuiteError`: 2 if the file is missing, damaged, or lacks one of `titles`, unless these are `every`
    experiment; 4 if it has all of them for other kinds only.
    """
    kinds, here = committed.read(path, WHAT, _kinds, () if every else titles), kind()
    known = {title: one.known[here] for title, one in kinds.items() if here in one.known}
    without = [title for title in titles if title in kinds and title not in known]
    if without and len(without) == len([title for title in titles if title in kinds]):
        others = ", ".join(sorted({cpu for title in without for cpu in kinds[title].known}))
        raise SuiteError(
            f"{path} has no {WHAT} of {', '.join(without)} for this kind of processor, {here}; it has {others}.",
            "INCONCLUSIVE: ratios of two kinds cannot be compared. The same command with --update adds one.",
            code=INCONCLUSIVE,
        )
    return known


def write(path: Path, new: Mapping[str, Baseline]) -> None:
    """Write these baselines into the file; it keeps those of other experiments and of other kinds."""
    known = read(path) if path.exists() else {}
    merged = {
        title: Kinds({**(known[title].known if title in known else {}), one.cpu: one}) for title, one in new.items()
    }
    committed.add(path, WHAT, _kinds, merged)


def _kinds(facts: dict[str, Any]) -> Kinds:
    if "value" in facts:  # of an older version, which kept one kind
        return Kinds({str(facts["cpu"]): _checked(facts)})
    return Kinds({str(cpu): _checked(one) for cpu, one in facts.items()})


def _checked(facts: dict[str, Any]) -> Baseline:
    found = Ratio(float(facts["value"]), float(facts["error"]), int(facts["rounds"]), int(facts["cycles"]))
    if not (0 < found.value < 1e6 and 0 <= found.error < 10 and found.rounds > 1):
        raise ValueError("value must be positive, error not negative, rounds 2 or more")
    return Baseline(found, str(facts["cpu"]), str(facts["torch"]), str(facts["identity"]))
