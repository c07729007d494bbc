"""Check 4, what is made from finished runs: pictures, MLflow's record and the report. Also the cache of data sets."""

import shutil
import signal
from itertools import cycle, islice
from pathlib import Path

import pytest

from suite.data.dataset import FILES
from tests.promises.breaking import Act, Broken, act_in_turn, train_and_die
from tests.promises.conftest import KINDS, Bench, last
from tests.promises.mirrors import assert_mirror_is_exact
from tests.promises.points import steps_of_source
from tests.promises.test_crash_points import IN_TRAINING, at_steps

pytestmark = pytest.mark.promise

# The acts, in the order in which an undisturbed home does them: {act: the act that follows a crash in it}.
OWN = {"open": "database:", "record": "mirror:", "rebuild": "rebuild:"}
AFTER_CRASH = {"prepare": "prepare", "open": "record", "record": "record", "report": "report", "rebuild": "rebuild"}


def files_in(folder: Path, without: str = "\0") -> dict[str, bytes]:
    """Every file below a folder, leftovers too. Locks are left out, because they are empty."""
    paths = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    names = [name for name in paths if without not in name and not name.endswith("lock")]
    return {name: paths[name].read_bytes() for name in names}


class Unbroken:
    """Copies of a home from before each act and after the last one, and the steps that each act passes."""

    def __init__(self, top: Path, steps: dict[str, dict[str, int]]) -> None:
        self.top, self.steps = top, steps

    def before(self, act: str) -> Path:
        return self.top / f"before-{act}"

    def after(self, act: str) -> Path:
        following = [*AFTER_CRASH, "end"]
        return self.before(following[following.index(act) + 1])


def go_through(bench: Bench, kinds, top: Path) -> dict[str, Unbroken]:
    """Make one finished and one interrupted run of each kind, then do all acts with them."""
    homes = {kind: top / kind for kind in kinds}
    runs = [(bench.run(kind, homes[kind] / "before-prepare", seed), at)
            for kind in kinds for seed, at in ((0, None), (1, "epoch:saved#2"))]  # fmt: skip
    events = bench.work([Broken(bench.job(run), at) for run, at in runs], by=train_and_die)
    assert all(last(found, "done") for found, (_, at) in zip(events, runs, strict=True) if not at), events
    steps = {kind: {} for kind in kinds}
    for act, following in zip(AFTER_CRASH, [*list(AFTER_CRASH)[1:], "end"], strict=True):
        places = [homes[kind] / f"before-{following}" for kind in kinds]
        for kind, place in zip(kinds, places, strict=True):
            shutil.copytree(homes[kind] / f"before-{act}", place)
        told = bench.work([[Act(act, place, bench.data)] for place in places], by=act_in_turn)
        for kind, events in zip(kinds, told, strict=True):
            assert last(events, "acted")["exit"] == 0, (kind, act)
            steps[kind][act] = last(events, "passed")["steps"]
    return {kind: Unbroken(homes[kind], steps[kind]) for kind in kinds}


@pytest.fixture(scope="module")
def unbroken(own, digits, tmp_path_factory, request):
    top = tmp_path_factory.mktemp("unbroken")
    kinds = KINDS if request.config.getoption("-m") == "promise" else KINDS[1:]
    return go_through(Bench(own, digits, top), kinds, top)


def crash_and_repeat(bench, sources, act: str, points: list[str]) -> list[Path]:
    """Copies of `sources`. In each of them `act` was killed at one of the points."""
    homes = [bench.top / f"{act}{number}" for number in range(len(points))]
    for source, home in zip(sources, homes, strict=True):
        shutil.copytree(source, home)
    acts = [Act(act, home, bench.data, at) for home, at in zip(homes, points, strict=True)]
    ended = {}
    for events in bench.work([acts[0::2], acts[1::2]], by=act_in_turn):
        ended |= {event["act"].home: event["exit"] for event in events if event["event"] == "acted"}
    for home, at in zip(homes, points, strict=True):
        assert ended[home] == -signal.SIGKILL, f"{act}: {at} was never reached"
    return homes


def repeat(bench, homes: list[Path], act: str) -> None:
    acts = [Act(act, home, bench.data) for home in homes]
    for events in bench.work([acts[0::2], acts[1::2]], by=act_in_turn):
        assert all(event["exit"] == 0 for event in events if event["event"] in ("acted", "ended")), events


def spread(chance, steps: dict[str, int], wanted: str) -> list[str]:
    """Pairs of a step and a file, chosen at random, so that each file and each step of a write occurs."""
    own = [step for step in steps if step.startswith(wanted)]
    files, kinds = (sorted({step.split("@")[part] for step in own}) for part in (1, 0))
    chance.shuffle(files)
    pairs = zip(cycle(kinds), cycle(files), strict=False)
    return ["@".join(pair) for pair in islice(pairs, max(len(files), len(kinds)))]


