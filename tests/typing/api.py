"""The public interface as a user's type checker sees it; it is checked, and never run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, assert_type

import pandas as pd

import suite
from suite.analysis.comparison import Comparison
from suite.api.datasets import Entry
from suite.api.doctor import Finding
from suite.api.ledger import Tried
from suite.api.reporting import Sent
from suite.api.results import Compared, Results, Runs, Tuned
from suite.api.tuned_results import TunedCompared
from suite.benching.speed_gate import Gated as SpeedGated
from suite.benching.throughput import Throughput
from suite.checking.findings import Checked
from suite.engine.trained import Trained
from suite.exporting.exported import Exported, Published
from suite.inspecting.hanging import Gallery
from suite.predicting.worker import Predicted
from suite.recipe.experiment import Experiment
from suite.reporting import Written
from suite.runs.accuracy_gate import Gated
from suite.runs.verify import Verdict

session = suite.Session.open(experiments=[Path("mine")], workers=1)
there = suite.Session.open(engine="ray", address="10.0.0.1:6379", allow_unauthenticated=False)
shared = suite.Session.open(engine="slurm", cores_per_run=2, memory="3G", gpus=1)
runs = suite.run("lenet", "mlp", seeds=5, epochs=3, session=session)

assert_type(session, suite.Session)
assert_type(there, suite.Session)
assert_type(shared, suite.Session)
assert_type(runs, Runs)
assert_type(runs.code, int)
assert_type(suite.run("lenet", seeds=[3, 4], report=False), Runs)
assert_type(suite.tune("lenet", trials=8, sampler="random", space={"lr": "1e-4..1e-2"}), Tuned)
assert_type(suite.compare("cnn", "lenet"), Compared)
assert_type(suite.compare("cnn", "lenet").comparisons, Sequence[Comparison])
assert_type(suite.verify("lenet-s0", runs), Results[Verdict])
assert_type(suite.verify("all")[0], Verdict)
assert_type(suite.verify("all").to_dict(), list[dict[str, Any]])
assert_type(suite.check("my_net", lr=0.01), Checked)
assert_type(suite.new("my_net", like="lenet", data="digits"), Path)
assert_type(suite.predict("cnn-s0", "page.png", Path("scans"), as_is=True), Predicted)
assert_type(suite.gallery("cnn-s0", image=3, to="pictures"), Gallery)
assert_type(suite.export("cnn-s0", "out", format="pt2"), Exported)
assert_type(suite.publish("cnn-s0", alias="champion", session=session), Published)
assert_type(suite.gate("mlp", margin=0.01), Results[Gated])
assert_type(suite.bench("mlp", against="main"), Results[Throughput] | Results[SpeedGated])
assert_type(suite.report("lenet", baseline="cnn"), Written)
assert_type(suite.sync(rebuild=True), Sent)
assert_type(suite.sync(to="sqlite:////tmp/record.db"), Sent)
assert_type(suite.datasets(), list[Entry])
assert_type(suite.experiments(), Results[Experiment])
assert_type(suite.doctor(), Results[Finding])
assert_type(suite.load(runs.planned[0]), Trained)
assert_type(suite.load("lenet-s0").recipe, suite.Recipe)
assert_type(runs.frame(), pd.DataFrame)
assert_type(
    suite.Recipe(data="mnist", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=1, epochs=1), suite.Recipe
)

mine = suite.experiment(
    "mine",
    suite.Recipe(data="mnist", loss="own", optimizer="sgd", lr=0.1, batch_size=1, epochs=1),
    print,
    loss=print,
)
assert_type(mine, suite.Experiment)
assert_type(suite.run(mine, "lenet", lr=0.01), Runs)
assert_type(suite.try_("cnn", against="lenet", keep_if="not-worse", lr=0.1), Tried)
assert_type(suite.tries()[0].verdict, str)
assert_type(suite.history("lenet")[0].words, list[str])
assert_type(suite.compare("cnn", "lenet", tuned=True, trials=8, sampler="random"), TunedCompared)
assert_type(suite.compare(mine, "lenet"), Compared)
assert_type(suite.check(mine), Checked)
assert_type(suite.tune(mine), Tuned)

suite.run(5)  # type: ignore[arg-type]
suite.tune()  # type: ignore[call-arg]
suite.compare("cnn", "lenet", tuned=True)  # type: ignore[call-overload]
