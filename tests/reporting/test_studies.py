"""The chapter of a study: its figures, sentences and pictures. Hostile text in a study does no harm."""

import copy

import pytest

from suite.pictures.studies import CAPTIONS, study_pictures
from suite.reporting.figures import Album
from suite.reporting.page import write_page
from suite.reporting.studies import study_chapters, study_tables
from suite.tuning.sentences import counts, test_words, verdict_words, winners_curse_sentence
from tests.studies import document, row, trial

pytestmark = pytest.mark.studies

winner_words = test_words  # pytest would run the old name as a test
del test_words


def test_every_trial_is_in_the_table_with_its_end():
    rows = study_tables([document()])["trials"].rows

    assert [one["state"] for one in rows] == [one["state"].lower() for one in document()["trials"]]
    assert [one["accuracy"] for one in rows][:4] == [pytest.approx(0.7), pytest.approx(0.71), pytest.approx(0.72), None]
    assert "diverged in epoch 1" in rows[3]["reason"]


def test_the_finalists_show_search_fresh_and_drop():
    [winner, published] = study_tables([document()])["finalists"].rows

    assert (winner["in the search"], winner["fresh seeds"], winner["n"]) == (0.77, pytest.approx(0.75), 3)
    assert winner["drop"] == pytest.approx(0.02)
    assert published["setting"].endswith("(published)")
    assert published["in the search"] is None


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ({"word": "better", "difference": 0.05, "interval": [0.04, 0.06]}, "is better than the published setting: +"),
        ({"word": "worse", "difference": -0.05, "interval": [-0.06, -0.04]}, "is worse than the published setting: -"),
        ({"word": "no difference shown", "difference": 0.0, "interval": [-0.1, 0.1]}, "is not shown to differ"),
        ({"word": "published"}, "The published setting itself is the best"),
        ({"word": "worse"}, "for a seed diverged"),
    ],
)  # fmt: skip
def test_the_verdict_is_a_sentence(verdict, words):
    facts = document()
    facts["outcome"]["verdict"] = verdict

    assert words in verdict_words(facts)


def test_the_curse_and_the_test_accuracy_are_sentences():
    facts = document()

    assert "In the search it had 0.7700, under fresh seeds 0.7500" in winners_curse_sentence(facts)
    assert "gets 0.7400 (95 % 0.7300 to 0.7500) of the test images right, 3 seeds." in winner_words(facts)


def test_another_winners_test_accuracy_is_not_shown():
    facts = document(test={**document()["test"], "winner": "batch_size=32 lr=0.5"})

    assert winner_words(facts) == ""


def test_an_unfinished_study_is_shown_without_a_verdict(tmp_path):
    facts = document(outcome=None, test=None, trials=document()["trials"][:2], importances={})

    [chapter], _ = study_chapters([facts], Album(tmp_path))

    assert chapter.sentences[0] == "No trial was trained to its end yet."
    assert counts(facts["trials"]) == "2 trials: 1 complete, 1 pruned"


def test_every_kind_of_picture_is_drawn():
    both = {**document()["rules"], "objective": "both", "pruning": False}
    trials = [{**one, "results": [*one["results"], 3.0 - one["number"] / 7]} for one in document()["trials"]]

    assert set(study_pictures(document())) == set(CAPTIONS) - {"front"}
    assert "front" in study_pictures(document(rules=both, trials=trials))


@pytest.mark.parametrize(
    "space",
    [
        {"lr": "1e-4..1e-1"}, {"optimizer": "sgd,adam"}, {"momentum": "0..0.9", "batch_size": "50,100"},
        {"weight_decay": "0..0.1", "lr": "0.1,0.2", "batch_size": "32..128"},
    ],
)  # fmt: skip
def test_any_space_can_be_drawn(space):
    values = [
        {"lr": 0.1, "optimizer": "sgd", "momentum": 0.0, "batch_size": 50, "weight_decay": 0.0},
        {"lr": 0.2, "optimizer": "adam", "momentum": 0.5, "batch_size": 100, "weight_decay": 0.05},
    ]
    if "weight_decay" in space:
        values = [{**one, "batch_size": size} for one, size in zip(values, (32, 128), strict=True)]
    trials = [{**trial(n, "COMPLETE"), "values": {name: values[n % 2][name] for name in space}} for n in range(6)]
    rules = {**document()["rules"], "space": space}

    drawn = study_pictures(document(rules=rules, trials=trials, importances=dict.fromkeys(space, 0.5)))

    assert {"history", "importance"} <= set(drawn)


