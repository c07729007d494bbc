"""What the fork server loads once for all workers: the heavy modules, and the program text as it is at that moment."""

from suite.engine import program, train

__all__ = ["train"]

program.facts()
