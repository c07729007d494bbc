"""Tensors on disk, in a format that cannot run code, with a SHA-256 over every byte.

We do not use `torch.load`, because it does not check the CRC-32 of its files: of 400 files with one flipped bit it
accepted 398.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from suite.disk import files
from suite.disk.documents import LARGEST_FILE, damaged, unread

MAGIC = b"suite checkpoint 2\n"
HEAD = len(MAGIC) + 64 + 1 + 12 + 1  # then the body's SHA-256 in hexadecimal and its length in bytes, as one line


def save(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Replace the checkpoint at `path`; after a crash the file is either the old or the new one."""
    # One metadata key, because the order of several keys, and so the bytes, would differ between processes.
    body = safetensors.torch.save(_whole(tensors), metadata={"suite": json.dumps(facts, sort_keys=True)})
    files.write(path, _head(hashlib.sha256(body).hexdigest(), len(body)) + body)


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The saved tensors and facts; raises `SuiteError`: 2 for a damaged file, 3 for one that cannot be read."""
    body = _body(path)
    try:
        header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
        facts: dict[str, Any] = json.loads(header["__metadata__"]["suite"])
        tensors: dict[str, torch.Tensor] = safetensors.torch.load(body)
        return tensors, dict(facts)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(path, "it is not a checkpoint of the suite") from error


def _head(digest: str, length: int) -> bytes:
    return MAGIC + f"{digest} {length:12d}\n".encode()


def _body(path: Path) -> bytes:
    """The bytes after the head. They are read into memory only after length and SHA-256 have been checked."""
    try:
        with files.opened(path, LARGEST_FILE) as file:
            head = file.read(HEAD)
            length = os.fstat(file.fileno()).st_size - HEAD
            if not head.endswith(f" {length:12d}\n".encode()):
                raise damaged(path, "its length is not the one stored with it")
            if head != _head(hashlib.file_digest(file, "sha256").hexdigest(), length):
                raise damaged(path, "its contents do not match the SHA-256 stored with them")
            file.seek(HEAD)
            return file.read(length)
    except (files.Unfit, OSError) as error:
        raise unread(error, path) from error


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a standard safetensors file, which other programs can read."""
    files.write(path, safetensors.torch.save(_whole(tensors)))


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a standard safetensors file; the caller must have written or checked it."""
    tensors: dict[str, torch.Tensor] = safetensors.torch.load_file(path)
    return tensors


def holds(value: object) -> bool:
    """Whether a checkpoint can hold this tensor: it is dense, of a type of safetensors, and its numbers are apart."""
    if not isinstance(value, torch.Tensor) or value.layout is not torch.strided or value.is_nested or value.is_meta:
        return False
    repeated = any(size > 1 and stride == 0 for size, stride in zip(value.shape, value.stride(), strict=True))
    return not repeated and _holds_type(value.dtype)


@functools.cache
def _holds_type(dtype: torch.dtype) -> bool:
    try:
        safetensors.torch.load(safetensors.torch.save({"": torch.empty(0, dtype=dtype)}))
    except KeyError:
        return False
    return True


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """The SHA-256 of names, types, shapes and values: equal weights give equal digests, however they are stored."""
    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # As one row, whatever its strides: those of a single number may be 0, and then it has no view as bytes.
        row = tensor.detach().cpu().contiguous().as_strided((tensor.numel(),), (1,))
        sha.update(row.view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def _whole(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous copies in CPU memory that share no storage, as safetensors requires."""
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
