"""An optimiser's internal state, as a checkpoint holds it: tensors by name, and everything else as plain values."""

from typing import Any

import torch

from suite.engine import checkpoint
from suite.engine.outside import is_plain
from suite.errors import SuiteError

Tensors = dict[str, torch.Tensor]


def saved(optimizer: torch.optim.Optimizer) -> tuple[Tensors, dict[str, Any]]:
    """The state's tensors, named `0.exp_avg`, and JSON values: its numbers and texts, and those of the groups.

    Raises `SuiteError` (2) for a value that a checkpoint cannot hold.
    """
    tensors: Tensors = {}
    plain: dict[str, Any] = {}
    facts = optimizer.state_dict()
    for index, values in facts["state"].items():
        if not isinstance(index, int) or not isinstance(values, dict):
            raise _not_resumable(str(index))
        for key, value in values.items():
            if checkpoint.holds(value):
                tensors[f"{index}.{key}"] = value
            elif is_plain(value):
                plain[f"{index}.{key}"] = value
            else:
                raise _not_resumable(key)
    groups = [{key: value for key, value in group.items() if is_plain(value)} for group in facts["param_groups"]]
    return tensors, {"state": plain, "groups": groups}


def load(optimizer: torch.optim.Optimizer, tensors: Tensors, facts: dict[str, Any]) -> None:
    """Load what `saved` returned.

    A file stores all tensors in the contiguous layout, but fused updates assume the memory layout of the weights and
    do not check it. So each tensor is copied into that layout. Raises `ValueError` if the values do not fit.
    """
    weights = dict(enumerate(weight for group in optimizer.param_groups for weight in group["params"]))
    gathered: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **facts["state"]}.items():
        index, _, key = name.partition(".")
        like = weights.get(int(index))
        if isinstance(value, torch.Tensor) and like is not None and like.shape == value.shape:
            value = torch.empty_like(like, dtype=value.dtype).copy_(value)
        gathered.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    groups = [{**group, **found} for group, found in zip(groups, facts["groups"], strict=True)]
    optimizer.load_state_dict({"state": gathered, "param_groups": groups})
    for index, values in gathered.items():  # torch gives most of them the weights' type
        for key, value in values.items():
            loaded = optimizer.state[weights[index]].get(key)
            if isinstance(value, torch.Tensor) and isinstance(loaded, torch.Tensor) and loaded.dtype != value.dtype:
                optimizer.state[weights[index]][key] = value.to(loaded.device)


def _not_resumable(key: str) -> SuiteError:
    return SuiteError(
        f"the optimizer's state holds {key!r:.80}, which a checkpoint cannot hold.",
        "Keep dense tensors, numbers and texts in self.state[parameter].",
    )
