"""One line for every error, with the exit code that says who must fix it."""

import errno
import os

import pytest

from suite.errors import FAILED, INTERRUPTED, MACHINE, USER, SuiteError, machine_error


def test_the_exit_codes_are_those_that_are_documented():
    assert (FAILED, USER, MACHINE, INTERRUPTED) == (1, 2, 3, 130)


def test_an_error_says_what_is_wrong_and_then_what_to_do():
    error = SuiteError("lr must be above 0, got -1.", "Give a number such as 0.05.")

    assert str(error) == "lr must be above 0, got -1. Give a number such as 0.05."
    assert error.code == USER


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\n\n  b", "a\tb", "a\vb", "a\fb", "a\x85b", "a\u2028b", " a b\n"])
def test_an_error_is_one_line_whatever_was_put_into_it(text):
    assert str(SuiteError(text)) == "a b"


@pytest.mark.parametrize(
    "text", ["a\x1b[31mb", "a\x07b", "a\x08b", "a\x00b", "a\x7fb", "a\x9bb", "a\u202eb", "a\u200bb"]
)
def test_an_error_cannot_speak_to_the_terminal(text):
    assert str(SuiteError(text)).isprintable()
    assert str(SuiteError(text)).startswith("a")


def test_an_error_keeps_the_letters_of_every_language():
    assert str(SuiteError("初识MNIST数据集: é × – 🙂")) == "初识MNIST数据集: é × – 🙂"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EACCES, "readable and writable"),
        (errno.EPERM, "readable and writable"),
        (errno.EROFS, "SUITE_HOME"),
        (errno.EIO, "on another"),
        (errno.ENOENT, "make it"),
        (errno.ENOTDIR, "Move the file away"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EAGAIN, "ulimit -u"),
        (errno.ENOMEM, "fewer --workers"),
        (errno.ESTALE, "When that is put right, run the same command again."),
    ],
    ids=errno.errorcode.get,
)
def test_what_the_system_refuses_is_the_machines_fault_and_has_its_remedy(number, remedy):
    error = machine_error(OSError(number, os.strerror(number), "elsewhere"), "runs/lenet")

    assert error.code == MACHINE
    assert str(error).startswith(f"runs/lenet: {os.strerror(number).lower()}. ")
    assert remedy in str(error)
    assert str(error).endswith(".")


def test_a_refusal_without_a_number_is_told_in_its_own_words():
    error = machine_error(OSError("no such\nluck"), "runs")

    assert str(error) == "runs: no such luck. When that is put right, run the same command again."


def test_a_refused_permission_says_whose_the_file_is_and_what_it_allows(tmp_path):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o640)
    whose = path.stat()

    error = machine_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), path)

    assert f"permission denied (it belongs to user {whose.st_uid} and group {whose.st_gid}, mode 0640)." in str(error)


def test_without_any_place_for_temporary_files_tmpdir_is_named():
    words = "No usable temporary directory found in ['/tmp', '/var/tmp']"

    assert "Set TMPDIR to a folder that can be written." in str(machine_error(FileNotFoundError(2, words), "here"))
