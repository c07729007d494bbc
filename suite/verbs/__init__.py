"""What each verb does, as a list of steps; its docstring is its help, its return the exit code."""

from suite.verbs.benching import bench
from suite.verbs.comparing import compare
from suite.verbs.experiments import list_experiments, show
from suite.verbs.gating import gate
from suite.verbs.machine import doctor
from suite.verbs.records import report, sync, ui
from suite.verbs.training import run, verify
from suite.verbs.tuning import tune

__all__ = [
    "bench", "compare", "doctor", "gate", "list_experiments", "report", "run", "show", "sync", "tune", "ui", "verify",
]  # fmt: skip
