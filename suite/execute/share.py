"""What a job may use of its machine: processor cores, memory and GPUs. A machine does as many at once as fit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from suite.errors import SuiteError

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
FINEST = 4  # decimals of a fraction of a GPU: Ray counts in ten thousandths
NAMED = 3  # machines that a refusal names, at most


class Machine(NamedTuple):
    """What a machine of a cluster has for jobs; `memory` in bytes."""

    name: str
    cores: int
    memory: int
    gpus: int

    def words(self) -> str:
        """It in words for people."""
        cores, gpus = ("core" if self.cores == 1 else "cores"), ("GPU" if self.gpus == 1 else "GPUs")
        return f"{self.name}: {self.cores} {cores}, {shown(self.memory)}, {self.gpus} {gpus}"


@dataclass(frozen=True)
class Share:
    """What one job gets: whole cores, `memory` in bytes, and whole GPUs or a fraction of one; None or 0 is unasked."""

    cores: int = 1
    memory: int | None = None
    gpus: float = 0

    @classmethod
    def asked(cls, cores: int | None, memory: int | str | None, gpus: float | None) -> "Share":
        """The share that a user asks for; `memory` in bytes or as 2G. Raises `SuiteError` (2)."""
        if cores is not None and not 1 <= cores <= 65_535:
            raise SuiteError(f"--cores-per-run: expected a whole number from 1, got {cores!r:.80}.")
        if gpus is not None and not (0 < gpus < 1 or (1 <= gpus <= 1024 and gpus == int(gpus))):
            raise SuiteError(f"--gpus: expected a fraction of one such as 0.25, or a whole number, got {gpus!r:.80}.")
        fine = round(gpus or 0, FINEST)
        if gpus and not fine:
            raise SuiteError(f"--gpus: {gpus!r:.80} of a GPU is nothing.", f"Give {10**-FINEST:.{FINEST}f} or more.")
        return cls(cores or 1, _bytes(memory) if memory is not None else None, fine)

    def places(self, machine: Machine) -> int:
        """How many such jobs the machine does at once. A fraction of a GPU is one of a single GPU."""
        found = [machine.cores // self.cores]
        if self.memory:
            found.append(machine.memory // self.memory)
        if self.gpus >= 1:
            found.append(machine.gpus // int(self.gpus))
        elif self.gpus:
            found.append(machine.gpus * int(1 / self.gpus + 1e-9))
        return min(found)

    def too_much(self, machines: Sequence[Machine]) -> str | None:
        """Why none of these machines can do such a job: which option asks too much, and what they have; else None."""
        if not machines or any(self.places(one) for one in machines):
            return None
        most = "no machine of the cluster has so much, the most is"
        if self.cores > (best := max(machines, key=lambda one: one.cores)).cores:
            return f"--cores-per-run {self.cores}: {most} {best.cores} ({best.name})"
        if (self.memory or 0) > (best := max(machines, key=lambda one: one.memory)).memory:
            return f"--memory {shown(self.memory or 0)}: {most} {shown(best.memory)} ({best.name})"
        if self.gpus > (best := max(machines, key=lambda one: one.gpus)).gpus:
            return f"--gpus {self.gpus:g}: {most} {best.gpus} ({best.name})"
        has = "; ".join(one.words() for one in machines[:NAMED]) + ("; …" if len(machines) > NAMED else "")
        return f"{self.words()}: no machine of the cluster has all of it ({has})"

    def words(self) -> str:
        """The options that ask for it."""
        memory = f" --memory {shown(self.memory)}" if self.memory else ""
        return f"--cores-per-run {self.cores}{memory}" + (f" --gpus {self.gpus:g}" if self.gpus else "")


ONE = Share()  # a core, which is what a job gets that asks for nothing


def shown(size: int) -> str:
    """A number of bytes for people, such as 2G; rounded down, so that what is shown is there."""
    unit, value = next(((unit, value) for unit, value in reversed(UNITS.items()) if size >= value), ("K", UNITS["K"]))
    return f"{size * 10 // value / 10:g}{unit}"


def _bytes(memory: int | str) -> int:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([KMGT])i?B?", memory) if isinstance(memory, str) else None
    size = memory if isinstance(memory, int) else int(float(found[1]) * UNITS[found[2]]) if found else 0
    if size < UNITS["M"]:
        raise SuiteError(f"--memory: expected a size of 1M or more, such as 512M or 2G, got {memory!r:.80}.")
    return size
