"""Jobs on a Ray cluster that say where and when they ran, and with which GPUs, or that send bytes.

`main` is the driver of `test_shares.py`, with an address and shares as JSON. It must not be called by `-m`: the class
would be one of `__main__`, which the jobs' processes on a node do not know.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.execute import ray
from suite.execute.executor import Emit, Packed
from suite.execute.ray_machines import RayMachines
from suite.execute.share import Share

JOBS, SECONDS = 10, 1.5


@dataclass(frozen=True)
class Telling:
    """What happens there."""

    preload: str = "suite.execute.executor"  # so that processes have a server, as trainings do

    def environment(self, found: Mapping[str, str]) -> Mapping[str, str]:
        """All of it."""
        return found

    def lacks(self, need: str) -> bool:
        """Nothing is needed."""
        raise NotImplementedError(need)

    def keep(self, need: str, contents: Any) -> None:
        """Nothing is needed."""
        raise NotImplementedError(need)

    def work(self, value: Any, emit: Emit) -> None:
        """Take some time and tell; for three numbers, send so many events of so many bytes, some seconds apart."""
        if isinstance(value, tuple):
            number, size, pause = value
            for _ in range(number):
                time.sleep(pause)
                emit(os.urandom(size))
            return
        begin = time.time()
        time.sleep(SECONDS)
        emit({"job": value, "begin": begin, "end": time.time(), "gpu": os.environ.get("CUDA_VISIBLE_DEVICES")})


class Jobs:
    """The jobs of one call, by their values."""

    there = Telling()

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def pack(self, index: int) -> Packed:
        """Its value."""
        return Packed(self._values[index])

    def receive(self, index: int, event: Any) -> list[tuple[int, Any]]:
        """As it came."""
        return [(index, event)]

    def lost(self, index: int, *, begun: bool) -> bool:  # noqa: ARG002
        """No machine is to be lost here."""
        raise RuntimeError(f"job {index} was lost")

    def contents(self, need: str) -> Any:
        """Nothing is needed."""
        raise NotImplementedError(need)

    def seconds(self, index: int) -> float | None:  # noqa: ARG002
        """Nobody knows: each travels alone."""
        return None

    def apart(self, index: int) -> int | None:  # noqa: ARG002
        """None."""
        return None


def told(address: str, share: Share) -> dict[str, Any]:
    """What the jobs told, and how many places there are."""
    machines = RayMachines(Telling(), [], lambda _: {}, 1, {}, address=address, share=share)
    machines.warm_up()
    places = sorted(node.places for node in machines.nodes(wait=True))
    return {
        "places": places,
        "told": [one for _, one in ray.carry(machines, Jobs(range(JOBS))) if isinstance(one, dict)],
    }


def main() -> None:
    """Print what the jobs told, for each share."""
    print(json.dumps([told(sys.argv[1], Share(**one)) for one in json.loads(sys.argv[2])]))
