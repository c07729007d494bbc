"""Grow a home and print what every command costs in it: `python -m tests.scale --runs 100 1000 10000 [--postgres]`."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.postgres import Postgres
from tests.scale.homes import Large
from tests.scale.measuring import NEWEST, Cost, all_of, first_page
from tests.scale.record import record


def main(words: Sequence[str] | None = None) -> None:
    """Print a table for each database: for each size elapsed seconds, processor seconds and MiB, and their growth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1_000, 10_000], help="sizes of the home")
    parser.add_argument("--seeds", type=int, default=25, help="seeds of each recipe")
    parser.add_argument("--experiments", type=int, default=4, help="experiments; each is changed as often as needed")
    parser.add_argument("--postgres", action="store_true", help="with the record in a PostgreSQL server, too")
    parser.add_argument("--folder", type=Path, help="a folder to keep the home in, or to find it in")
    asked = parser.parse_args(words)
    for runs in asked.runs:
        if why := refused(runs, asked.seeds, asked.experiments):
            parser.exit(2, f"tests.scale: {why}\n")
    with ExitStack() as stack:
        top = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suite-scale-")))
        large = Large(top.resolve(), asked.experiments, asked.seeds)
        trackers = {"SQLite": ""}
        if asked.postgres:
            trackers["PostgreSQL"] = stack.enter_context(Postgres(["record"])).address("record")
        found: dict[str, dict[int, dict[str, Cost]]] = {name: {} for name in trackers}
        for runs in sorted(asked.runs):
            new = [run for run, _ in large.grow(runs)]
            for name, address in trackers.items():
                missing = new if not address or found[name] else [run for run, _ in large.planned(runs)]
                record(replace(large.home, tracker=address), ((run, run.result()) for run in missing))
                found[name][runs] = measured(large, runs, address)
        for name, by_size in found.items():
            print(f"\n{name}, {asked.seeds} seeds of each recipe, {asked.experiments} experiments\n")
            print(table(by_size))


def refused(runs: int, seeds: int, experiments: int) -> str:
    """Why the commands cannot be measured in a home of so many runs, in one line; empty where they can."""
    if seeds < 3 or experiments < 2:
        return f"--seeds {seeds} --experiments {experiments}: `compare` needs 3 seeds of 2 experiments at least."
    least = -(-max(NEWEST, experiments * seeds) // seeds) * seeds
    if runs < least or runs % seeds:
        return (
            f"--runs {runs}: give whole recipes, multiples of --seeds {seeds}, from {least} on: each experiment has "
            f"its seeds, and MLflow's page {NEWEST} runs."
        )
    return ""


def measured(large: Large, runs: int, address: str) -> dict[str, Cost]:
    """What each command costs, said as it is found, and the bytes of the page as `seconds` of a last row."""
    found = {}
    for name, cost in all_of(large, runs, address):
        found[name] = cost
        print(f"{runs:,} runs: {name}: {cost.seconds:.1f} s, {cost.processor:.1f} s, {cost.mib:.0f} MiB", flush=True)
        if name == "report, pictures kept":
            size = large.home.page.stat().st_size
            print(f"{runs:,} runs: report.html: {size:,} bytes", flush=True)
    with first_page(large, address) as ask:
        found["MLflow's page, 100 newest runs"] = ask()
    return found


def table(by_size: Mapping[int, Mapping[str, Cost]]) -> str:
    """Rows of Markdown: what is done, its cost at each size, and the growth for each run from the first to the last."""
    sizes = sorted(by_size)
    head = ["", *(f"{size:,} runs" for size in sizes), f"growth, {sizes[-1] // sizes[0]} times the runs"]
    lines = [_row(head), _row(["---"] * len(head))]
    for name in by_size[sizes[0]]:
        costs = [by_size[size][name] for size in sizes]
        lines.append(_row([name, *map(_words, costs), f"{_judged(costs[-1]) / _judged(costs[0]):.1f}"]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _judged(one: Cost) -> float:
    return one.processor or one.seconds  # processor seconds stay the same on a busy machine


def _words(one: Cost) -> str:
    return f"{one.processor:.1f} s, {one.mib:.0f} MiB" if one.processor else f"{one.seconds:.2f} s elapsed"


if __name__ == "__main__":
    main()
