"""The public interface as a user's type checker sees it; it is checked, and never run."""

from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import suite
from suite.analysis.comparison import Comparison
from suite.api.datasets import Entry
from suite.api.doctor import Finding
from suite.api.reporting import Sent
from suite.api.results import Compared, Runs, Tuned
from suite.checking.findings import Checked
from suite.inspecting.hanging import Gallery
from suite.predicting.worker import Predicted
from suite.recipe.experiment import Experiment
from suite.reporting import Written
from suite.runs.accuracy_gate import Gated
from suite.runs.verify import Verdict

session = suite.Session.open(experiments=[Path("mine")], workers=1)
runs = suite.run("lenet", "mlp", seeds=5, epochs=3, session=session)

assert_type(session, suite.Session)
assert_type(runs, Runs)
assert_type(runs.code, int)
assert_type(suite.run("lenet", seeds=[3, 4], report=False), Runs)
assert_type(suite.tune("lenet", trials=8, sampler="random", space={"lr": "1e-4..1e-2"}), Tuned)
assert_type(suite.compare("cnn", "lenet"), Compared)
assert_type(suite.compare("cnn", "lenet").comparisons, Sequence[Comparison])
assert_type(suite.verify("lenet-s0"), list[Verdict])
assert_type(suite.check("my_net", lr=0.01), Checked)
assert_type(suite.new("my_net", like="lenet", data="digits"), Path)
assert_type(suite.predict("cnn-s0", "page.png", Path("scans"), as_is=True), Predicted)
assert_type(suite.gallery("cnn-s0", image=3, to="pictures"), Gallery)
assert_type(suite.gate("mlp", margin=0.01), list[Gated])
assert_type(suite.report("lenet", baseline="cnn"), Written)
assert_type(suite.sync(rebuild=True), Sent)
assert_type(suite.datasets(), list[Entry])
assert_type(suite.experiments(), list[Experiment])
assert_type(suite.doctor(), list[Finding])
assert_type(
    suite.Recipe(data="mnist", loss="cross-entropy", optimizer="sgd", lr=0.1, batch_size=1, epochs=1), suite.Recipe
)

suite.run(5)  # type: ignore[arg-type]
suite.tune()  # type: ignore[call-arg]
