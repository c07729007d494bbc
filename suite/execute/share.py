"""What a job may use of its machine: processor cores, memory and GPUs. A machine does as many at once as fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
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