def chosen(check, chance, unbroken, act: str, short: int) -> list[tuple[str, str]]:
    """The points at which an act is killed, each with the kind of run."""
    every = []
    for kind in unbroken:
        steps = unbroken[kind].steps[act]
        if act == "prepare":
            every += [(kind, at) for at in spread(chance, steps, "write:")]
        elif act == "report":
            names = [step for step in steps if step.startswith("publish:")]
            some = [names[0], names[-1], *chance.sample(names[1:-1], 2)]
            every += [(kind, at) for at in [*some, *spread(chance, steps, "write:")[:8]]]
        else:
            own = {step: times for step, times in steps.items() if step.startswith(OWN[act])}
            every += [(kind, at) for at in at_steps(own, chance)]
    return sorted(chance.sample(every, check.times(len(every), short)))


def started(check, chance, bench, unbroken, act, short):
    points = chosen(check, chance, unbroken, act, short)
    homes = crash_and_repeat(bench, [unbroken[kind].before(act) for kind, _ in points], act, [at for _, at in points])
    return points, homes


@pytest.mark.full
@pytest.mark.check(4, "kill -9 at each named step")
def test_pictures_that_were_half_drawn_are_drawn_again(check, chance, bench, unbroken):
    points, homes = started(check, chance, bench, unbroken, "prepare", 3)

    repeat(bench, homes, "prepare")

    for (kind, at), home in zip(points, homes, strict=True):
        with check.case():
            assert files_in(home) == files_in(unbroken[kind].after("prepare")), at


@pytest.mark.check(4, "kill -9 at each named step")
@pytest.mark.parametrize("act", ["record", *(pytest.param(act, marks=pytest.mark.full) for act in ("open", "rebuild"))])
def test_a_record_that_was_half_written_is_completed_without_doubles(check, chance, bench, unbroken, act):
    points, homes = started(check, chance, bench, unbroken, act, {"record": 3}.get(act, 1))

    repeat(bench, homes, AFTER_CRASH[act])

    for (kind, at), home in zip(points, homes, strict=True):
        with check.case():
            rows = assert_mirror_is_exact(home)
            assert rows == assert_mirror_is_exact(unbroken[kind].after("record")), at
            assert files_in(home / "mlruns" / "runs") == files_in(unbroken[kind].after(act) / "mlruns" / "runs"), at
            assert list(home.rglob(".*.tmp")) == [], at
            if act == "rebuild":
                kept = b"".join(path.read_bytes() for path in home.glob("mlruns/before-rebuild-*/mlflow.db"))
                assert kept, f"{at}: the record that was set aside is gone"


@pytest.mark.check(4, "kill -9 at each named step")
def test_a_report_that_was_half_written_leaves_whole_files_and_is_written_again(check, chance, bench, unbroken):
    for kind in unbroken:  # an earlier report
        for name in files_in(unbroken[kind].after("report") / "reports"):
            (unbroken[kind].before("report") / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
            (unbroken[kind].before("report") / "reports" / name).write_bytes(b"earlier")
    points, homes = started(check, chance, bench, unbroken, "report", 2)
    left = [
        {name: bytes_ for name, bytes_ in files_in(home / "reports").items() if ".tmp" not in name} for home in homes
    ]

    repeat(bench, homes, "report")

    for (kind, at), home, found in zip(points, homes, left, strict=True):
        with check.case():
            new = files_in(unbroken[kind].after("report") / "reports")
            assert found.keys() == new.keys(), at
            assert all(contents in (b"earlier", new[name]) for name, contents in found.items()), at
            assert found["report.html"] == b"earlier", f"{at}: the page before what it stands on"
            assert at.startswith("publish:") or set(found.values()) == {b"earlier"}, at
            assert files_in(home / "reports") == new, at


@pytest.mark.check(4, "kill -9 at each named step")
def test_a_data_set_that_was_half_fetched_is_fetched_again(check, chance, bench):
    [first] = bench.work([[Act("fetch", bench.home("whole"), bench.data)]], by=act_in_turn)
    every = spread(chance, last(first, "passed")["steps"], "write:")
    points = chance.sample(every, check.times(len(every), 1))
    points = [*points, f"write:replaced@{FILES[-1]}"]  # the set is complete, but the temporary folder still exists
    empty = bench.home("empty")
    homes = crash_and_repeat(bench, [empty] * len(points), "fetch", points)

    repeat(bench, homes, "fetch")

    for at, home in zip(points, homes, strict=True):
        with check.case():
            assert files_in(home) == files_in(bench.top / "whole"), at


def test_every_step_in_the_source_is_passed_by_one_of_these_tests(unbroken):
    passed = {step.partition("@")[0] for kind in unbroken for steps in unbroken[kind].steps.values() for step in steps}
    elsewhere = {*IN_TRAINING, "studies"}  # those are tested in test_crash_points and test_studies
    copies = {step for step in steps_of_source() if step.partition(":")[0] not in elsewhere}

    assert copies
    assert copies <= passed, "a step that no test dies at"
