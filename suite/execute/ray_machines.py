"""The machines of a Ray cluster: joined, asked what they are, and given bundles of jobs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.execute import ray_node, ray_start
from suite.execute.bundles import Node
from suite.execute.executor import Ended, Freight, There
from suite.execute.share import ONE, Machine, Share

BEAT, PATIENCE = 5.0, 60.0  # seconds between signs of life, and until a machine without any is given up
GREETING = 300.0  # seconds that a machine has to say what it is: it loads torch, and may compile kernels

GREETINGS = 3  # times that a machine is asked: the process that should answer may be killed

Answers = Mapping[str, list[Any] | str]  # of each machine by its name: what it said, or why it said nothing


@dataclass
class _Asked:
    """A machine that was asked what it is: the stream of its answer until that is whole, and the answer."""

    node: Node
    told: Any
    until: float
    answer: list[Any] | str = field(default_factory=list)
    times: int = 1
    lost: bool = False  # the process ended without an answer

    @property
    def again(self) -> bool:
        """Whether it is to be asked once more."""
        return self.lost and self.times < GREETINGS

    def listen(self, *, wait: bool) -> None:
        """Take what has been said so far, or `wait` for all of it."""
        import ray

        while self.told is not None:
            left = max(0.0, self.until - time.monotonic())
            ready, _ = ray.wait([self.told], timeout=left if wait else 0)
            if not ready and left:
                return
            try:
                if not ready:
                    ray.cancel(self.told, force=True)
                    raise TimeoutError(f"no answer in {GREETING:.0f} s")
                assert isinstance(self.answer, list)
                self.answer += [event for _, event in ray.get(next(self.told)) if not isinstance(event, Ended)]
            except StopIteration:
                self.told = None
            except Exception as error:  # whatever ends a task on a machine that is not ours
                self.told, self.answer, self.lost = None, words(error), not isinstance(error, TimeoutError)


@dataclass
class RayMachines:
    """The machines of a Ray cluster, at `address`, or one of this process alone with `places` jobs at once.

    `questions` are the packed jobs by which a machine says what it is, and `admit` gives, of all answers, for each
    machine that shall not be used the reason. `clean` are the variables for a local cluster's programs. `most` is how
    many jobs are done at once on all machines together, and `share` what each gets of its machine. `warn` gets a line
    for each machine that is given up.
    """

    there: There
    questions: Sequence[Any]
    admit: Callable[[Answers], Mapping[str, str]]
    places: int
    clean: dict[str, str]
    address: str | None = None
    most: int | None = None
    unauthenticated: bool = False
    warn: Callable[[str], None] = lambda _: None
    share: Share = ONE
    beat: float = BEAT
    patience: float = PATIENCE
    refused: Mapping[str, str] = field(default_factory=dict)  # why machines are not used, by name
    _asked: dict[str, _Asked] = field(default_factory=dict)  # by the machines' keys
    _given_up: dict[str, str] = field(default_factory=dict)  # the reasons, by the machines' keys
    _put: dict[str, Any] = field(default_factory=dict)

    def warm_up(self) -> None:
        """Join or start the cluster and ask each machine what it is; does not wait for the answers.

        Raises `ray_start.Refused`, also if no machine has the share that a job is to get.
        """
        if not ray_start.is_connected():
            if self.address:
                ray_start.join(self.address, unauthenticated=self.unauthenticated)
            else:
                ray_start.start(self.places, self.clean)
        if not self._asked and (words := self.share.too_much([one for _, one in alive() if one.cores])):
            raise ray_start.Refused(f"{words}.", "Ask for less, or add a larger machine.")
        self._greet(self._here(), wait=False)

    def nodes(self, *, wait: bool) -> list[Node]:
        """The machines that may be used: they answered and were admitted. `wait` for those that did not answer yet."""
        here, before = self._here(), self._answered().keys()
        self._greet(here, wait=wait)
        answered = self._answered()
        if answered.keys() - before:
            self.refused = self.admit({asked.node.name: asked.answer for asked in answered.values()})
        known = {key for key, asked in answered.items() if asked.node.name not in self.refused}
        return [node for node in here if node.key in known - self._given_up.keys()]

    def answers(self) -> dict[str, list[Any]]:
        """What each machine that may be used has said of itself, by its name."""
        usable = {node.key for node in self.nodes(wait=True)}
        return {one.node.name: list(one.answer) for key, one in self._asked.items() if key in usable}

    def hopeless(self) -> bool:
        """Whether all machines that are here have answered and none was admitted: to wait is of no use."""
        here = [node.key for node in self._here() if node.places]
        return bool(here) and {*here} <= self._answered().keys()

    def reference(self, freight: Freight, need: str) -> Any:
        """A reference to a large value in the object store, where it is put once; raises `Refused` without room."""
        import ray

        if need not in self._put:
            try:
                self._put[need] = ray.put(freight.contents(need))
            except (ray.exceptions.ObjectStoreFullError, ray.exceptions.OutOfDiskError) as error:
                raise ray_start.Refused(
                    f"{need} has no room in this machine's object store of Ray, nor on its disk.",
                    "Wait for the end of other programs on the cluster, or make room on the disk of Ray's --temp-dir, "
                    "and run the same command again.", user=False,
                ) from error  # fmt: skip
        return self._put[need]

    def submit(self, node: Node, values: Sequence[Any], needs: Mapping[str, Any], share: Share | None = None) -> Any:
        """Start a bundle on this machine; gives Ray's generator of references to its events."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        function = ray.remote(ray_node.bundle).options(
            **resources(share or self.share), max_retries=0, num_returns="streaming", name="suite",
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.key, soft=False),
        )  # fmt: skip
        return function.remote(self.there, list(values), dict(needs), self.beat)

    def give_up(self, node: Node, why: str) -> None:
        """Use this machine no more, and say so: it hangs, or does nothing that it is given."""
        if node.key not in self._given_up:
            self._given_up[node.key] = f"{node.name}: {why}"
            self.warn(f"{node.name} is not used any more: {why}.")

    def reasons(self) -> str:
        """Why machines are not used, of each that was refused or given up."""
        refused = [f"{name}: {why}" for name, why in self.refused.items()]
        return "; ".join([*refused, *self._given_up.values()]) or "none is left"

    def _greet(self, here: Sequence[Node], *, wait: bool) -> None:
        """Ask each machine that was not asked yet, or whose process was killed before it answered, and listen."""
        places = [node for node in here if node.places]
        while True:
            for node in places:
                asked = self._asked.get(node.key)
                if asked is None or asked.again:
                    told, times = self.submit(node, self.questions, {}, Share(cores=0)), asked.times + 1 if asked else 1
                    self._asked[node.key] = _Asked(node, told, time.monotonic() + GREETING, times=times)
            for asked in self._asked.values():
                asked.listen(wait=wait)
            if not wait or not any(self._asked[node.key].again for node in places):
                return

    def _answered(self) -> dict[str, _Asked]:
        """What has said what it is, or will not any more, by the machines' keys."""
        return {key: asked for key, asked in self._asked.items() if asked.told is None and not asked.again}

    def _here(self) -> list[Node]:
        return [Node(key, one.name, self.share.places(one)) for key, one in alive()]


def resources(share: Share) -> dict[str, float]:
    """A share in Ray's words, which Ray keeps account of on each machine."""
    found: dict[str, float] = {"num_cpus": share.cores}
    if share.memory:
        found["memory"] = share.memory
    return {**found, "num_gpus": share.gpus} if share.gpus else found


def alive() -> list[tuple[str, Machine]]:
    """The keys of the machines of the cluster that this process has joined, as are alive, and what they have for jobs.

    Raises `Refused` without a head.
    """
    import ray

    ray_start.require_head()
    return [
        (one["NodeID"], Machine(f"{one['NodeManagerHostname']} ({one['NodeID'][:8]})", *_counts(one["Resources"])))
        for one in ray.nodes()
        if one["Alive"]
    ]


def _counts(has: Mapping[str, float]) -> list[int]:
    return [int(has.get(name, 0)) for name in ("CPU", "memory", "GPU")]


def words(error: BaseException) -> str:
    """What became of a task, in a few words of one line."""
    cause = getattr(error, "cause", None) or error
    text = " ".join(str(cause).split())
    return f"{type(cause).__name__}: {text[:200]}".rstrip(".: ")
