"""How many nodes a command can feed: `python -m tests.cluster.capacity`, from the costs that `costs.py` has measured.

A place (a core of a node) trains a run, and the driver's loop then receives it and packs the next one; the place waits
for that. What the loop has received, the recorder draws and copies to MLflow, and nobody waits for it before the
command's end. Both do one thing after the other. Besides the simulation there is the arithmetic of each part alone: the
nodes whose runs it can just take, places × cost / length = 1.
"""

import argparse
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

CORES = 16  # places of a node
LINK = 117e6  # bytes in a second: what remains of 1 Gbit/s
RUNS, MOST = 50_000, 4_096  # runs that are simulated if that is enough for all places, and nodes at most
GOOD = 0.9  # of the speed that the nodes would have if the driver cost nothing


@dataclass(frozen=True)
class Costs:
    """Seconds for each run of one part, and bytes: medians of `costs.py`, in docs/scaling.md."""

    loop: float = 0.0
    recorder: float = 0.0
    processor: float = 0.0  # of the driver's process, whose threads share one core
    server: float = 0.0  # processor time of MLflow's server and its database
    traffic: float = 0.0  # bytes

    def parts(self) -> dict[str, float]:
        """Seconds for each run by the part's name; the server has four cores, and the traffic goes through `LINK`."""
        return {
            "the driver's loop": self.loop,
            "the driver's recorder": self.recorder,
            "the driver's processor": self.processor,
            "MLflow's server on 4 cores": self.server / 4,
            "a link of 1 Gbit/s": self.traffic / LINK,
        }


MEASURED = Costs(loop=0.024, recorder=0.946, processor=0.970, traffic=1.0e6)  # `lenet`, one epoch; SQLite
Draw = Callable[[], float]


@dataclass(frozen=True)
class Outcome:
    """Seconds from the begin until all runs were received, and until all were recorded."""

    received: float
    recorded: float


def main() -> None:
    """Print the table of docs/scaling.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 60, 600], help="how long a run takes")
    parser.add_argument("--nodes", type=int, default=1000, help="for the time of a million runs")
    parser.add_argument("--runs", type=int, default=1_000_000)
    for one in fields(Costs):
        parser.add_argument(f"--{one.name}", type=float, default=getattr(MEASURED, one.name))
    asked = parser.parse_args()
    costs = Costs(**{one.name: getattr(asked, one.name) for one in fields(Costs)})
    for seconds in asked.seconds:
        print(f"runs of {seconds:g} s, nodes of {CORES} cores")
        for name, cost in costs.parts().items():
            days = max(asked.runs * cost, asked.runs * seconds / (CORES * asked.nodes)) / 86_400
            print(f"  {name:28} {1000 * cost:8.1f} ms a run: {most_nodes(seconds, cost):10,.1f} nodes; "
                  f"{asked.runs:,} runs on {asked.nodes:,} nodes: {days:.1f} days")  # fmt: skip
        print(f"  simulated: {fed(seconds, costs):,} nodes train at {GOOD:.0%} of their speed or more,"
              f" {fed(seconds, costs, recorded=True):,} with the record")  # fmt: skip


def most_nodes(seconds: float, cost: float) -> float:
    """The nodes whose runs a part can just take that needs `cost` seconds for each."""
    return seconds / cost / CORES if cost else float("inf")


def fed(seconds: float, costs: Costs, *, recorded: bool = False) -> int:
    """The most nodes that train at `GOOD` of their own speed in the simulation, by halving; `MOST` at most."""
    low, high = 0, 1
    while high <= MOST and _is_fed(high, seconds, costs, recorded):
        low, high = high, 2 * high
    while low and high - low > max(1, low // 50) and high <= MOST:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_fed(middle, seconds, costs, recorded) else (low, middle)
    return low


def _is_fed(nodes: int, seconds: float, costs: Costs, recorded: bool) -> bool:
    """Whether these nodes need no longer than 1 / `GOOD` of what the same runs take without any cost."""
    places, times = nodes * CORES, []
    runs = places * max(5, min(20, RUNS // places))
    for one in (Costs(), costs):
        chance = random.Random(nodes)
        length = partial(chance.gauss, seconds, 0.1 * seconds)
        found = simulate(places, runs, length, partial(float, one.loop), partial(float, one.recorder))
        times.append(found.recorded if recorded else found.received)
    return times[0] >= GOOD * times[1]


def simulate(places: int, runs: int, length: Draw, loop: Draw, recorder: Draw) -> Outcome:
    """Train so many runs on so many places; the arguments are drawn anew for each run, in seconds."""
    ends = [length() for _ in range(min(places, runs))]
    heapq.heapify(ends)
    left = runs - len(ends)
    received = recorded = 0.0
    while ends:
        received = max(received, heapq.heappop(ends)) + loop()
        recorded = max(recorded, received) + recorder()
        if left:
            left -= 1
            heapq.heappush(ends, received + length())
    return Outcome(received, recorded)


def share_of_speed(places: int, seconds: float, cost: float) -> float:
    """The share of their own speed at which places train, where lengths and costs are exponential.

    The closed form of one server and a finite number of customers: p(n) is proportional to K! / (K - n)! × (D / Z)^n.
    """
    weights = [1.0]
    for waiting in range(places):
        weights.append(weights[-1] * (places - waiting) * cost / seconds)
    busy = 1 - weights[0] / sum(weights)
    return busy / cost * seconds / places


if __name__ == "__main__":
    main()
