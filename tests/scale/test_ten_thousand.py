"""10,000 runs, in SQLite and in PostgreSQL: every command ends, the page is short, and MLflow answers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from suite.reporting.shown import LARGEST
from tests.postgres import Postgres
from tests.scale.homes import Large
from tests.scale.measuring import all_of, first_page
from tests.scale.record import record

pytestmark = [pytest.mark.promise, pytest.mark.full, pytest.mark.mlflow]
RUNS = 10_000
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Large:
    """The home of both tests."""
    return Large(tmp_path_factory.mktemp("ten-thousand"))


@pytest.mark.timeout(7_200)
def test_in_sqlite(large: Large, figure: Figure) -> None:
    assert record(large.home, large.grow(RUNS)) == RUNS
    assert_usable(large, "", figure)


@pytest.mark.timeout(7_200)
def test_in_postgresql(large: Large, figure: Figure) -> None:
    with Postgres(["record"]) as server:
        for _ in large.grow(RUNS):  # where this test is chosen alone
            pass
        address = server.address("record")
        runs = ((run, run.result()) for run, _ in large.planned(RUNS))
        assert record(replace(large.home, tracker=address), runs) == RUNS
        assert_usable(large, address, figure)


def assert_usable(large: Large, tracker: str, figure: Figure) -> None:
    kind = tracker.partition(":")[0] or "sqlite"
    for name, cost in all_of(large, RUNS, tracker):
        figure(f"{RUNS:,} runs, {kind}: {name}: {cost.processor:.1f} s of processor time, {cost.mib:.0f} MiB")
    page = large.home.page.read_text()
    assert len(page.encode()) < LARGEST
    assert "This page shows 40 of 400 recipes: " in page
    with (large.home.reports / "runs.csv").open() as rows:
        assert sum(1 for _ in rows) == 1 + RUNS
    with first_page(large, tracker) as ask:
        assert ask().seconds > 0
