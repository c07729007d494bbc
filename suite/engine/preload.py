"""What the fork server does once for all workers: load the heavy modules, and read the program text at that moment."""

from suite.engine import exact, program, train

__all__ = ["train"]

program.facts()
exact.make_exact()  # with it torch loads half of its compiler, which takes longer than to train a small run
