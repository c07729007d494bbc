"""The report: the same record gives the same bytes; SIGKILL leaves the old or the new one; its totals are counted.

The totals are computed a second time here, from the files of the runs.
"""

import csv
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from suite.disk.journal import Run
from tests.conftest import Workspace
from tests.promises.conftest import Bench, Check
from tests.promises.reporter import Reporter

pytestmark = [
    pytest.mark.promise,
    pytest.mark.check(23, "report: equal bytes, old or new under SIGKILL, all escaped, totals agree"),
]

Files = dict[str, bytes]
POINTS = (
    "publish:before@accuracy.csv", "publish:before@plain-curves.png", "publish:before@throughput.svg",
    "publish:before@report.md", "publish:before@report.html", "write:half@report.html", "write:replaced@runs.csv",
    "write:before-replace@report.html", "write:replaced@report.html",
)  # fmt: skip
SHORT = ("publish:before@report.html", "write:half@report.html")


def files_of(folder: Path) -> Files:
    """All files in a folder except the lock; drafts that were left over are included."""
    paths = [path for path in folder.rglob("*") if path.name != ".lock" and not path.is_dir()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths} | {
        f"{path.name}/": b"" for path in folder.iterdir() if path.is_dir() and path.name != "pictures"
    }


@dataclass(frozen=True)
class Ledger:
    """A home with two seeds of one experiment in MLflow, its report `new`, and the report `old` of the first seed."""

    home: Path
    runs: list[Run]
    reporter: Reporter
    old: Files
    new: Files
    seconds: float

    def put_old(self, reports: Path) -> Path:
        """Fill a folder with the old report; returns it."""
        for name, contents in self.old.items():
            (reports / name).parent.mkdir(parents=True, exist_ok=True)
            (reports / name).write_bytes(contents)
        return reports


