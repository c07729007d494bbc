"""Faults to plant in the program, each with the test that must notice it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """Texts of one file that are replaced, and pytest's words for the test that must go red."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    words: tuple[str, ...]


def mutant(name: str, file: str, old: str, new: str, *words: str) -> Mutant:
    """A fault that is one replaced text."""
    return Mutant(name, file, ((old, new),), words)


MUTANTS: tuple[Mutant, ...] = ()
