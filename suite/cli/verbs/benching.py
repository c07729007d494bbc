"""The verb that measures speed."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli.terminal import Terminal
from suite.cli.verbs.common import chosen, ensure_data, folders
from suite.disk.home import Home
from suite.disk.references import exit_code
from suite.errors import SuiteError
from suite.execute.processes import available_cores
from suite.recipe.registry import Experiment
from suite.recipe.registry import load as load_registry

if TYPE_CHECKING:
    from suite.analysis.ratios import Ratio
    from suite.bench.sides import Job, Side
    from suite.bench.speed_gate import Gated
    from suite.bench.throughput import Throughput

Jobs = dict[str, "Job"]


def bench(args: Namespace) -> int:
    """Measure the speed of training and inference beside references, in turn, and judge whether any was lost.

    Alone: images per second, beside a bare loop, a tutorial's and Lightning's. With --check: is the ratio to the bare
    loop still the committed one? With --against or --against-env: is a step slower than in another revision, or in
    another interpreter's packages? PASS, FAIL and INCONCLUSIVE are the exit codes 0, 1 and 4. Measure while nothing
    else runs.

    python -m suite bench lenet
    python -m suite bench --check
    python -m suite bench all --against main --limit 1.1
    python -m suite bench mlp --against-env ../old/bin/python
    """
    terminal, home, registry = Terminal(as_json=args.json), Home.find(), load_registry(folders(args))
    experiments = chosen(registry, args.names or ["all"], args)
    _refuse(args)
    home.require_writable()
    with _other(args) as other:  # before the data are looked at, which takes longer
        jobs = _jobs(experiments, args, terminal)
        if args.update:
            return _update(jobs, args, terminal)
        if args.check or other:
            return _gate(jobs, other, args, terminal, home)
        return _throughput(jobs, args, terminal, home)


def _refuse(args: Namespace) -> None:
    """Say no to two questions at once, and to one that bench cannot answer."""
    if os.environ.get("SUITE_DEVICE", "cpu") not in ("", "cpu"):
        raise SuiteError("SUITE_DEVICE: bench measures the processor only.", "Leave it out.")
    asked = [name for name in ("check", "update", "against", "against_env") if getattr(args, name)]
    if len(asked) > 1:
        words = " and ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise SuiteError(f"{words}: one question at a time.", "Give one of them.")


def _jobs(experiments: Sequence[Experiment], args: Namespace, terminal: Terminal) -> Jobs:
    from suite.bench.sides import Job

    data = ensure_data({one.recipe.data for one in experiments}, args, terminal)
    return {one.title: Job(one.name, data[one.recipe.data], one.overrides, folders(args)) for one in experiments}


def _throughput(jobs: Jobs, args: Namespace, terminal: Terminal, home: Home) -> int:
    from suite.bench.throughput import throughput

    found = []
    for name, job in jobs.items():
        tell = _progress(name, terminal)
        found.append(throughput(name, job, cores=available_cores(), seconds=args.seconds, tell=tell))
        terminal.say(_line(found[-1]))
    if args.json:
        terminal.json([one.facts() for one in found])
    else:
        columns = ("experiment", "images/s>", "ms/step>", "evaluated/s>", "one image ms, p50>", "p99>", "MiB>",
                   "start s>")  # fmt: skip
        terminal.table("One run, one core", columns, [_speeds(one) for one in found])
        names = list(dict.fromkeys(name for one in found for name in one.speedups))
        heads = ("experiment", *(f"{name}>" for name in names), "itself>", "smallest effect>")
        terminal.table("Times as fast as", heads, [_speedups(one, names) for one in found])
    _keep(home, found, "", terminal)
    return 0


def _gate(jobs: Jobs, other: "Side | None", args: Namespace, terminal: Terminal, home: Home) -> int:
    from suite.bench import speed_gate as gate

    found: list[Gated] = []
    words = {"seconds": args.seconds, "limit": args.limit}
    path = args.baseline or gate.COMMITTED
    baselines = {} if other else gate.read_baselines(path, list(jobs))
    for name, job in jobs.items():
        tell = _progress(name, terminal)
        found.append(
            gate.against(name, job, other, **words, tell=tell)
            if other
            else gate.check(name, job, baselines[name], **words, tell=tell)
        )
        terminal.say(_verdict(found[-1]))
    beside = other.name if other else "the baseline"
    if args.json:
        terminal.json([one.facts() for one in found])
    else:
        columns = ("experiment", f"times as long as {beside}>", "95 %>", "itself>", "smallest effect>", "verdict")
        terminal.table("Speed", columns, [_judged(one) for one in found])
    _keep(home, found, beside, terminal)
    return exit_code(one.verdict for one in found)


def _update(jobs: Jobs, args: Namespace, terminal: Terminal) -> int:
    from suite.bench import speed_gate as gate

    path = args.baseline or gate.COMMITTED
    found = {}
    for name, job in jobs.items():
        found[name] = gate.measured(job, seconds=args.seconds, tell=_progress(name, terminal))
        terminal.say(f"{name}: {_with_interval(found[name].ratio)} times as long as the bare loop.")
    gate.write_baselines(path, found)
    if args.json:
        terminal.json({"baseline": str(path), **{name: one.facts() for name, one in found.items()}})
    terminal.say(f"Baseline: {path}. Commit it.")
    return 0


@contextmanager
def _other(args: Namespace) -> "Iterator[Side | None]":
    """The side to compare with, for as long as it is there."""
    from suite.bench.checkout import checked_out
    from suite.bench.sides import Side

    if args.against:
        with checked_out(args.against) as source:
            yield Side(args.against, "suite", source=source)
    elif args.against_env:
        yield Side(str(args.against_env), "suite", python=str(Path(args.against_env).expanduser().absolute()))
    else:
        yield None


def _keep(home: Home, found: "Sequence[Throughput | Gated]", beside: str, terminal: Terminal) -> None:
    """Add the session to the history, and write that as a table and a picture for each thing measured beside."""
    from suite.bench import history
    from suite.disk import files
    from suite.pictures import bench as bench_pictures
    from suite.pictures import canvas

    kept = history.add(home, history.records(found, beside))
    files.make_folder(home.reports)
    files.write(home.reports / "bench.csv", history.table(kept))
    files.write(home.reports / "bench.png", canvas.image(bench_pictures.history(kept), "png"))
    terminal.say(f"History: {home.reports / 'bench.csv'} and bench.png.")


def _progress(name: str, terminal: Terminal) -> Callable[[str], None]:
    return lambda words: terminal.say(f"{name}: {words}") if terminal.live else None


def _line(one: "Throughput") -> str:
    return f"{one.title}: {one.images_per_second:,.0f} images/s, {one.milliseconds_per_step:.1f} ms a step."


def _verdict(one: "Gated") -> str:
    low, high = one.slower.low, one.slower.high
    words = f"{one.title}: {one.verdict}: {one.value:.3f} times as long ({low:.3f} to {high:.3f}), limit {one.limit:g}."
    return f"{words} {one.remark}".rstrip()


def _speeds(one: "Throughput") -> list[str]:
    return [
        one.title, f"{one.images_per_second:,.0f}", f"{one.milliseconds_per_step:.2f}",
        f"{one.evaluated_per_second:,.0f}", f"{one.latency(50):.2f}", f"{one.latency(99):.2f}",
        f"{one.peak_mib:,.0f}", f"{one.start_seconds:.2f}",
    ]  # fmt: skip


def _speedups(one: "Throughput", names: Sequence[str]) -> list[str]:
    cells = [_with_interval(one.speedups[name]) if name in one.speedups else "–" for name in names]
    return [one.title, *cells, _with_interval(one.floor), f"{one.floor.smallest_effect:.3f}"]


def _judged(one: "Gated") -> list[str]:
    interval = f"{one.slower.low:.3f} to {one.slower.high:.3f}"
    floor = _with_interval(one.floor)
    return [one.title, f"{one.value:.3f}", interval, floor, f"{one.floor.smallest_effect:.3f}", one.verdict]


def _with_interval(one: "Ratio") -> str:
    return f"{one.value:.2f} ({one.interval.low:.2f} to {one.interval.high:.2f})"
