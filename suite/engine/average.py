"""An exponential moving average of a model's weights and buffers, which is evaluated and kept instead of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

Tensors = dict[str, torch.Tensor]


class Average:
    """The average over the steps so far; the first step's values are the average after it.

    It holds all floating-point tensors of the `state_dict`, so BatchNorm's statistics are averaged like the weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._update = model, get_ema_multi_avg_fn(decay)
        self.tensors: Tensors = {}

    def update(self) -> None:
        """Note the model's values after a step."""
        now = self._now()
        if self.tensors.keys() != now.keys():
            self.tensors = {name: tensor.clone() for name, tensor in now.items()}
        else:
            self._update([self.tensors[name] for name in now], [*now.values()], None)  # a file has another order

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the averages into the model for an evaluation; afterwards it has its own values, bit for bit."""
        own = {name: tensor.clone() for name, tensor in self._now().items()}
        self._put(self.tensors)
        try:
            yield
        finally:
            self._put(own)

    def _now(self) -> Tensors:
        return {name: tensor for name, tensor in self._model.state_dict().items() if tensor.is_floating_point()}

    def _put(self, values: Tensors) -> None:
        now = self._now()
        for name, value in values.items():
            now[name].copy_(value)
