"""Files are written whole or not at all, whoever writes and whatever goes wrong."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from suite.disk import files
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
from suite.disk import files
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
from suite.disk import files
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


# --- reading what somebody else may have put there ------------------------------------------------------------------


def a_folder(path):
    path.mkdir()


def a_link_to_a_file(path):
    path.with_name("other").write_bytes(b"contents")
    path.symlink_to("other")


def a_link_to_nothing(path):
    path.symlink_to("nothing")


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


READERS = [files.read, files.sha256, lambda path, most: files.opened(path, most).__enter__()]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", READERS, ids=["read", "sha256", "opened"])
@pytest.mark.parametrize("thing", [os.mkfifo, a_folder, a_link_to_a_file, a_link_to_nothing, a_link_to_a_device])
def test_what_is_no_regular_file_is_not_read_nor_waited_for(tmp_path, read, thing):
    thing(tmp_path / "thing")

    with pytest.raises(files.Unfit, match="not a regular file"):
        read(tmp_path / "thing", 100)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("read", READERS, ids=["read", "sha256", "opened"])
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(read, device):
    with pytest.raises(files.Unfit, match="not a regular file"):
        read(Path(device), 100)


@pytest.mark.parametrize("read", READERS, ids=["read", "sha256", "opened"])
def test_a_file_is_read_up_to_what_it_may_have_and_no_further(tmp_path, read):
    (tmp_path / "fits").write_bytes(bytes(100))
    (tmp_path / "too long").write_bytes(bytes(101))
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)

    assert read(tmp_path / "fits", 100)
    for name, size in (("too long", "101"), ("huge", "1,099,511,627,776")):
        with pytest.raises(files.Unfit, match=f"it has {size} bytes"):
            read(tmp_path / name, 100)


@pytest.mark.parametrize("read", READERS, ids=["read", "sha256", "opened"])
def test_a_file_that_is_not_there_is_the_systems_own_error(tmp_path, read):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere", 100)


# --- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").write_bytes(b"mine")

    files.make_folder(tmp_path / "a" / "b" / "c")
    files.make_folder(tmp_path / "a" / "b" / "c")

    assert names(tmp_path / "a") == ["b", "file"]
    assert names(tmp_path / "a" / "b") == ["c"]


def test_a_file_in_a_folders_place_is_refused_and_stays(tmp_path):
    (tmp_path / "a").write_bytes(b"mine")

    with pytest.raises(OSError, match="a"):
        files.make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a").read_bytes() == b"mine"


def test_leftover_folders_are_removed_with_all_that_is_in_them_and_what_they_link_to_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_bytes(b"mine")
    (tmp_path / "place" / ".drafts-x.tmp" / "deep").mkdir(parents=True)
    (tmp_path / "place" / ".drafts-x.tmp" / "deep" / "file").write_bytes(b"half")
    (tmp_path / "place" / ".drafts-x.tmp" / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "place" / ".link.tmp").symlink_to(tmp_path / "mine")
    (tmp_path / "place" / "drafts.tmp").mkdir()

    files.remove_leftovers(tmp_path / "place")

    assert names(tmp_path / "place") == ["drafts.tmp"]
    assert (tmp_path / "mine" / "file").read_bytes() == b"mine"


def test_drafts_are_published_whole_the_named_one_last_and_the_rest_of_the_folder_stays(tmp_path, monkeypatch):
    drafts, folder = tmp_path / "drafts", tmp_path / "reports"
    (drafts / "pictures").mkdir(parents=True)
    folder.mkdir()
    for name in ("a.html", "b.csv", "pictures/c.svg"):
        (drafts / name).write_text(f"new {name}")
    (folder / "a.html").write_text("old")
    (folder / "mine").write_text("mine")
    order = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append(Path(new).name), replace(old, new)))

    files.publish(drafts, folder, last="a.html")

    assert order == ["b.csv", "c.svg", "a.html"]
    assert names(folder) == ["a.html", "b.csv", "mine", "pictures"]
    assert (folder / "a.html").read_text() == "new a.html"
    assert (folder / "pictures" / "c.svg").read_text() == "new pictures/c.svg"
    assert (folder / "mine").read_text() == "mine"
