"""The verbs, each as a list of steps. The docstring of a verb is its help, and it returns the exit code."""

from suite.cli.verbs.benching import bench
from suite.cli.verbs.checking import check
from suite.cli.verbs.comparing import compare, plan
from suite.cli.verbs.completing import completion
from suite.cli.verbs.data import data
from suite.cli.verbs.experiments import list_experiments, show
from suite.cli.verbs.exporting import export, publish
from suite.cli.verbs.gating import gate
from suite.cli.verbs.inspecting import gallery
from suite.cli.verbs.machine import doctor
from suite.cli.verbs.predicting import predict
from suite.cli.verbs.records import report, sync, ui
from suite.cli.verbs.starting import new
from suite.cli.verbs.training import run, verify
from suite.cli.verbs.trying import tries, try_
from suite.cli.verbs.tuning import tune

__all__ = [
    "bench", "check", "compare", "completion", "data", "doctor", "export", "gallery", "gate", "list_experiments", "new",
    "plan", "predict", "publish", "report", "run", "show", "sync", "tries", "try_", "tune",
    "ui", "verify",
]  # fmt: skip
