"""Files are written whole or not at all, whoever writes and whatever goes wrong."""

import hashlib
import os
import subprocess
import sys
import threading

import pytest

from suite import files
from suite.errors import MACHINE, SuiteError
from tests.conftest import ROOT


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_contents_and_folders_appear(tmp_path):
    path = tmp_path / "some" / "folder" / "file"
    files.make_folder(path.parent)
    files.write(path, b"contents\n")

    assert path.read_bytes() == b"contents\n"
    assert names(path.parent) == ["file"]


@pytest.mark.parametrize("contents", [b"", b"new", bytes(3_000_000)], ids=["nothing", "little", "much"])
def test_a_file_is_replaced(tmp_path, contents):
    path = tmp_path / "file"
    path.write_bytes(b"old contents")
    files.write(path, contents)

    assert path.read_bytes() == contents
    assert names(tmp_path) == ["file"]


def test_who_has_the_old_file_open_keeps_reading_the_old_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with open(path, "rb") as reader:
        files.write(path, b"new")

        assert reader.read() == b"old"


LIMITED = """
import resource, sys
from pathlib import Path
from suite import files
from suite.errors import SuiteError
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
try:
    files.write(Path(sys.argv[1]), bytes(5_000))
except SuiteError as error:
    print(error, error.code, sep="\\n")
"""


def test_the_old_contents_stay_where_the_new_ones_do_not_fit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old contents")

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip

    assert done.stdout.splitlines() == [
        f"{path}: file too large, and 5,000 bytes are needed. "
        "Raise the file-size limit (ulimit -f) and run the same command again.",
        str(MACHINE),
    ]
    assert path.read_bytes() == b"old contents"
    assert names(tmp_path) == ["file"]


def test_a_file_in_the_place_of_a_folder_is_the_machines_fault_and_stays(tmp_path):
    (tmp_path / "runs").write_bytes(b"a file")

    with pytest.raises(SuiteError) as refused:
        files.write(tmp_path / "runs" / "file", b"new")

    assert refused.value.code == MACHINE
    assert (tmp_path / "runs").read_bytes() == b"a file"


def test_a_folder_in_the_place_of_a_file_is_the_machines_fault_and_stays(tmp_path):
    (tmp_path / "file" / "inside").mkdir(parents=True)

    with pytest.raises(SuiteError, match="is a directory") as refused:
        files.write(tmp_path / "file", b"new")

    assert refused.value.code == MACHINE
    assert names(tmp_path) == ["file"]
    assert names(tmp_path / "file") == ["inside"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused_with_the_remedy(tmp_path):
    place = tmp_path / "locked"
    place.mkdir(mode=0o500)

    with pytest.raises(SuiteError, match="SUITE_HOME"):
        files.write(place / "file", b"new")


def test_an_interrupted_write_leaves_the_old_contents_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old contents")

    def interrupt(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(path, b"new")

    assert path.read_bytes() == b"old contents"
    assert names(tmp_path) == ["file"]


KILLED = """
import os, signal, sys
from pathlib import Path
from suite import files
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
files.write(Path(sys.argv[1]), b"new")
"""


def test_what_a_killed_writer_leaves_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old contents")
    for name in (".hidden", "notes.tmp", "file.tmp"):
        (tmp_path / name).write_bytes(b"mine")
    subprocess.run([sys.executable, "-c", KILLED, path], cwd=ROOT, check=False)
    left = names(tmp_path)

    files.remove_leftovers(tmp_path)

    assert len(left) == 5
    assert names(tmp_path) == [".hidden", "file", "file.tmp", "notes.tmp"]
    assert path.read_bytes() == b"old contents"


def test_leftovers_of_a_folder_that_has_none_are_no_trouble(tmp_path):
    files.remove_leftovers(tmp_path)

    assert names(tmp_path) == []


def test_concurrent_writers_never_mix_and_a_reader_never_sees_a_part(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([letter]) * size for letter, size in zip(b"abcd", (200_001, 7, 100_003, 65_536), strict=True)]
    files.write(path, contents[0])
    seen, done = [], threading.Event()

    def write(own):
        for _ in range(10):
            files.write(path, own)

    def read():
        while not done.is_set():
            seen.append(path.read_bytes())

    writers = [threading.Thread(target=write, args=(own,)) for own in contents]
    reader = threading.Thread(target=read)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()

    assert len(seen) > 10
    assert set(seen) <= set(contents)
    assert names(tmp_path) == ["file"]


def test_a_files_sha_256_is_that_of_its_bytes(tmp_path):
    contents = os.urandom(1_000_003)
    (tmp_path / "file").write_bytes(contents)

    assert files.sha256(tmp_path / "file", 1 << 30) == hashlib.sha256(contents).hexdigest()


def test_the_order_of_a_write_survives_a_power_cut(tmp_path, monkeypatch):
    """Contents before the name, the name before anything that follows: no kill can show it, the order of calls does."""
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *words, name=name, real=real: (calls.append(name), real(*words))[1])

    files.write(tmp_path / "file", b"contents")

    assert calls == ["fsync", "replace", "fsync"]
