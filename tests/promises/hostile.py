"""Malicious files, made to harm their reader. If one of them succeeds, a file appears: the sentinel."""

import gzip
import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

from suite.disk.documents import LARGEST
from suite.engine.checkpoint import MAGIC

Make = Callable[[Path, Path], None]  # writes the malicious file to the first path; the second path is the sentinel


class Runs:
    """An object that calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def _system(sentinel: Path) -> Runs:
    return Runs(os.system, f"touch '{sentinel}'")


def _eval(sentinel: Path) -> Runs:
    return Runs(eval, f"open({str(sentinel)!r}, 'w').close()")


def pickle_of_os_system(path: Path, sentinel: Path) -> None:
    path.write_bytes(pickle.dumps(_system(sentinel)))


def pickle_of_eval(path: Path, sentinel: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [_eval(sentinel)]}))


def torch_file(path: Path, sentinel: Path) -> None:
    torch.save({"model": torch.zeros(10), "history": [_system(sentinel)], "identity": _eval(sentinel)}, path)


def torch_file_of_old(path: Path, sentinel: Path) -> None:
    nested = {"storage": {"storage": {"storage": _system(sentinel)}}}
    torch.save(nested, path, _use_new_zipfile_serialization=False)


def numpy_objects(path: Path, sentinel: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.array([_system(sentinel), _eval(sentinel)], dtype=object), allow_pickle=True)
    path.write_bytes(array.getvalue())


@cache
def _deflated() -> bytes:
    pack = zlib.compressobj(9, wbits=31)
    return b"".join(pack.compress(bytes(1 << 20)) for _ in range(300)) + pack.flush()


@cache
def _zipped() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("archive/data.pkl", bytes(300 << 20))
    return archive.getvalue()


def deflate_bomb(path: Path, _sentinel: Path) -> None:
    """300 kB that become 300 MB when they are unpacked."""
    path.write_bytes(_deflated())


def zip_bomb(path: Path, _sentinel: Path) -> None:
    """A zip file with the entry names of a torch file; its one entry becomes 300 MB when it is unpacked."""
    path.write_bytes(_zipped())


def gzip_of_gzips(path: Path, sentinel: Path) -> None:
    path.write_bytes(gzip.compress(gzip.compress(pickle.dumps(_system(sentinel)))))


def safetensors_of_a_huge_header(path: Path, _sentinel: Path) -> None:
    path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}" + bytes(1_000))


def checkpoint_around(body: bytes) -> bytes:
    """A checkpoint with a correct head and this body, as someone who knows the format would write it."""
    return MAGIC + f"{hashlib.sha256(body).hexdigest()} {len(body):12d}\n".encode() + body


def _safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def forged_checkpoint_of_a_huge_header(path: Path, _sentinel: Path) -> None:
    path.write_bytes(checkpoint_around(struct.pack("<Q", 1 << 62) + b"{}" + bytes(1_000)))


def forged_checkpoint_of_a_deep_header(path: Path, _sentinel: Path) -> None:
    path.write_bytes(checkpoint_around(_safetensors(b'{"__metadata__":' + b"[" * 100_000)))


def forged_checkpoint_of_a_list(path: Path, _sentinel: Path) -> None:
    path.write_bytes(checkpoint_around(_safetensors(b'["__metadata__"]')))


def forged_checkpoint_of_other_facts(path: Path, _sentinel: Path) -> None:
    header = json.dumps({"__metadata__": {"suite": json.dumps(["identity", "seed", "history"])}})
    path.write_bytes(checkpoint_around(_safetensors(header.encode())))


def forged_checkpoint_without_a_history(path: Path, _sentinel: Path) -> None:
    header = json.dumps({"__metadata__": {"suite": "{}"}})
    path.write_bytes(checkpoint_around(_safetensors(header.encode())))


def link_to_the_passwords(path: Path, _sentinel: Path) -> None:
    path.symlink_to("/etc/passwd")


def link_to_a_device(path: Path, _sentinel: Path) -> None:
    path.symlink_to("/dev/zero")


def pipe(path: Path, _sentinel: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, _sentinel: Path) -> None:
    path.mkdir()


def sparse_10_gb(path: Path, _sentinel: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 30)


def sparse_200_mb(path: Path, _sentinel: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200 << 20)


def json_nested_100_000_deep(path: Path, _sentinel: Path) -> None:
    path.write_bytes(b"[" * 100_000 + b"]" * 100_000 + b"\n")


def json_nested_just_too_deep(path: Path, _sentinel: Path) -> None:
    """JSON that is nested so deeply that Python can read it but cannot write it."""
    path.write_bytes(b'{"sha256": "", "recipe": ' + b"[" * 900 + b"]" * 900 + b"}\n")


def json_of_infinities(path: Path, _sentinel: Path) -> None:
    facts = b'{"epoch": 1e999, "identity": -1e999, "seed": NaN, "sha256": "'
    path.write_bytes(facts + hashlib.sha256(facts).hexdigest().encode() + b'"}\n')


def json_of_a_million_lists(path: Path, _sentinel: Path) -> None:
    """JSON of the largest size that is allowed; in memory it is thirty times as large."""
    path.write_bytes(b"[" + b"[]," * ((LARGEST - 5) // 3) + b"[]]\n")


def a_million_lines(path: Path, _sentinel: Path) -> None:
    path.write_bytes(b"{}\n" * 1_000_000)
