"""A run's JSON files come back as they were written, or not at all."""

import hashlib
import json
import os

import pytest

from suite.disk import documents
from suite.disk.documents import RECIPE, beginning, digest, document, lines, read_document, read_lines
from suite.errors import MACHINE, USER, SuiteError

FACTS = {
    "experiment": "lenet", "identity": "c0ffee", "seed": 4, "environment": {"cpu": "Ein Prozeß"},
    "recipe": {"lr": 0.1, "betas": [0.1, 1e-300]}, "overrides": {}, "network": "def network():\n    ...\n",
}  # fmt: skip
RECORDS = [{"epoch": 0, "loss": 0.1 + 0.2}, {"epoch": 1, "loss": 5e-324}]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recipe.json"


def refusal(read, path, *arguments):
    """The one line, code 2, with which the file is refused; it is left as it is."""
    before = path.read_bytes() if path.is_file() and path.stat().st_size < 1 << 24 else None
    with pytest.raises(SuiteError) as refused:
        read(path, *arguments)

    assert refused.value.code == USER
    assert str(refused.value).startswith(f"{path} is damaged: ")
    assert str(refused.value).isprintable()
    assert before is None or path.read_bytes() == before
    return str(refused.value)


def test_a_document_comes_back_as_it_was_written(path):
    path.write_bytes(document(FACTS))

    assert read_document(path, RECIPE) == FACTS
    assert document(read_document(path, RECIPE)) == path.read_bytes()


def test_a_document_is_text_that_a_person_can_read(path):
    path.write_bytes(document(FACTS))

    assert "Ein Prozeß" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8"))["recipe"]["lr"] == 0.1


@pytest.mark.parametrize("cut", [1, 2, 10, 300])
def test_a_document_without_its_end_is_refused(path, cut):
    path.write_bytes(document(FACTS)[:-cut])

    refusal(read_document, path, RECIPE)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("0.1,", "0.10,"), lambda text: text.replace("\n", "\r\n"), lambda text: text + "\n",
        lambda text: " " + text, lambda text: text.replace('"seed": 4', '"seed": 5, "seed": 4'),
        lambda text: text.replace('"seed": 4', '"seed": 5'), lambda text: json.dumps(json.loads(text)),
        lambda text: text.replace("ß", "\\u00df"),
    ],
    ids=["another spelling", "other ends of lines", "a line more", "a space", "a name twice", "another value",
         "other layout", "an escape"],
)  # fmt: skip
def test_not_a_byte_may_differ_even_where_the_values_are_the_same(path, change):
    path.write_bytes(change(document(FACTS).decode()).encode())

    refusal(read_document, path, RECIPE)


@pytest.mark.parametrize("depth", [*range(50, 1_000, 50), 100_000])
@pytest.mark.parametrize("shape", ['{"sha256": "", "a": %s}', "[%s]", '{"sha256": %s}'])
def test_a_document_of_any_depth_is_refused(path, depth, shape):
    """Between what Python's parser can read and what it can write lie depths at which only one of them fails."""
    path.write_text(shape % ("[" * depth + "]" * depth))

    refusal(read_document, path, RECIPE)


@pytest.mark.parametrize("text", [b"", b"null", b"5", b'"sha256"', b"[]", b"{}", b'{"sha256": null}', b"\xff", b"1e999",
                                  b"NaN", b'{"sha256": "\\ud800"}', b"1" * 5_000], ids=repr)  # fmt: skip
def test_what_is_no_document_is_refused(path, text):
    path.write_bytes(text)

    refusal(read_document, path, RECIPE)


@pytest.mark.parametrize("name", RECIPE)
@pytest.mark.parametrize("value", [None, 4.0, True, ["x"], "absent"])
def test_a_whole_document_of_another_shape_is_refused_by_its_field(path, name, value):
    wrong = {**FACTS, name: {"absent": 5 if isinstance(FACTS[name], str) else "x"}.get(str(value), value)}
    path.write_bytes(document(wrong))
    assert name in refusal(read_document, path, RECIPE)

    del wrong[name]
    path.write_bytes(document(wrong))
    assert name in refusal(read_document, path, RECIPE)


def test_what_is_too_long_for_a_document_is_not_read(path):
    path.write_bytes(document({**FACTS, "network": "x" * documents.LARGEST}))

    assert "more than any such file" in refusal(read_document, path, RECIPE)


def test_what_is_missing_or_no_file_is_refused(path):
    assert "it is missing" in refusal(read_document, path, RECIPE)

    path.mkdir()
    assert "not a regular file" in refusal(read_document, path, RECIPE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_the_machines_fault(path):
    path.write_bytes(document(FACTS))
    path.chmod(0)

    for read, arguments in ((read_document, [RECIPE]), (read_lines, []), (digest, []), (beginning, [5])):
        with pytest.raises(SuiteError) as refused:
            read(path, *arguments)
        assert refused.value.code == MACHINE


# --- lines --------------------------------------------------------------------------------------------------------


def test_lines_come_back_as_they_were_written(path):
    path.write_bytes(lines(RECORDS))

    assert read_lines(path) == RECORDS
    assert lines(read_lines(path)) == path.read_bytes()


def test_no_lines_are_no_records(path):
    path.write_bytes(lines([]))

    assert read_lines(path) == []


def test_a_last_line_cut_at_any_byte_is_no_record(path):
    whole = lines(RECORDS)
    for cut in range(len(lines(RECORDS[:1])), len(whole)):
        path.write_bytes(whole[:cut])

        assert read_lines(path) == RECORDS[:1]


@pytest.mark.parametrize(
    "bad", [b"\n", b"5\n", b"[]\n", b"null\n", b"{\n", b"\xff\n", b"[" * 100_000 + b"\n"], ids=lambda bad: bad[:9]
)
@pytest.mark.parametrize("after", [b"", b'{"epoch": 1}\n', b'{"ep'])
def test_any_other_bad_line_is_refused(path, bad, after):
    path.write_bytes(lines(RECORDS[:1]) + bad + after)

    assert "a line before its last" in refusal(read_lines, path)


def test_a_line_longer_than_any_is_refused_without_being_read(path):
    with path.open("wb") as file:
        file.write(lines(RECORDS))
        file.truncate(documents.LARGEST_HISTORY)

    assert "a line longer than any epoch's" in refusal(read_lines, path)


def test_a_history_longer_than_any_is_refused(path):
    with path.open("wb") as file:
        file.truncate(documents.LARGEST_HISTORY + 1)

    for read, arguments in ((read_lines, []), (beginning, [5])):
        assert "more than any such file" in refusal(read, path, *arguments)


def test_the_beginning_of_a_file_is_read_and_no_more(path):
    path.write_bytes(b"0123456789")

    assert beginning(path, 4) == b"0123"
    assert beginning(path, 100) == b"0123456789"


def test_a_files_digest_is_that_of_its_bytes(path):
    path.write_bytes(b"some weights")

    assert digest(path) == hashlib.sha256(b"some weights").hexdigest()
    path.unlink()
    assert "it is missing" in refusal(digest, path)
