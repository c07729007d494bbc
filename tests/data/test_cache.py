import errno
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from filelock import FileLock

from suite.data import cached, ensure
from suite.data.catalog import CATALOG
from suite.data.contents import Unavailable
from suite.data.dataset import FILES
from suite.data.sources.order import SOURCES
from suite.errors import SuiteError

from .damage import BYTES, IMAGES, THINGS, put, tree

LIGHT = """
    import sys
    import suite.data
    heavy = {"torch", "numpy", "torchvision", "sklearn", "rich", "filelock", "urllib.request"}
    print(*heavy & set(sys.modules))
"""
SLOW = """
    import sys, time
    from pathlib import Path
    from suite.data import ensure
    from suite.data.sources.order import SOURCES
    [(label, source)] = SOURCES["digits"]

    def slow(data, into):
        (into / "half").write_bytes(bytes(1000))
        with Path(sys.argv[1]).open("a") as file:
            file.write("asked\\n")
        time.sleep(float(sys.argv[2]))
        source(data, into)

    SOURCES["digits"] = ((label, slow),)
    print(ensure("digits"))
"""
LIMITED = """
    import resource, sys
    from suite.data import ensure
    from suite.errors import SuiteError
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
    try:
        ensure("digits")
    except SuiteError as error:
        print(error)
        sys.exit(error.code)
"""


def start(script, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path):
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


def gives(contents):
    """A source that gives `contents`."""
    return lambda _, into: put(contents, into)


def fails(reason):
    """A source that fails."""

    def source(_data, _into):
        raise Unavailable(reason)

    return source


def test_importing_the_data_room_imports_nothing_heavy():
    said, _ = start(LIGHT).communicate()

    assert said.strip() == ""


def test_the_first_source_that_works_fills_the_cache_and_the_rest_are_not_asked(mnist, monkeypatch, cache):
    sources = (("one", fails("is\nclosed")), ("two", gives(mnist)), ("three", fails("never asked")))
    monkeypatch.setitem(SOURCES, "mnist", sources)
    said = []

    assert cached("mnist") is None
    assert ensure("mnist", say=said.append) == cache / "mnist"
    assert tree(cache) == {f"mnist/{file}": body for file, body in mnist.items()}
    assert said == ["MNIST: one: is closed", f"MNIST: two: checked, now in {cache / 'mnist'}"]
    assert cached("mnist") == cache / "mnist"


def test_the_users_folder_comes_before_all_other_sources(mnist, monkeypatch, tmp_path, cache):
    monkeypatch.setitem(SOURCES, "mnist", (("one", fails("never asked")),))
    put(mnist, tmp_path / "mine")
    said = []

    ensure("mnist", folder=tmp_path / "mine", say=said.append)

    assert said == [f"MNIST: {tmp_path / 'mine'}: checked, now in {cache / 'mnist'}"]


@pytest.mark.usefixtures("no_sources")
def test_a_full_cache_asks_nobody_and_writes_nothing(mnist, cache):
    put(mnist, cache / "mnist")
    said = []

    ensure("mnist", say=said.append)

    assert said == []
    assert [path.name for path in cache.iterdir()] == ["mnist"]


def test_a_file_missing_from_the_cache_is_fetched_again(mnist, monkeypatch, cache):
    put(mnist, cache / "mnist")
    (cache / "mnist" / IMAGES).unlink()
    monkeypatch.setitem(SOURCES, "mnist", (("one", gives(mnist)),))

    assert cached("mnist") is None
    ensure("mnist", say=lambda _: None)

    assert tree(cache / "mnist") == mnist


@pytest.mark.usefixtures("mnist")
def test_without_any_source_the_last_line_says_what_to_do(monkeypatch, cache, capsys):
    monkeypatch.setitem(SOURCES, "mnist", (("one", fails("is closed")), ("two", fails("is empty"))))

    with pytest.raises(SuiteError) as error:
        ensure("mnist")

    assert str(error.value) == (
        "MNIST: no source has it (one: is closed; two: is empty). With a network, python -m suite data fetch mnist;"
        " without one, put its four files in a folder and name that with --data-dir or SUITE_DATA,"
        " or use --data digits for a smoke run."
    )
    assert error.value.code == 3
    assert capsys.readouterr().err == "MNIST: one: is closed\nMNIST: two: is empty\n"
    assert tree(cache) == {}


def test_without_scikit_learn_the_digits_do_not_recommend_themselves(monkeypatch):
    monkeypatch.setitem(SOURCES, "digits", (("one", fails("is closed")),))

    with pytest.raises(SuiteError, match=r"no source has it \(one: is closed\)\. Install scikit-learn") as error:
        ensure("digits", say=lambda _: None)

    assert "--data digits" not in str(error.value)


