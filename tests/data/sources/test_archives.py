"""Archives in the publishers' formats, served by a mirror on this machine, become the sets of the catalog."""

import bz2
import gzip
import hashlib
import io
import struct
import tarfile
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from suite import data
from suite.data import CATALOG, cached, ensure, load
from suite.data.frozen import described
from suite.data.sources import archives, mirrors
from suite.errors import SuiteError
from tests.data.sources.conftest import begin

RANDOM = np.random.default_rng(0)


def images(count, shape):
    return RANDOM.integers(0, 256, (count, *shape), np.uint8)


def idx(array):
    """A gzipped IDX file of bytes, as on yann.lecun.com: big-endian sizes."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def tar(members):
    """A .tar.gz of files by name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, contents in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return packed.getvalue()


def kmnist(train, test):
    return {
        f"{part}-{kind}-ubyte.gz": idx(array)
        for part, (pixels, labels) in (("train", train), ("t10k", test))
        for kind, array in (("images-idx3", pixels[:, 0]), ("labels-idx1", labels))
    }


def emnist(split, first=0):
    def archive(train, test):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            for part, (pixels, labels) in (("train", train), ("test", test)):
                turned = pixels[:, 0].transpose(0, 2, 1)
                file.writestr(f"gzip/emnist-{split}-{part}-images-idx3-ubyte.gz", idx(turned))
                file.writestr(f"gzip/emnist-{split}-{part}-labels-idx1-ubyte.gz", idx(labels + first))
        return {"gzip.zip": packed.getvalue()}

    return archive


def usps(train, test):
    def lines(pixels, labels):
        rows = zip(pixels.reshape(len(pixels), -1) / 127.5 - 1, labels + 1, strict=True)
        text = [
            " ".join([str(label), *(f"{at}:{value:.5f}" for at, value in enumerate(row, 1))]) for row, label in rows
        ]
        return bz2.compress("\n".join([*text, ""]).encode())

    return {"usps.bz2": lines(*train), "usps.t.bz2": lines(*test)}


def records(pixels, labels, *before):
    return b"".join(
        bytes([*before, label]) + image.tobytes() for image, label in zip(pixels, labels.tolist(), strict=True)
    )


def cifar_10(train, test):
    parts = zip(np.array_split(train[0], 5), np.array_split(train[1], 5), strict=True)
    members = {f"data_batch_{number}.bin": records(*part) for number, part in enumerate(parts, 1)}
    members = dict(reversed([*members.items()])) | {"readme.html": b"x", "test_batch.bin": records(*test)}
    return {"cifar-10-binary.tar.gz": tar({f"cifar-10-batches-bin/{name}": body for name, body in members.items()})}


def cifar_100(train, test):
    members = {"train.bin": records(*train, 19), "test.bin": records(*test, 19), "fine_label_names.txt": b"apple\n"}
    return {"cifar-100-binary.tar.gz": tar({f"cifar-100-binary/{name}": body for name, body in members.items()})}


def svhn(train, test):
    found = {}
    for part, (pixels, labels) in (("train", train), ("test", test)):
        packed = io.BytesIO()
        tens = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        savemat(packed, {"X": pixels.transpose(2, 3, 1, 0), "y": tens}, do_compression=True)
        found[f"{part}_32x32.mat"] = packed.getvalue()
    return found


PUBLISHED = {
    "kmnist": kmnist, "emnist-balanced": emnist("balanced"), "emnist-letters": emnist("letters", 1),
    "emnist-digits": emnist("digits"), "usps": usps, "cifar-10": cifar_10, "cifar-100": cifar_100, "svhn": svhn,
}  # fmt: skip


@pytest.fixture
def small(monkeypatch):
    """Put a small set in the catalog under its real name; returns its parts and its archives in the real format."""

    def make(name):
        real = CATALOG[name]
        count = len(real.classes)
        parts = [(images(n, real.shape), np.arange(n) % count) for n in (2 * count, count)]
        files = PUBLISHED[name](*parts)
        sums = {file: hashlib.sha256(body).hexdigest() for file, body in files.items()}
        known = {"md5": {file: hashlib.md5(body).hexdigest() for file, body in files.items()}} if real.md5 else {}
        facts = {"sha256": {} if real.md5 else sums, **known, "train": 2 * count, "test": count}
        monkeypatch.setitem(CATALOG, name, replace(real, **facts))
        return parts, files

    return make


@pytest.fixture
def publish(serve, monkeypatch):
    """Serve archives at the set's only address."""
    monkeypatch.setattr(mirrors, "PATIENCE", 0.4)

    def start(name, *bodies):
        servers = [serve({f"/set/{file}": body for file, body in one.items()}) for one in bodies]
        monkeypatch.setitem(archives.ADDRESSES, name, tuple(server.url for server in servers))
        return servers

    return start


def test_every_set_of_archives_is_tested_here():
    assert set(PUBLISHED) == {one.name for one in CATALOG.values() if one.archived}


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_archive_in_its_publishers_format_becomes_the_set(small, publish, cache, name):
    (train, test), files = small(name)
    publish(name, files)
    said = []

    folder = ensure(name, say=said.append)
    found = load(name, folder)
    assert np.array_equal(found.train_images.numpy(), train[0])
    assert np.array_equal(found.train_labels.numpy(), train[1])
    assert np.array_equal(data.test_images(name, folder), test[0])
    assert np.array_equal(found.test_labels.numpy(), test[1])
    assert said[0] == f"{CATALOG[name].title}: its publisher: checked, now in {cache / name}"
    assert said[1].endswith(f"pinned from now on: {described(folder).digest}")
    assert cached(name) == folder


