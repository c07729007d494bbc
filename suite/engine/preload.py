"""Imported once by the fork server, for all workers: loads the heavy modules and reads the program text."""

from suite.engine import exact, program, train

__all__ = ["train"]

program.facts()
exact.make_exact()  # makes torch load half of its compiler, which takes longer than training a small run