@pytest.mark.parametrize("damage", BYTES)
@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_file_in_the_cache_is_refused_and_left_as_it_was(mnist, monkeypatch, cache, damage, seed):
    monkeypatch.setitem(SOURCES, "mnist", (("one", gives(mnist)),))
    draw = random.Random(seed)
    file = draw.choice(FILES)
    damaged = {**mnist, file: damage(mnist[file], draw)}
    put(damaged, cache / "mnist")

    with pytest.raises(SuiteError) as error:
        ensure("mnist")

    wanted = CATALOG["mnist"].sha256[file]
    assert f"{cache / 'mnist' / file}: expected SHA-256 {wanted}, found " in str(error.value)
    assert str(error.value).endswith("Delete that file and run again.")
    assert error.value.code == 2
    assert tree(cache / "mnist") == damaged


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.usefixtures("no_sources")
def test_what_is_no_data_file_is_refused_in_the_cache_too(mnist, cache, thing):
    put(mnist, cache / "mnist")
    (cache / "mnist" / IMAGES).unlink()
    thing(cache / "mnist" / IMAGES)

    with pytest.raises(SuiteError, match=rf"{IMAGES}: expected SHA-256 \w+, found ") as error:
        ensure("mnist")

    assert error.value.code == 2


@pytest.mark.slow
def test_processes_that_start_at_once_ask_a_source_once(digits, tmp_path, cache):
    log = tmp_path / "log"

    processes = [start(SLOW, log, 0.5) for _ in range(4)]
    said = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0] * 4, said
    assert {out for out, _ in said} == {f"{cache / 'digits'}\n"}
    assert log.read_text() == "asked\n"
    assert tree(cache) == {f"digits/{file}": body for file, body in digits.items()}


@pytest.mark.slow
def test_a_process_that_waits_for_another_says_so(tmp_path, cache):
    cache.mkdir(parents=True)
    with FileLock(cache / "digits.lock"):
        process = start(SLOW, tmp_path / "log", 0)

        assert "waiting for another process" in process.stderr.readline()
        assert not (tmp_path / "log").exists()

    assert process.communicate(timeout=60)[0] == f"{cache / 'digits'}\n"


def test_what_a_killed_process_left_is_removed_by_the_next(digits, tmp_path, cache):
    process = start(SLOW, tmp_path / "log", 60)
    wait_for(tmp_path / "log")
    process.kill()
    process.communicate()
    assert len(tree(cache)) == 1

    ensure("digits", say=lambda _: None)

    assert tree(cache) == {f"digits/{file}": body for file, body in digits.items()}
    assert {path.name for path in cache.iterdir()} <= {"digits", "digits.lock"}


def test_ctrl_c_leaves_nothing_half_done(tmp_path, cache):
    process = start(SLOW, tmp_path / "log", 60)
    wait_for(tmp_path / "log")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)

    assert "KeyboardInterrupt" in err
    assert tree(cache) == {}
    assert {path.name for path in cache.iterdir()} <= {"digits", "digits.lock"}


@pytest.mark.parametrize("limit", [0, 200_000])
def test_a_full_disk_is_a_fault_of_the_machine_and_leaves_no_part_of_a_file(cache, digits, limit):
    process = start(LIMITED, limit)
    said, err = process.communicate(timeout=60)

    assert process.returncode == 3, err
    assert "file too large" in said
    assert said.count("\n") == 1
    assert all(digits[path.partition("/")[2]] == body for path, body in tree(cache).items())

    assert tree(ensure("digits", say=lambda _: None)) == digits


@pytest.mark.parametrize("depth", ["cache", "cache/suite-benchmark/data", "cache/suite-benchmark/data/digits"])
def test_a_cache_that_cannot_be_made_is_a_fault_of_the_machine(tmp_path, depth):
    path = tmp_path / depth
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")

    with pytest.raises(SuiteError, match="set XDG_CACHE_HOME to another folder") as error:
        ensure("digits")

    assert str(path) in str(error.value)
    assert error.value.code == 3
    assert path.read_text() == "in the way"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_cache_that_must_not_be_written_is_a_fault_of_the_machine(monkeypatch, cache, number):
    """Root may write everywhere, so the system's refusal is played."""

    def refuse(path, *_args, **_options):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(SuiteError, match=f"{os.strerror(number).lower()}. Free space") as error:
        ensure("digits")

    assert str(cache / "digits") in str(error.value)
    assert error.value.code == 3


@pytest.mark.usefixtures("no_sources")
def test_a_full_cache_that_must_not_be_written_is_as_good(mnist, monkeypatch, cache):
    put(mnist, cache / "mnist")
    monkeypatch.setattr("pathlib.Path.mkdir", lambda *_: pytest.fail("something was written"))

    assert ensure("mnist") == cache / "mnist"


def test_an_unknown_set_is_refused_before_anything_is_touched(tmp_path):
    for ask in (ensure, cached):
        with pytest.raises(SuiteError, match="unknown data set 'minst'; did you mean mnist"):
            ask("minst")

    assert list(tmp_path.iterdir()) == []
