"""The folder of an export: whole, or as it was before."""

import json
import os

import pytest

from suite.disk import files
from suite.errors import SuiteError
from suite.exporting import folder

FACTS = {"format": "pt2", "seed": 0}
CHECK = {"images": 3, "largest": 0.0, "flipped": 0}


def write(to):
    """Export a file of three bytes."""
    with folder.begun(to) as made:
        folder.prepare(made, FACTS)
        files.write(made / "model.pt2", b"abc")
        return folder.complete(made, FACTS, "# A card\n", CHECK)


@pytest.mark.parametrize("before", ["missing", "missing/below", "empty"])
def test_a_new_or_an_empty_folder_gets_all_files_and_no_others(tmp_path, before):
    to = tmp_path / before
    (tmp_path / "empty").mkdir()

    assert folder.found_in(to) is None
    names = write(to)

    assert {*names} == {*os.listdir(to)} == {"config.json", "README.md", "load.py", "model.pt2"}
    there = folder.found_in(to)
    assert {name: there[name] for name in (*FACTS, "check")} == {**FACTS, "check": CHECK}
    assert {*there["files"]} == {*names} - {"config.json"}


@pytest.mark.parametrize("name", ["notes.txt", "config.json", ".git"])
def test_a_folder_with_other_files_is_refused_and_left_as_it_was(tmp_path, name):
    (tmp_path / name).write_text('{"model_type": "resnet"}')

    with pytest.raises(SuiteError, match="is not empty, and has no whole export"):
        folder.found_in(tmp_path)
    with pytest.raises(SuiteError, match="is not empty"):
        write(tmp_path)

    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["model.pt2", "load.py", "README.md"])
def test_a_changed_or_missing_file_is_named(tmp_path, name):
    to = tmp_path / "out"
    write(to)

    (to / name).write_text("changed")
    with pytest.raises(SuiteError, match=f"{name} was changed after the export"):
        folder.found_in(to)
    (to / name).unlink()
    with pytest.raises(SuiteError, match="has no whole export"):
        folder.found_in(to)


@pytest.mark.parametrize("check", [None, {}, {"images": 3}, {**CHECK, "other": 1}])
def test_a_config_without_the_result_of_a_check_is_no_export(tmp_path, check):
    to = tmp_path / "out"
    write(to)
    facts = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**facts, "check": check}))

    with pytest.raises(SuiteError, match="has no whole export"):
        folder.found_in(to)


def test_a_file_in_the_folders_place_and_a_name_that_no_file_can_have_are_refused(tmp_path):
    (tmp_path / "file").write_text("")

    for name, words in (("file", "is a file"), ("a\0b", "null byte")):
        with pytest.raises(SuiteError, match=words) as refused:
            folder.found_in(tmp_path / name)
        assert refused.value.code == 2


@pytest.mark.parametrize("before", ["missing/out", "out"])
@pytest.mark.parametrize("moment", ["made/model.pt2", "out/README.md", "out/model.pt2", "out/config.json"])
def test_an_interrupt_at_any_moment_leaves_the_folder_as_it_was(tmp_path, monkeypatch, before, moment):
    if before == "out":
        (tmp_path / "out").mkdir()
    known, replace = [*tmp_path.rglob("*")], os.replace

    def interrupted(source, target):
        if os.fspath(target).endswith(moment):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / before)

    assert [*tmp_path.rglob("*")] == known


def test_what_a_killed_command_left_is_replaced(tmp_path):
    scratch = tmp_path / "out" / ".export.tmp"
    (scratch / "made").mkdir(parents=True)
    (scratch / "made" / "half.pt2").write_bytes(b"a")
    (scratch / "images.npy").write_bytes(b"b")

    assert folder.found_in(tmp_path / "out") is None
    assert "half.pt2" not in write(tmp_path / "out")
    assert ".export.tmp" not in os.listdir(tmp_path / "out")


def test_two_commands_do_not_write_into_one_folder(tmp_path):
    with folder.begun(tmp_path / "out") as made:
        with pytest.raises(SuiteError, match="another command exports to"):
            write(tmp_path / "out")
        (made / "config.json").write_text("{}")

    assert os.listdir(tmp_path / "out") == ["config.json"]


def test_what_another_program_writes_meanwhile_stays(tmp_path):
    with pytest.raises(SuiteError, match="is not empty"), folder.begun(tmp_path / "out"):
        (tmp_path / "out" / "notes.txt").write_text("meanwhile")

    assert os.listdir(tmp_path / "out") == ["notes.txt"]
