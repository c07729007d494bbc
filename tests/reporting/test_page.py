"""The report page: one file without outside parts, all words shown as text, the same bytes each time."""

import base64
import contextlib
import html
import re
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from suite.errors import SuiteError
from suite.reporting.chapters import Chapter
from suite.reporting.figures import Album, add_pictures
from suite.reporting.page import write_page
from suite.reporting.tables import all_tables, write_csv
from tests.reporting.conftest import SOURCE

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n\x1a\n not really"
NASTY = {
    "a script": "<script>alert(1)</script>",
    "an attribute": "\" onerror='alert(1)' x=\"",
    "a pipe": "left | right || end",
    "an escaped pipe": "left \\| right \\\\| end",
    "colours": "\x1b[31mred\x1b[0m \x9b31m \x07",
    "markup": "[red]bold[/red]",
    "line ends": "one\ntwo\r\n\n# three\n| four |\n- five",
    "a template": "{{ 7 * 7 }} {% if x %} ${7*7}",
    "a link": "[click](https://x.example) ![x](y.png) <https://x.example>",
    "an escaped link": "\\[click\\](https://x.example) \\<b>bold\\</b>",
    "emphasis": "*a* **b** _c_ __d__ `e` ~~f~~",
    "an entity": "&lt;b&gt; &amp; &#60;script&#62;",
    "a comment": "<!-- hidden --> ]]> <![CDATA[",
    "the end of all": "</td></tr></table></main></body></html>",
}