def test_it_is_downloaded_once(small, publish):
    _, files = small("cifar-10")
    (server,) = publish("cifar-10", files)
    ensure("cifar-10", say=lambda _: None)
    ensure("cifar-10", say=lambda line: pytest.fail(line))

    assert server.asked == ["/set/cifar-10-binary.tar.gz"]


def test_a_shared_archive_is_downloaded_once_and_removed_after_the_last_set(small, publish, monkeypatch, cache):
    """EMNIST's three sets are in one archive of 560 MB."""
    parts, _ = small("emnist-digits")
    (others, packed), body = small("emnist-letters"), io.BytesIO()
    with zipfile.ZipFile(body, "w") as whole:
        for files in (emnist("digits")(*parts), packed):
            with zipfile.ZipFile(io.BytesIO(files["gzip.zip"])) as one:
                for name in one.namelist():
                    whole.writestr(name, one.read(name))
    both = {"gzip.zip": body.getvalue()}
    other = replace(CATALOG["emnist-balanced"], sha256={"other.zip": "0" * 64})
    monkeypatch.setitem(CATALOG, "emnist-balanced", other)
    for name in ("emnist-digits", "emnist-letters"):
        sums = {"gzip.zip": hashlib.sha256(both["gzip.zip"]).hexdigest()}
        monkeypatch.setitem(CATALOG, name, replace(CATALOG[name], sha256=sums))
    (server,) = publish("emnist-digits", both)
    ensure("emnist-digits", say=lambda _: None)
    kept = (cache / "archives" / "gzip.zip").exists()
    ensure("emnist-letters", say=lambda _: None)

    assert kept
    assert server.asked == ["/set/gzip.zip"]
    assert not (cache / "archives" / "gzip.zip").exists()
    assert np.array_equal(load("emnist-letters", cache / "emnist-letters").test_images.numpy(), others[1][0])


def hang(request):
    begin(request, 100_000)
    request.wfile.write(bytes(1000))
    time.sleep(1)


def cut(body):
    def answer(request):
        begin(request, len(body))
        request.wfile.write(body[: len(body) // 2])

    return answer


@pytest.mark.parametrize("fault", ["cut", "hung", "wrong", "absent"])
def test_a_mirror_that_fails_is_named_and_the_next_one_is_asked(small, publish, fault):
    _, files = small("cifar-10")
    (file, body), *_ = files.items()
    bad = {"cut": cut(body), "hung": hang, "wrong": b"x" + body, "absent": None}[fault]
    first, second = publish("cifar-10", {file: bad}, files)
    ensure("cifar-10", say=lambda _: None)

    assert (len(first.asked), len(second.asked)) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("wrong", "expected SHA-256"), ("hung", "timed out"), ("cut", "expected SHA-256"), ("absent", "404")],
)
def test_without_a_source_the_reasons_are_said_and_nothing_is_left(small, publish, cache, fault, words):
    _, files = small("cifar-100")
    (file, body), *_ = files.items()
    publish("cifar-100", {file: {"cut": cut(body), "hung": hang, "wrong": b"x" + body, "absent": None}[fault]})
    said = []

    with pytest.raises(SuiteError) as refused:
        ensure("cifar-100", say=said.append)

    assert refused.value.code == 3
    assert "put cifar-100-binary.tar.gz in a folder" in str(refused.value)
    assert words in said[0]
    assert list((cache / "cifar-100").iterdir()) == []
    assert not list(cache.glob(".*"))


def test_the_users_folder_is_tried_first(small, publish, tmp_path):
    _, files = small("svhn")
    (server,) = publish("svhn", {})
    (tmp_path / "mine" / "svhn").mkdir(parents=True)
    for file, body in files.items():
        (tmp_path / "mine" / "svhn" / file).write_bytes(body)
    ensure("svhn", folder=tmp_path / "mine", say=lambda _: None)

    assert server.asked == []


def test_a_wrong_archive_in_the_users_folder_is_refused(small, tmp_path):
    _, files = small("usps")
    for file in files:
        (tmp_path / file).write_bytes(b"other")

    with pytest.raises(SuiteError, match=r"usps\.bz2: expected MD5 .*, found .* in 5 bytes"):
        ensure("usps", folder=tmp_path, say=lambda _: None)


@pytest.mark.parametrize("file", ["train-images.npy", "test-labels.npy", "document.json"])
def test_damage_in_the_cache_is_refused_by_name_and_left_as_it_was(small, publish, cache, file):
    _, files = small("usps")
    publish("usps", files)
    path = ensure("usps", say=lambda _: None) / file
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(SuiteError) as refused:
        ensure("usps", say=lambda _: None)

    assert f"{path}" in str(refused.value)
    assert str(cache / "usps") in str(refused.value)
    assert path.read_bytes() == damaged


def test_another_conversion_makes_the_set_again(small, publish, monkeypatch):
    _, files = small("usps")
    (server,) = publish("usps", files)
    ensure("usps", say=lambda _: None)
    monkeypatch.setattr("suite.data.dataset.CONVERSION", 2)
    ensure("usps", say=lambda _: None)

    assert len(server.asked) == 4