@pytest.fixture(scope="module")
def ledger(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """The home, filled and reported by forked processes."""
    bench = Bench(own, digits, tmp_path_factory.mktemp("ledger"))
    workspace = Workspace(bench.top, {"SUITE_EXPERIMENTS": str(own)})
    reporter = Reporter(workspace.environment)
    runs, found = [bench.run("plain", bench.top, seed) for seed in (0, 1)], []
    try:
        for run in runs:
            bench.work([bench.job(run)])
            assert reporter.write(bench.top, bench.top / "reports", sync=True) == 0
            found.append(files_of(bench.top / "reports"))
        begun = time.monotonic()
        assert reporter.write(bench.top, bench.top / "again") == 0
        assert files_of(bench.top / "again") == found[-1]
        yield Ledger(bench.top, runs, reporter, *found, seconds=time.monotonic() - begun)
    finally:
        reporter.close()


def test_one_record_gives_one_report(check: Check, ledger: Ledger, tmp_path: Path) -> None:
    """The bytes are equal in the same folder and in new folders, from forked processes and from a separate command."""
    for number in range(check.times(9, 2)):
        with check.case():
            reports = ledger.home / "reports" if number % 2 else tmp_path / str(number)
            assert ledger.reporter.write(ledger.home, reports) == 0
            assert files_of(reports) == ledger.new

    if check.full:
        with check.case():
            assert Workspace(ledger.home).suite("report").code == 0
            assert files_of(ledger.home / "reports") == ledger.new
    assert len(ledger.new) >= 15
    assert set(ledger.new) == set(ledger.old)
    assert ledger.new["report.html"] != ledger.old["report.html"]


@pytest.mark.full
def test_killed_at_any_moment_it_leaves_the_old_report_or_the_new_one(
    check: Check, ledger: Ledger, chance: random.Random, tmp_path: Path
) -> None:
    midway = 0
    for number in range(check.times(12)):
        reports = ledger.put_old(tmp_path / str(number))
        with check.case():
            code = ledger.reporter.write(ledger.home, reports, kill_after=chance.uniform(0, ledger.seconds))
            assert code in (0, -signal.SIGKILL)
            midway += code != 0
            assert_old_or_new(ledger, reports)

    assert midway * 3 >= check.times(12), "too few were killed while they wrote"
    check.remarks.append(f"reports killed at random while being written: {midway}")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_moment_it_leaves_the_old_report_or_the_new_one(
    check: Check, ledger: Ledger, tmp_path: Path, point: str
) -> None:
    if not check.full and point not in SHORT:
        pytest.skip("only under -m promise")
    reports = ledger.put_old(tmp_path / "reports")

    with check.case():
        assert ledger.reporter.write(ledger.home, reports, crash_at=point) == -signal.SIGKILL, "it never came there"
        drafts = [name for name in files_of(reports) if name.startswith(".drafts-")]
        assert drafts, "all was done before"
        assert_old_or_new(ledger, reports, publishing=point.startswith("publish:"))


def assert_old_or_new(ledger: Ledger, reports: Path, *, publishing: bool = True) -> None:
    """Each file is the old or the new one, and the page changes last. The next report is complete.

    Before publishing begins, every file is the old one.
    """
    left = {name: contents for name, contents in files_of(reports).items() if not name.startswith(".drafts-")}
    assert set(left) == set(ledger.new)
    assert publishing or left == ledger.old
    assert [name for name in left if left[name] not in (ledger.old[name], ledger.new[name])] == []
    if left["report.html"] == ledger.new["report.html"]:
        assert left == ledger.new
    assert ledger.reporter.write(ledger.home, reports) == 0
    assert files_of(reports) == ledger.new


def rows(reports: Path, name: str) -> list[dict[str, str]]:
    with open(reports / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_its_totals_are_those_of_the_predictions_counted_anew(check: Check, ledger: Ledger) -> None:
    """Count again from the files of the runs, with the standard library only."""
    reports = ledger.home / "reports"
    counted, shares = Counter[tuple[int, int]](), []
    for run in ledger.runs:
        stored = load_file(run.folder / "predictions.safetensors")
        labels, predicted = stored["label"].tolist(), stored["predicted"].tolist()
        counted.update(zip(labels, predicted, strict=True))
        shares.append(Fraction(sum(map(int.__eq__, labels, predicted)), len(labels)))
    seeds, per_class = len(ledger.runs), Counter(labels)

    with check.case():
        found = {
            (int(row["true"]), int(row["predicted"])): Fraction(row["images"]) for row in rows(reports, "confusion")
        }
        assert {place: images * seeds for place, images in found.items() if images} == dict(counted)
        assert len(found) == 100
    with check.case():
        assert {true: sum(found[true, other] for other in range(10)) for true in range(10)} == dict(per_class)
    with check.case():
        [row] = rows(reports, "accuracy")
        assert [float(one["test accuracy"]) for one in rows(reports, "runs")] == [float(share) for share in shares]
        assert abs(Fraction(row["test accuracy"]) - sum(shares) / seeds) < Fraction(1, 10**15)
        assert (float(row["worst"]), float(row["best"])) == (float(min(shares)), float(max(shares)))
        assert (int(row["n"]), int(row["test images"])) == (seeds, len(labels))
    with check.case():
        right = sum(counted[place, place] for place in range(10))
        assert Fraction(right, seeds) == sum(found[place, place] for place in range(10))
        assert Fraction(right, seeds * len(labels)) == sum(shares) / seeds


def test_damage_of_the_last_report_is_mended_by_the_next(check: Check, ledger: Ledger, tmp_path: Path) -> None:
    reports = ledger.put_old(tmp_path / "reports")
    (reports / "report.html").write_bytes(b"<html>")
    (reports / "accuracy.csv").unlink()
    shutil.rmtree(reports / "pictures")

    with check.case():
        assert ledger.reporter.write(ledger.home, reports) == 0
        assert files_of(reports) == ledger.new
