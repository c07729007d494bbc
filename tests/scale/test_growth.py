"""What grows with the record, in counts: requests of MLflow's database, and files that are opened. Never seconds."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from suite import reporting
from suite.api.comparing import compare
from suite.api.progress import Silent
from suite.api.session import Session
from suite.reporting import figures, write_report
from suite.reporting.shown import LARGEST, SIZES
from suite.runs.plan import plan
from suite.tracking.complete import complete_runs
from suite.tracking.frame import finished_runs
from suite.tracking.groups import read_groups
from suite.tracking.store import open_store, search
from suite.tracking.sync import sync
from tests.conftest import furnish
from tests.scale.homes import Large
from tests.scale.record import record

pytestmark = [pytest.mark.mlflow, pytest.mark.promise]
SEEDS, FEW, MANY = 5, 60, 300
OPENED: list[str] | None = None  # the files that are opened now, while somebody counts


def _note_file(event: str, words: tuple[Any, ...]) -> None:
    if event == "open" and OPENED is not None and isinstance(words[0], str) and words[1]:  # not the opener's own call
        OPENED.append(words[0])


sys.addaudithook(_note_file)  # a hook cannot be taken away


@dataclass
class Counts:
    """How many statements went to the database, and how many files below a folder were opened, by name."""

    statements: int = 0
    files: Counter[str] | None = None

    def more(self, before: "Counts", name: str = "") -> int:
        """How many files more were opened than before, of this name or in all."""
        assert self.files is not None
        assert before.files is not None
        found = self.files - before.files
        return found[name] if name else sum(found.values())


@contextmanager
def counting(folder: Path) -> Iterator[Counts]:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    global OPENED
    counts, OPENED = Counts(), []

    def note(*_: object) -> None:
        counts.statements += 1

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        counts.files = Counter(Path(path).name for path in OPENED if path.startswith(str(folder)))
        OPENED = None


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    """A home that `counted` grows."""
    large = Large(tmp_path_factory.mktemp("growing"), seeds=SEEDS)
    large.home.root.mkdir()
    furnish(large.home.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUITE_HOME", str(large.home.root))
        patch.setenv("SUITE_EXPERIMENTS", str(large.own))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield large


@pytest.fixture(scope="module")
def counted(home: Large) -> list[dict[str, Counts]]:
    """What each step of a command costs with few runs, and with many."""
    return [costs(home, runs) for runs in (FEW, MANY)]


def costs(large: Large, runs: int) -> dict[str, Counts]:
    home = large.home
    record(home, large.grow(runs))
    store = open_store(home)
    found: dict[str, Counts] = {}
    with counting(home.root) as found["plan"]:
        assert all(one.skipped for one in plan(large.recipes(runs), range(SEEDS), home.runs))
    with counting(home.root) as found["sync"]:
        assert sync(home, lambda _: pytest.fail("drawn"), pytest.fail, lambda: store).sent == 0
    with counting(home.root) as found["read"]:
        rows = finished_runs(store)
    with counting(home.root) as found["groups"]:
        assert len(read_groups(store, rows)) == runs // SEEDS
    session = Session.open(Silent(), experiments=[large.own])
    session._store = store
    with counting(home.root) as found["compare"]:
        compare(session, ["scale_0", "scale_1"])
    return found


def test_a_plan_opens_each_file_of_a_run_once(counted: list[dict[str, Counts]]) -> None:
    few, many = (one["plan"] for one in counted)

    for name in ("result.json", "recipe.json", "history.jsonl", "weights.safetensors", "predictions.safetensors"):
        assert many.more(few, name) == MANY - FEW
    assert many.more(few) <= 6 * (MANY - FEW)  # and the patch of a checkout that was changed
    assert (few.statements, many.statements) == (0, 0)


def test_a_command_that_finds_nothing_to_send_opens_no_file_of_a_run(counted: list[dict[str, Counts]]) -> None:
    few, many = (one["sync"] for one in counted)

    assert many.more(few, "result.json") == many.more(few, "recipe.json") == 0
    assert many.statements == few.statements


def test_the_record_is_read_by_as_many_statements_as_ever(counted: list[dict[str, Counts]]) -> None:
    few, many = (one["read"] for one in counted)

    assert 0 < many.statements == few.statements <= 10


def test_of_each_run_three_artifacts_are_read(counted: list[dict[str, Counts]]) -> None:
    few, many = (one["groups"] for one in counted)

    assert many.more(few) <= 3 * (MANY - FEW) + 2 * (MANY - FEW) // SEEDS
    assert many.more(few) > 0
    assert many.statements == few.statements == 0


def test_to_compare_two_recipes_the_others_are_not_read(counted: list[dict[str, Counts]]) -> None:
    few, many = (one["compare"] for one in counted)

    assert many.more(few) == 0
    assert many.files is not None
    assert many.files["predictions.safetensors"] == 2 * SEEDS
    assert many.statements == few.statements


@pytest.mark.usefixtures("counted")
def test_a_recipe_that_is_read_alone_has_the_title_that_it_has_among_all(home: Large) -> None:
    store = open_store(home.home)
    titles = {one.identity: one.title for one in read_groups(store, finished_runs(store))}
    unchanged, changed = (next(one for one in titles if ("lr=" in titles[one]) == is_changed) for is_changed in (0, 1))

    alone = read_groups(store, finished_runs(store, [unchanged, changed[:12]]))

    assert {one.identity: one.title for one in alone} == {one: titles[one] for one in (unchanged, changed)}
    assert [len(one.runs) for one in alone] == [SEEDS, SEEDS]


@pytest.mark.usefixtures("counted")
def test_the_tables_say_what_mlflows_search_says(home: Large) -> None:
    store = open_store(home.home)

    ours, theirs = complete_runs(store), search(store, "tags.`suite.complete` = 'true'")

    assert len(ours) == MANY
    assert [one.info.run_id for one in ours] == [one.info.run_id for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert dict(one.info) == dict(other.info)
        assert (one.data.tags, one.data.params, one.data.metrics) == (
            other.data.tags, other.data.params, other.data.metrics,
        )  # fmt: skip
        mine, known = ([dict(given.dataset) for given in run.inputs.dataset_inputs] for run in (one, other))
        for given in known:
            given |= {"profile": None}  # which nobody looks at
        assert sorted(mine, key=repr) == sorted(known, key=repr)


@pytest.mark.usefixtures("counted")
def test_the_report_of_all_shows_a_choice(home: Large, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At first 40 of 60 recipes; fewer where the page would be too long."""
    image = {"svg": b"<svg/>", "png": b""}
    monkeypatch.setattr(figures, "draw_all", lambda drawings: ((n, image) for n, _ in enumerate(drawings)))
    store = open_store(home.home)

    whole = write_report(store, tmp_path / "whole")
    length = whole.page.stat().st_size
    monkeypatch.setattr(reporting, "LARGEST", 2 * length // 3)
    short = write_report(store, tmp_path / "short")

    assert length < LARGEST
    assert short.page.stat().st_size <= 2 * length // 3
    said = [one.sentences[0].partition(":")[0] for one in (whole, short)]
    assert said == [f"This page shows {most} of {MANY // SEEDS} recipes" for most in SIZES[:2]]
    for written, most in ((whole, SIZES[0]), (short, SIZES[1])):
        text = written.page.read_text()
        assert len(re.findall(r'<h3 id="of-', text)) == most
        assert len(list(csv.DictReader((written.page.parent / "runs.csv").read_text().splitlines()))) == MANY
        assert set(re.findall(r'href="(pictures/[^"]+)"', text)) <= {
            f"pictures/{path.name}" for path in (written.page.parent / "pictures").iterdir()
        }
