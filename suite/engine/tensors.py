"""The contents of a tensor of any kind: sparse, quantised, nested, complex, of a subclass."""

from typing import Any

import torch

from suite.engine import checkpoint

Part = tuple[str, Any]  # how its path goes on, such as `[2]` or `.steps`, and the value
Contents = tuple[str, list[Part]]
UNREADABLE = "cannot be compared"  # in a text: what is described may change unseen

COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def opened(value: torch.Tensor) -> Contents:
    """A text with the digest of all values, or the tensors that a subclass consists of; then the user's attributes.

    The text has `UNREADABLE` in it where torch does not give the values.
    """
    if flatten := getattr(value, "__tensor_flatten__", None):
        names, facts = flatten()
        parts = [(f".{name}", getattr(value, name)) for name in names]
        return str(value.dtype), [*parts, (" facts", facts), *attributes(value)]
    facts = f"{value.dtype} {value.layout} {value.device} {value.requires_grad}"
    try:
        with torch._C.DisableTorchFunctionSubclass():  # what a subclass computes in its own way is of no interest
            plain = _strided(value.detach())
            facts += "" if value.is_nested else f" {tuple(value.shape)}"
            facts += f" {[(name, part.stride()) for name, part in sorted(plain.items())]} {checkpoint.digest(plain)}"
            return facts, attributes(value)
    except (RuntimeError, TypeError):
        return f"{facts} {UNREADABLE}", attributes(value)


def attributes(value: torch.Tensor) -> list[Part]:
    """What the user's code has set as attributes of a tensor; torch's own begin with `_`."""
    return [(f".{name}", part) for name, part in vars(value).items() if not name.startswith("_")]


def _strided(value: torch.Tensor) -> dict[str, torch.Tensor]:
    """Strided tensors of numbers that together hold all values of this one."""
    if value.is_meta:  # it has no values
        return {}
    if value.is_nested:
        return {str(i): part for i, one in enumerate(value.unbind()) for part in _strided(one).values()}
    if value.is_quantized:
        return {"": value.int_repr(), **_scales(value)}
    if value.layout is torch.sparse_coo:
        return {"indices": value._indices(), "values": value._values().resolve_conj().resolve_neg()}
    if value.layout in COMPRESSED:
        return {name: getattr(value, name)() for name in COMPRESSED[value.layout]}
    return {"": value.to_dense() if value.is_mkldnn else value.resolve_conj().resolve_neg()}


def _scales(value: torch.Tensor) -> dict[str, torch.Tensor]:
    """How the integers of a quantised tensor become numbers."""
    if value.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return {"scale": torch.tensor(value.q_scale()).double(), "zero": torch.tensor(value.q_zero_point())}
    axis = torch.tensor(value.q_per_channel_axis())
    return {"axis": axis, "scale": value.q_per_channel_scales(), "zero": value.q_per_channel_zero_points()}