class Page(HTMLParser):
    """The tags with their attributes, and the text, of a piece of HTML."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.parts, self.rows, self.in_cell = [], [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        self.tags.append((f"/{tag}", {}))
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.parts.append(data)
        if self.in_cell:
            self.rows[-1][-1] += data

    def handle_comment(self, data):
        self.tags.append(("comment", {"text": data}))

    def shape(self):
        """The tags with the names of their attributes. No hostile word may change these."""
        return [(tag, sorted(attributes)) for tag, attributes in self.tags]

    def values(self, name):
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    def words(self):
        return plain("".join(self.parts))


def plain(text):
    """The printable letters of a text, to compare what a reader sees."""
    return "".join(letter for letter in text if letter.isprintable() and not letter.isspace())


def rendered(markdown):
    return Page(MarkdownIt("commonmark").enable("table").render(markdown))


def drawn(groups, folder):
    """Draw the pictures of the groups; returns them."""
    album = Album(folder)
    pictures = add_pictures(groups, album, {})
    album.finish()
    return pictures


@pytest.fixture(scope="module")
def groups(make_group):
    """A published experiment, and a changed experiment with one seed."""
    probes = ([{"step": 50.0, "batch_loss": 0.5, "test_accuracy": 0.7}],)
    changed = make_group(seeds=1, experiment="cnn", changes="lr=0.01", identity="f" * 64, probes=probes, samples=PNG,
                         diverged=(1, 4))  # fmt: skip
    return [make_group(samples=PNG), changed]


@pytest.fixture(scope="module")
def reports(groups, tmp_path_factory):
    """The folder of a report. Only the pictures of the second group are drawn, because drawing is slow."""
    folder = tmp_path_factory.mktemp("report") / "reports"
    tables, pictures = all_tables(groups), drawn(groups[1:], folder / "pictures")
    write_csv(tables, folder)
    write_page(groups, tables, {groups[0].slug: [], **pictures}, folder)
    return folder


@pytest.fixture(scope="module")
def page(reports):
    return Page((reports / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def note(reports):
    return rendered((reports / "report.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def words_in(make_group, tmp_path_factory):
    """Makes the page and the note of groups that have these words in every text field. No pictures are drawn."""

    @cache
    def make(words):
        folder = tmp_path_factory.mktemp("words")
        source = {**SOURCE, "title": words, "remark": words, "accuracy_words": words}
        layers = [{"name": "0", "kind": words, "shape": words, "parameters": 5, "macs": 5}]
        group = make_group(changes=words, cpu=words, source=source, layers=layers, diverged=(7,))
        published = make_group(cpu=words, source=source, layers=layers, seeds=1)
        both = [group, published]
        pictures = {"": [], **{one.slug: [] for one in both}}
        write_page(both, all_tables(both), pictures, folder)
        return tuple((folder / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))

    return make


def test_the_page_needs_no_other_file_and_no_network(reports, page):
    text = (reports / "report.html").read_text(encoding="utf-8")

    assert "://" not in text
    assert re.findall(r"url\(|@import|<link|<script|<iframe|<base", text) == ["<script"]
    assert page.values("src")
    assert all(source.startswith("data:image/") for source in page.values("src"))
    assert page.values("href")
    assert all(link.startswith("#") for link in page.values("href"))
    assert page.values("srcset") == []


def test_the_page_may_run_its_own_script_alone_and_ask_nobody(reports, page):
    text = (reports / "report.html").read_text(encoding="utf-8")
    [policy] = [tag["content"] for _, tag in page.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    script = text.partition("<script>")[2].partition("</script>")[0]

    assert policy.split("; ") == [
        "default-src 'none'", "style-src 'unsafe-inline'",
        f"script-src 'sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}'",
        "img-src data:", "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip


def titles(text, pattern):
    return [html.unescape(found).replace("\\", "") for found in re.findall(pattern, text, re.MULTILINE)]


def test_the_headings_of_page_and_note_leave_out_no_level(page, note):
    for read in (page, note):
        levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]

        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(following <= level + 1 for level, following in pairwise(levels))


def test_page_and_note_have_the_same_chapters_in_the_same_order(groups, tmp_path):
    """The summary is first and "How it was measured" last. A part without a chapter is not mentioned."""
    study, compared = Chapter("study-x", "Study of x", ["Words."]), Chapter("compare-x", "x against y", ["Words."])
    pictures = {"": [], **{one.slug: [] for one in groups}}
    write_page(groups, all_tables(groups), pictures, tmp_path, studies=[study], comparisons=[compared])
    of_page = titles((tmp_path / "report.html").read_text(encoding="utf-8"), "<h[2-5][^>]*>(.*?)</h")
    of_note = titles((tmp_path / "report.md").read_text(encoding="utf-8"), "^##+ (.*)$")

    assert of_page == of_note
    chapters = ["Summary", "Accuracy", "Experiments", *(one.title for one in groups), "Comparisons", "x against y",
                "Tuning studies", "Study of x", "Speed", "How it was measured"]  # fmt: skip
    assert [title for title in of_page if title in chapters] == chapters


def test_every_link_of_the_page_leads_to_one_place_in_it(page):
    places = page.values("id")

    assert len(places) == len(set(places))
    assert {link.removeprefix("#") for link in page.values("href")} == set(places)


@pytest.mark.parametrize("name", ["accuracy", "runs", "throughput", "published_history"])
def test_an_experiment_named_like_a_table_has_a_place_of_its_own(make_group, tmp_path, name):
    one = make_group(experiment=name)
    write_page([one], all_tables([one]), {"": [], one.slug: []}, tmp_path)
    places = Page((tmp_path / "report.html").read_text(encoding="utf-8")).values("id")

    assert len(places) == len(set(places))


def test_every_picture_of_the_page_says_what_it_shows(page):
    images = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    charts = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    tables = [attributes["aria-label"] for tag, attributes in page.tags if attributes.get("class") == "matrix"]

    assert (len(images), len(charts), len(tables)) == (1, 5, 1)
    assert all([*images, *charts, *tables])


def test_every_link_and_picture_of_the_note_is_a_file_of_the_report(reports, note):
    linked = [*note.values("href"), *note.values("src")]

    assert len(linked) == 11
    assert [name for name in linked if not (reports / name).is_file()] == []


def test_the_same_groups_give_the_same_pictures_to_the_byte(groups, reports, tmp_path):
    pictures = drawn(groups[1:], tmp_path)[groups[1].slug]
    names = [path.name for picture in pictures for path in (picture.path, picture.png)]

    assert len(names) == 10
    assert [
        name for name in names if (tmp_path / name).read_bytes() != (reports / "pictures" / name).read_bytes()
    ] == []


def test_the_same_groups_give_the_same_page_and_tables_to_the_byte(groups, tmp_path):
    pictures = {"": [], **{one.slug: [] for one in groups}}
    found = []
    for _ in range(2):
        write_csv(all_tables(groups), tmp_path)
        write_page(groups, all_tables(groups), pictures, tmp_path)
        found.append({path.name: path.read_bytes() for path in tmp_path.iterdir()})

    assert found[0] == found[1]
    assert len(found[0]) == 9


def test_an_empty_record_gives_a_page_that_says_so(tmp_path):
    write_page([], all_tables([]), drawn([], tmp_path / "pictures"), tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "There is no finished run yet" in text
        assert "python -m suite run all" in text
        assert "Accuracy is" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.md"]


def test_page_and_note_say_where_seeds_are_too_few_for_an_interval(page, note):
    for read in (page, note):
        [row] = [row for row in read.rows if row[:2] == ["cnn, lr=0.01", "1"] and len(row) == 13]

        assert row[4] == "needs 3 seeds"
        assert plain("Too few seeds for an interval over seeds: cnn, lr=0.01.") in read.words()


def test_the_accuracy_table_says_that_it_rests_on_an_incomplete_set_of_runs(page, note):
    words = "This rests on an incomplete set of runs: 1 seed of cnn, lr=0.01, where others have 3 seeds."

    for read in (page, note):
        assert read.words().count(plain(words)) == 2  # once at the accuracies, once at the speeds


def test_accuracies_on_different_data_are_in_different_tables(make_group, tmp_path):
    digits = make_group(experiment="mlp", identity="e" * 64)
    rows = tuple({**row, "param.data": "mnist"} for row in digits.runs)
    both = [make_group(), replace(digits, runs=rows)]
    write_page(both, all_tables(both), {"": [], **{one.slug: [] for one in both}}, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8").partition("## Accuracy")[2]
    first, second = text.partition("### MNIST")[2].partition("### Fashion-MNIST")[::2]

    assert "| mlp " in first
    assert "| lenet " not in first
    assert "| lenet " in second.partition("## ")[0]


def test_page_and_note_say_which_seeds_diverged(page, note):
    for read in (page, note):
        assert plain("cnn, lr=0.01 diverged under seed 1, 4: no accuracy, and no part of the mean.") in read.words()


def test_page_and_note_show_the_cells_of_every_table_as_the_tables_have_them(groups, page, note):
    tables = all_tables(groups)

    for read in (page, note):
        for name in ("accuracy", "published_history", "throughput", "runs"):
            assert [row for row in read.rows if row in tables[name].cells()] == tables[name].cells(), name


def test_every_chapter_shows_its_own_ten_classes(make_group, tmp_path):
    twins = [make_group(changes="lr=0.01"), make_group(changes="lr=0.01", identity="f" * 64)]
    pictures = {"": [], **{one.slug: [] for one in twins}}
    write_page(twins, all_tables(twins), pictures, tmp_path)

    for read in (Page((tmp_path / "report.html").read_text()), rendered((tmp_path / "report.md").read_text())):
        figures = [row for row in read.rows if row[0] == "Trouser" and len(row) == 8]

        assert len(figures) == 2


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_no_word_becomes_markup_of_the_page_and_every_word_is_read(words_in, words):
    tame = Page(words_in("tame words")[0])
    page = Page(words_in(words)[0])

    assert page.shape() == tame.shape()
    assert page.words().count(plain(words)) == tame.words().count(plain("tame words"))
    assert plain(words) in plain("".join(page.rows[1]))


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_no_word_becomes_markup_of_the_note_and_every_word_is_read(words_in, words):
    tame = rendered(words_in("tame words")[1])
    note = rendered(words_in(words)[1])

    assert note.shape() == tame.shape()
    assert note.words().count(plain(words)) == tame.words().count(plain("tame words"))
    assert [len(row) for row in note.rows] == [len(row) for row in tame.rows]


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_no_word_speaks_to_the_terminal_that_prints_the_report(words_in, words):
    for text in words_in(words):
        assert [letter for letter in text if not letter.isprintable() and letter not in "\n\r"] == []


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "..", "a/b", "a\0b", "a\\b"], ids=ascii)
def test_a_name_in_the_record_cannot_lead_out_of_the_reports_folder(make_group, name):
    with contextlib.suppress(SuiteError):  # a refusal is correct too
        slug = make_group(experiment=name).slug

        assert re.fullmatch(r"[\w-]+", slug)
