"""Hostile names and notes in experiments and MLflow's tags are always shown as text, never as markup or commands."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from suite.disk.home import Home
from suite.recipe.registry import load
from suite.tracking.store import Store, open_store
from tests.conftest import Answer, Workspace
from tests.drawn import ALL
from tests.promises.conftest import PLAIN, Bench, Check
from tests.reporting.test_page import NASTY, Page, plain

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

pytestmark = [
    pytest.mark.promise,
    pytest.mark.check(23, "report: equal bytes, old or new under SIGKILL, all escaped, totals agree"),
]

WORDS = {
    "a sign": "a<b",
    "another sign": "a>b",  # careless code would make the same file name from this word and the one above
    **NASTY,
    "a script that ends one": "</script><script src=//x.example></script>",
    "quotes": "\"double\" 'single' `back` “typographic”",
    "half a formula": "$\\frac{1}{$ and $\\nosuch$ _^",
    "a spreadsheet's formula": '=HYPERLINK("x","y"),+1',
    "a path": "../../outside/<b>",
    "the end of a line": "one\n| two |\n\n---\n```",
    "backwards": "\u202ereversed\u202c \u200bhidden",
    "a window's title": "\x1b]0;mine\x07 \x9b2J \x1b]8;;http://x.example\x1b\\click\x1b]8;;\x1b\\",
    "letters that few fonts have": "日本語 😀 \u0301\u0301\U0001f468\u200d\U0001f469",
    "very long": "long " * 70,
    "nothing but signs": "|<>&\"'`*_[]{}()#+-.!\\/~^$%@=:;?,",
}
OF_A_NOTE = {
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "em",
    "strong",
    "a",
    "img",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
SHORT = ("a sign", "another sign", "a script", "colours", "line ends", "half a formula")


@dataclass(frozen=True)
class Told:
    """The report about runs with hostile words everywhere, and the output of the command that wrote it."""

    reports: Path
    answer: Answer
    words: list[str]

    @property
    def html(self) -> str:
        return (self.reports / "report.html").read_text(encoding="utf-8")

    @property
    def markdown(self) -> str:
        return (self.reports / "report.md").read_text(encoding="utf-8")

    def tables(self) -> dict[str, list[list[str]]]:
        """The rows of each CSV file; the first row has the names of the columns."""
        found = {}
        for path in sorted(self.reports.glob("*.csv")):
            with open(path, newline="", encoding="utf-8") as file:
                found[path.stem] = list(csv.reader(file))
        return found


@pytest.fixture(scope="module")
def told(own: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Told:
    """One run for each word. All tags of the run that hold text are set to the word, with MLflow's own client."""
    full = request.config.getoption("-m") == "promise"
    words = [word for name, word in WORDS.items() if full or name in SHORT]
    bench = Bench(own, digits, tmp_path_factory.mktemp("words"))
    run = bench.run("plain", bench.top)
    bench.work([bench.job(run)])
    workspace = Workspace(bench.top, {"SUITE_EXPERIMENTS": str(own), **ALL})
    assert workspace.suite("sync").code == 0
    store = open_store(Home(bench.top))
    [whole] = store.client.search_runs([store.experiment_id], "tags.`suite.kind` = 'run'")
    for number, word in enumerate(words):
        add_copy(store, whole, run.folder / "artifacts", number, word)
    shutil.rmtree(run.folder)  # so that `sync` has no run to send
    return Told(bench.top / "reports", workspace.suite("report"), words)


def add_copy(store: Store, whole: "MlflowRun", artifacts: Path, number: int, word: str) -> None:
    """Add a copy of the run `whole` with this word in its tags. Every third copy counts as a changed experiment."""
    from mlflow.entities import Metric, Param

    source = {
        "title": word, "remark": word, "accuracy_words": word, "machine": word, "parameters": 7850, "accuracy": 0.5,
        "history": {}, "confused": [word, word, 3], "seconds": 1,
    }  # fmt: skip
    changes = {"lr": word, word: 1} if number % 3 == 2 else {}
    tags = {name: value for name, value in whole.data.tags.items() if name != "mlflow.parentRunId"}
    tags |= {f"suite.env.{name}": word for name in ("cpu", "cores", "torch", "python", "system")}
    tags |= {"suite.experiment": word, "suite.identity": f"{number:064x}", "suite.run": f"{number:064x}-s0"}
    tags |= {"suite.source": json.dumps(source), "suite.overrides": json.dumps(changes)}
    tags |= dict.fromkeys(("mlflow.note.content", "mlflow.runName", "mlflow.user", "mlflow.source.git.commit"), word)
    needed = ("data", "epochs", "keep", "seed")
    params = {name: value if name in needed else word for name, value in whole.data.params.items()}
    client = store.client
    run_id = client.create_run(store.experiment_id, tags=tags).info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, 0, 0) for name, value in whole.data.metrics.items()],
        params=[Param(name, value) for name, value in params.items()],
    )
    client.log_artifacts(run_id, str(artifacts))
    client.set_terminated(run_id)


