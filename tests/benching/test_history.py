"""The bench's sessions are kept, drawn and put into a table; a damaged history is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from suite.benching import history
from suite.disk.home import Home
from suite.errors import SuiteError
from suite.pictures import bench as bench_pictures
from suite.pictures import canvas

ONE = {
    "at": "2026-11-23T10:00:00+00:00", "experiment": "mlp", "beside": "bare loop", "times as long": 0.8, "low": 0.7,
    "high": 0.9, "verdict": "", "suite": "1", "torch": "2", "cpu": "some",
}  # fmt: skip


def test_a_session_is_added_to_the_earlier_ones(tmp_path):
    home = Home(tmp_path)

    assert history.read(home.bench) == []
    assert history.add(home, [ONE]) == [ONE]
    assert history.add(home, [{**ONE, "at": "later"}]) == [ONE, {**ONE, "at": "later"}]
    assert history.read(home.bench) == [ONE, {**ONE, "at": "later"}]


def test_sessions_that_end_at_the_same_time_are_all_kept(tmp_path):
    home = Home(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: history.add(home, [{**ONE, "at": str(number)}]), range(24)))

    assert sorted(int(one["at"]) for one in history.read(home.bench)) == [*range(24)]


@pytest.mark.parametrize("text", ["", "{}", "[3]", '[{"at": 1}]', "[" * 100_000])
def test_a_damaged_history_is_refused_and_left_as_it_is(tmp_path, text):
    home = Home(tmp_path)
    home.mlruns.mkdir()
    home.bench.write_text(text)

    with pytest.raises(SuiteError, match=f"{home.bench}: .*Move it away"):
        history.add(home, [ONE])

    assert home.bench.read_text() == text


def test_the_table_has_a_line_for_each_record():
    lines = history.table([ONE, {**ONE, "experiment": "a,b"}]).decode().splitlines()

    assert lines[0].startswith("at,experiment,beside,times as long")
    assert lines[2].split(",", 1)[1].startswith('"a,b",bare loop,0.8,0.7,0.9')


def test_the_picture_has_a_panel_for_each_thing_measured_beside():
    found = [{**ONE, "at": str(n), "beside": beside} for n in range(3) for beside in ("bare loop", "$\\nosuch$ main")]
    found.append({**ONE, "experiment": "cnn", "beside": "$\\nosuch$ main"})

    figure = bench_pictures.history(found)
    drawn = canvas.image(figure, "png")

    assert [axes.get_title() for axes in figure.axes] == [
        "Time of a step beside: bare loop", "Time of a step beside: $\\nosuch$ main",
    ]  # fmt: skip
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mlp", "cnn"]
    assert drawn.startswith(b"\x89PNG")
