"""Machines of a Ray cluster that die as they are asked, or fail in all that they are given; Ray itself is played."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from suite.execute import ray as engine
from suite.execute import ray_machines
from suite.execute.bundles import Node
from suite.execute.executor import Ended, Lost, Packed
from suite.execute.ray_machines import GREETINGS, RayMachines
from suite.execute.share import Machine

GOOD, BAD = Node("good", "one", 1), Node("bad", "two", 1)


def failing(reason: str) -> Any:
    """A task whose process is killed."""
    raise RuntimeError(reason)
    yield


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's functions, for tasks that are generators of their events."""
    ray = SimpleNamespace(wait=lambda tasks, **_: (tasks[:1], []), get=lambda one: one, cancel=lambda *_, **__: None)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(ray_machines, "alive", lambda: [(one.key, Machine(one.name, 1, 0, 0)) for one in (GOOD, BAD)])


def machines(answers: dict[str, list[Any]]) -> tuple[RayMachines, list[dict[str, Any]]]:
    """The two machines, whose tasks are these, and what was to be admitted."""
    seen: list[dict[str, Any]] = []

    def admit(found: Any) -> dict[str, str]:
        seen.append(dict(found))
        return {name: told for name, told in found.items() if isinstance(told, str)}

    made = RayMachines(None, ["what?"], admit, 1, {})  # type: ignore[arg-type]
    made.submit = lambda node, *_, **__: answers[node.key].pop(0)  # type: ignore[method-assign]
    return made, seen


@pytest.mark.usefixtures("played")
def test_a_machine_whose_process_is_killed_before_it_answers_is_asked_again():
    there, seen = machines(
        {"good": [iter([[(0, "a"), (0, Ended(0))]])], "bad": [failing("killed"), iter([[(0, "b")]])]}
    )

    assert there.nodes(wait=True) == [GOOD, BAD]
    assert seen == [{"one": ["a"], "two": ["b"]}]


@pytest.mark.usefixtures("played")
def test_one_that_dies_each_time_is_left_out_with_the_reason():
    there, seen = machines({"good": [iter([[(0, "a")]])], "bad": [failing("killed") for _ in range(GREETINGS)]})

    assert there.nodes(wait=True) == [GOOD]
    assert seen == [{"one": ["a"], "two": "RuntimeError: killed"}]


class Runs:
    """A freight of jobs that are only counted."""

    there = None

    def __init__(self, jobs: int) -> None:
        self.jobs, self.packed = jobs, 0

    def __len__(self) -> int:
        return self.jobs

    def pack(self, index: int) -> Packed:
        self.packed += 1
        return Packed(index)

    def receive(self, index: int, event: Any) -> list[tuple[int, Any]]:
        return [(index, event)]

    def lost(self, *_: Any, **__: Any) -> bool:
        return True

    def seconds(self, *_: Any) -> None: ...

    def apart(self, *_: Any) -> None: ...


class Cluster:
    """Machines that may be used, of which the second one fails in all that it is given."""

    def __init__(self, nodes: list[Node]) -> None:
        self.here, self.said = nodes, []
        self.most, self.patience = None, 60.0

    def nodes(self, **_: Any) -> list[Node]:
        return self.here

    def submit(self, node: Node, *_: Any) -> Any:
        return failing("no room") if node == BAD else iter([[(0, "trained"), (0, Ended(0))]])

    def give_up(self, node: Node, why: str) -> None:
        self.said.append(f"{node.name}: {why}")
        self.here = [one for one in self.here if one != node]

    def hopeless(self) -> bool:
        return True

    def reasons(self) -> str:
        return "; ".join(self.said)


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize("nodes", [[GOOD, BAD], [BAD]])
def test_a_machine_that_fails_in_all_that_it_is_given_is_given_up(nodes, monkeypatch):
    monkeypatch.setattr(engine, "LOOK", 0.0)
    cluster, freight = Cluster(nodes), Runs(12)

    events = list(engine._Carrying(cluster, freight).events())

    assert cluster.said == ["two: RuntimeError: no room"]
    assert freight.packed <= len(freight) + engine.FAILURES
    if GOOD in nodes:
        assert sorted(index for index, event in events if event == "trained") == [*range(12)]
    else:
        why = "no machine of the cluster can be used (two: RuntimeError: no room)"
        assert events == [(index, Lost(why)) for index in range(12)]