def test_a_trials_command_has_its_values_and_the_studys_own_changes():
    tables = study_tables([document()])
    older = {name: value for name, value in document().items() if name != "overrides"}

    assert tables["trials"].rows[4]["again"] == (
        "python -m suite run lenet --seeds 3 --set batch_size=64 data=digits lr=0.005063"
    )
    assert tables["finalists"].rows[1]["again"].endswith("--set batch_size=64 data=digits lr=0.001")
    assert {row["again"] for row in study_tables([older])["trials"].rows} == {None}


def test_trials_on_one_line_have_a_contour_without_shades(tmp_path):
    space = {"momentum": "0..0.9", "weight_decay": "0..0.9"}
    trials = [{**trial(n, "COMPLETE"), "values": dict.fromkeys(space, n / 10)} for n in range(6)]
    facts = document(rules={**document()["rules"], "space": space}, trials=trials, importances={}, outcome=None)

    [chapter], whole = study_chapters([facts], Album(tmp_path))

    [contour] = [one for one in chapter.pictures if "first rung" in one.caption]
    assert whole == [facts]
    assert contour.drawn.parts[0].count("<circle") == 6
    assert 'class="f"' not in contour.drawn.parts[0]


def test_the_page_and_the_text_hold_the_chapter(tmp_path):
    chapters, _ = study_chapters([document()], Album(tmp_path / "pictures"))

    page = write_page([], study_tables([document()]), {"": []}, tmp_path, studies=chapters)

    html, text = page.read_text(), (tmp_path / "report.md").read_text()
    assert (html.count("data:image/"), html.count("<figure>"), len(chapters[0].pictures)) == (0, 5, 5)
    for words in ("Study of lenet", "0.7700", "successive halving", "is better than the published setting"):
        assert words in html
        assert words in text


def test_equal_studies_give_equal_bytes(tmp_path):
    for name in ("one", "other"):
        study_chapters([document()], Album(tmp_path / name))

    one, other = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("one", "other"))
    assert one == other


WORDS = {
    ("study",): "../../../etc/<script>alert(1)</script>",
    ("experiment",): "<img src=x onerror=alert(1)>",
    ("rules", "sampler"): "{{ 7 * 7 }} <script>",
    ("trials", 3, "reason"): "| pipe | <script>",
    ("environment", "cpu"): "[link](https://x.example) <b>",
    ("trials", 1, "state"): "<script>",
    ("outcome", "rows", 0, "values"): {"<script>": "<script>"},
}


def test_words_of_others_stay_words(tmp_path):
    facts = copy.deepcopy(document())
    for place, value in WORDS.items():
        spot = facts
        for step in place[:-1]:
            spot = spot[step]
        spot[place[-1]] = value
    inside = tmp_path / "reports"
    inside.mkdir()

    chapters, whole = study_chapters([facts], Album(inside / "pictures"))
    page = write_page([], study_tables(whole), {"": []}, inside, studies=chapters)

    assert whole == [facts]
    assert "{{ 7 * 7 }}" in page.read_text()
    for text in (page.read_text(), (inside / "report.md").read_text()):
        assert text.count("<script") == (1 if text.startswith("<!doctype") else 0)  # the page's own script
        assert "<img src=x" not in text
    assert {path.name for path in tmp_path.iterdir()} == {"reports"}


STRANGE = [
    {"trials": [1, 2]}, {"trials": [{}]}, {"rules": {}}, {"outcome": {"rows": []}}, {"outcome": 3},
    {"importances": {"lr": "much"}}, {"cost": {"capacity": 1.0}}, {"environment": None},
    {"trials": [{**trial(0, "COMPLETE"), "accuracies": "many"}]},
    {"rules": {**document()["rules"], "space": {"lr": "1..0"}}}, {"damaged": "an id", "trials": None},
]  # fmt: skip


def test_a_document_that_says_something_else_is_named_and_left_out(tmp_path):
    strange = [document(study=f"strange{n}", **changes) for n, changes in enumerate(STRANGE)]

    chapters, whole = study_chapters([*strange, document(study="good")], Album(tmp_path))

    titles = [chapter.title for chapter in chapters]
    assert titles == [*(f"Study strange{n}" for n in range(len(strange))), "Study of lenet: good"]
    assert all("damaged" in chapter.warnings[0] for chapter in chapters[:-1])
    assert [facts["study"] for facts in whole] == ["good"]


def test_studies_of_one_name_have_files_of_their_own(tmp_path):
    chapters, _ = study_chapters([document(), document()], Album(tmp_path))

    assert len({chapter.slug for chapter in chapters}) == 2


def test_a_finalist_that_diverged_has_no_mean():
    lost = {**row(7, [0.5], 0.77), "mean": None, "interval": None, "drop": None, "diverged": 2}
    facts = document(outcome={**document()["outcome"], "rows": [lost, *document()["outcome"]["rows"][1:]]})

    [winner, _] = study_tables([facts])["finalists"].cells()

    assert winner[3:6] == ["0.7700", "–", "–"]
