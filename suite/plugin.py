"""A plug-in for pytest: the speed of experiments as benchmarks of pytest-benchmark, and the speed gate as tests.

Everything is measured in processes of its own, with the suite's own switches. So neither torch nor the suite is loaded
where the options are not given, and pytest's process stays as it was.
"""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from suite.api.session import Session
    from suite.benching.sides import Probe
    from suite.recipe.experiment import Experiment

BLOCK = 0.02  # seconds of one round: long beside the message that asks for it
ROUNDS = 30  # a median of so many rounds, in half a second and more
WHAT = {"training_step": "suite", "evaluation": "evaluation", "latency": "single"}  # entries, with the bench's loops


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("suite", "speed of the experiments of the benchmark suite")
    # fmt: off
    group.addoption("--suite-bench", nargs="+", default=[], metavar="NAME",
                    help="measure these experiments by pytest-benchmark: training step, evaluation, latency")
    group.addoption("--suite-gate", nargs="+", default=[], metavar=("REVISION", "NAME"),
                    help="is a training step slower than in a revision of your repository, or with another Python?")
    group.addoption("--suite-experiments", action="append", default=[], metavar="DIR",
                    help="a folder of your own experiments, besides those of SUITE_EXPERIMENTS")
    group.addoption("--suite-seconds", type=float, default=30.0, metavar="N", help="how long the gate measures (30)")
    # fmt: on


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add an item for each entry and each verdict."""
    bench, gate = config.getoption("--suite-bench"), config.getoption("--suite-gate")
    if not bench and not gate:
        return
    if bench and not config.pluginmanager.hasplugin("benchmark"):
        missing = (
            "is switched off" if find_spec("pytest_benchmark") else "is not installed: pip install pytest-benchmark"
        )
        raise pytest.UsageError(f"--suite-bench needs pytest-benchmark, which {missing}.")
    if gate and not gate[1:]:
        raise pytest.UsageError("--suite-gate: no experiment is named. Give REVISION NAME, such as main lenet.")
    try:
        ours = _opened(config.getoption("--suite-experiments"))
        for one in ours.chosen(bench) if bench else []:
            items += [_bench(session, ours, one, what) for what in WHAT]
        for one in ours.chosen(gate[1:]) if gate else []:
            items.append(_gate(session, ours, one, gate[0], config.getoption("--suite-seconds")))
    except _suite_error() as error:
        raise pytest.UsageError(str(error)) from error


class Item(pytest.Function):
    """One entry or verdict, called `suite-bench::lenet::training_step`."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002
        """An error of the suite is one line."""
        return str(excinfo.value) if excinfo.errisinstance(_suite_error()) else super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it is from, and its name in a report."""
        return Path(__file__), None, self.nodeid


def _opened(folders: Sequence[str]) -> "Session":
    from suite.api.session import Session

    named = os.environ.get("SUITE_EXPERIMENTS", "").split(os.pathsep)
    return Session.open(experiments=[Path(one) for one in (*folders, *named) if one])


def _suite_error() -> type[Exception]:
    from suite.errors import SuiteError

    return SuiteError


def _item(session: pytest.Session, kind: str, name: str, call: Callable[..., None]) -> Item:
    parent = pytest.Module.from_parent(session, path=Path(__file__), nodeid=kind)
    parent.name = kind
    return Item.from_parent(parent, name=name, callobj=call)


def _bench(session: pytest.Session, ours: "Session", experiment: "Experiment", what: str) -> Item:
    def measured(benchmark: Any) -> None:
        with _probe(ours, experiment, WHAT[what]) as probe:
            clock = _Clock(probe)
            benchmark._timer = clock.seconds
            rounds = max(ROUNDS, session.config.getoption("benchmark_min_rounds"))
            benchmark.pedantic(clock.block, rounds=rounds, warmup_rounds=2)
            benchmark.extra_info |= {"images_per_step": clock.images, "steps_per_round": clock.steps, **clock.versions}

    return _item(session, "suite-bench", f"{experiment.name}::{what}", measured)


def _gate(session: pytest.Session, ours: "Session", experiment: "Experiment", beside: str, seconds: float) -> Item:
    def judged() -> None:
        from suite.api import benching
        from suite.benching import LIMIT

        if os.sep in beside and Path(beside).is_file():  # origin/main is a revision
            [found] = benching.against(ours, [experiment], python=beside, seconds=seconds, limit=LIMIT)
        else:
            where = session.config.rootpath
            found = benching.against_own(ours, experiment, beside, where, seconds=seconds, limit=LIMIT)
        if found.verdict != "PASS":
            pytest.fail(found.words, pytrace=False)

    return _item(session, "suite-gate", experiment.name, judged)


def _probe(ours: "Session", experiment: "Experiment", loop: str) -> Any:
    from contextlib import contextmanager

    from suite.api.benching import workload
    from suite.benching.sides import Side, probes

    @contextmanager
    def only() -> Any:
        with probes((Side(loop, loop),), workload(ours, experiment)) as found:
            yield found[loop][0]

    return only()


class _Clock:
    """The measured process as pytest-benchmark wants a function and a timer.

    `block` asks for some steps, and `seconds` goes on by what one of them took there: messages are not counted.
    """

    def __init__(self, probe: "Probe") -> None:
        self._probe, self._now = probe, 0.0
        self.versions = {name: probe.facts()[name] for name in ("suite", "torch")}
        self._ask(round=True)
        self.steps, self.images = 1, 0
        while (taken := self._ask(steps=self.steps)["seconds"]) < BLOCK / 2:
            self.steps *= 2
        self.steps = max(1, round(self.steps * BLOCK / taken))

    def block(self) -> None:
        """Do the steps of one round."""
        answer = self._ask(steps=self.steps)
        self.images = round(answer["images"] / self.steps)
        self._now += answer["seconds"] / self.steps

    def seconds(self) -> float:
        """The seconds of all rounds so far, as if each were one step."""
        return self._now

    def _ask(self, **command: Any) -> dict[str, Any]:
        self._probe.tell(**command)
        return self._probe.hear()
