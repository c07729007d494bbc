"""The file of verdicts: one line each, kept by many writers, read after a crash."""

import json
import threading

import pytest

from suite.disk import verdicts
from suite.errors import SuiteError


def verdict(number=0, **more):
    return {
        "at": "2026-01-01T00:00:00+00:00", "verb": "gate", "experiment": "mlp", "measure": "accuracy", "beside": "",
        "value": float(number), "low": 0.0, "high": 1.0, "n": 3, "verdict": "PASS", "commit": "c0", "dirty": False,
        "kind": "a processor", "versions": {"torch": "2"}, **more,
    }  # fmt: skip


def test_each_verdict_is_one_line(tmp_path):
    path = tmp_path / "deep" / "history.jsonl"
    verdicts.append(path, [verdict(1)])
    verdicts.append(path, [verdict(2), verdict(3)])

    assert [json.loads(line)["value"] for line in path.read_text().splitlines()] == [1, 2, 3]
    assert verdicts.read(path) == [verdict(1), verdict(2), verdict(3)]


def test_without_a_file_there_is_no_verdict(tmp_path):
    assert verdicts.read(tmp_path / "none.jsonl") == []


def test_many_writers_lose_nothing(tmp_path):
    path = tmp_path / "history.jsonl"
    writers = [
        threading.Thread(target=lambda first=first: [verdicts.append(path, [verdict(first + k)]) for k in range(10)])
        for first in range(0, 80, 10)
    ]
    for one in writers:
        one.start()
    for one in writers:
        one.join()

    assert sorted(one["value"] for one in verdicts.read(path)) == list(range(80))


def test_a_torn_last_line_is_passed_over_wherever_it_was_torn_and_cut_off_by_the_next_writer(tmp_path):
    path = tmp_path / "history.jsonl"
    verdicts.append(path, [verdict(1), verdict(2, experiment="näher")])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        assert verdicts.read(path) == [verdict(1)]
        verdicts.append(path, [verdict(3)])
        assert verdicts.read(path) == [verdict(1), verdict(3)]


@pytest.mark.parametrize("damage", [b"{", b"[]", b"{}", b"\xff", b"<<<<<<< ours", b"[" * 100_000])
def test_another_damaged_line_is_an_error_that_names_it(tmp_path, damage):
    path = tmp_path / "history.jsonl"
    verdicts.append(path, [verdict(1), verdict(2)])
    lines = path.read_bytes().splitlines()
    before = b"\n".join([lines[0], damage, lines[1], b""])
    path.write_bytes(before)

    with pytest.raises(SuiteError, match="line 2 is damaged") as caught:
        verdicts.read(path)

    assert caught.value.code == 2
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("field", "value"), [("value", "high"), ("n", True), ("dirty", 1), ("commit", None)])
def test_a_line_with_a_field_of_another_kind_is_damaged(tmp_path, field, value):
    path = tmp_path / "history.jsonl"
    verdicts.append(path, [verdict(**{field: value})])

    with pytest.raises(SuiteError, match="line 1 is damaged"):
        verdicts.read(path)


def test_lines_that_a_union_merge_repeats_count_once(tmp_path):
    path = tmp_path / "history.jsonl"
    verdicts.append(path, [verdict(1), verdict(2), verdict(1)])

    assert verdicts.read(path) == [verdict(1), verdict(2)]