def speaks(text: str) -> list[str]:
    """The characters that control a terminal."""
    return [letter for letter in text if not letter.isprintable() and letter != "\n"]


def test_the_command_tells_of_every_run_in_a_line_of_its_own(check: Check, told: Told) -> None:
    lines = told.answer.out.splitlines()

    with check.case(len(told.words)):
        assert (told.answer.code, told.answer.err) == (0, "")
        assert speaks(told.answer.out) == []
        assert len(lines) == 1 + 1 + len(told.words) + 1  # column names, `plain`, and the place of the report
        assert [word for word in told.words if not any(plain(word) in plain(line) for line in lines)] == []


def test_the_page_shows_words_as_words(check: Check, told: Told) -> None:
    page = Page(told.html)
    tags = {tag.removeprefix("/") for tag, _ in page.tags}

    with check.case():
        assert speaks(told.html) == []
        assert tags.isdisjoint({"b", "iframe", "comment"})
        assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]  # the page's own script
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
        assert all(link.startswith("#") for link in page.values("href"))
        assert all(source.startswith("data:image/") for source in page.values("src"))
        assert len(page.values("id")) == len(set(page.values("id")))
        assert [word for word in told.words if page.words().count(plain(word)) < 5] == []
        assert len([row for row in page.rows if len(row) == 13]) == len(told.words) + 2  # no row is broken


def test_the_note_shows_words_as_words(check: Check, told: Told) -> None:
    note = Page(MarkdownIt("commonmark").enable("table").render(told.markdown))
    tags = {tag.removeprefix("/") for tag, _ in note.tags}

    with check.case():
        assert speaks(told.markdown) == []
        assert "<script" not in told.markdown.lower()
        assert tags <= OF_A_NOTE
        links = [*note.values("href"), *note.values("src")]
        assert [link for link in links if not (told.reports / link).is_file()] == []
        assert [word for word in told.words if note.words().count(plain(word)) < 4] == []
        assert len([row for row in note.rows if len(row) == 13]) == len(told.words) + 2


def test_the_tables_keep_their_columns_and_every_word(check: Check, told: Told) -> None:
    tables = told.tables()

    with check.case():
        assert set(tables) >= {"accuracy", "throughput", "runs", "confusion", "classes"}
        for name, rows in tables.items():
            assert {len(row) for row in rows} == {len(rows[0])}, name
            assert [cell for row in rows for cell in row if speaks(cell)] == [], name
        for name in ("accuracy", "throughput"):
            titles = [plain(row[0]) for row in tables[name][1:]]
            assert len(titles) == len(told.words) + 1
            assert [word for word in told.words if not any(plain(word) in title for title in titles)] == []


def test_every_run_has_pictures_of_its_own_inside_the_folder(check: Check, told: Told) -> None:
    home = told.reports.parent

    with check.case():
        names = [path.name for path in (told.reports / "pictures").iterdir()]
        assert len([name for name in names if name.endswith("-curves.svg")]) == len(told.words) + 1
        assert all(len(name) < 80 and name.isascii() for name in names)
        assert all(speaks(path.read_text()) == [] for path in (told.reports / "pictures").glob("*.svg"))
        assert {path.name for path in home.iterdir()} == {"mlruns", "reports"}


@pytest.mark.parametrize("verb", [("list",), ("show", "named")])
def test_a_source_with_hostile_words_speaks_to_no_terminal(check: Check, bench: Bench, verb: tuple[str, ...]) -> None:
    """The title and remarks of an experiment from somebody else have no control characters when they are printed."""
    folder = bench.home("sent")
    words = [word for name, word in WORDS.items() if check.full or name in SHORT]
    for number, word in enumerate(words):
        name = "named" if number == 2 else f"named_{number}"
        told = f"title={word!r}, remark={word!r}, accuracy_words={word!r}"
        source = f"source=Source({told}, accuracy=0.5, parameters=7850)"
        text = PLAIN.replace("import Recipe", "import Recipe, Source").replace("epochs=3,", f"epochs=3, {source},")
        (folder / f"{name}.py").write_text(text, encoding="utf-8")

    answer = Workspace(bench.top, {"SUITE_EXPERIMENTS": str(folder)}).suite(*verb)

    with check.case():
        assert (answer.code, answer.err) == (0, "")
        assert speaks(answer.out) == []
        shown = words if verb == ("list",) else words[2:3]
        lines = answer.out.splitlines()
        assert [word for word in shown if not any(plain(word) in plain(line) for line in lines)] == []
        assert verb != ("list",) or len(lines) == 1 + len(load().experiments) + len(words)
