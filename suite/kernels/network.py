"""A network whose training step and scores the kernels compute, in one array of memory.

torch's parameters, running figures and optimiser state become views of that array: torch reads and saves what the
kernels write, and what torch loads, the kernels see.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from suite.kernels import plan as planning
from suite.kernels.compiled import address
from suite.kernels.layers import operations

TOGETHER = 256  # images that are evaluated at once: results do not depend on it, memory does
Uniform = Callable[[int, int], torch.Tensor]
ADAM = ("adam", "adamw")
LOSSES = {"cross-entropy": 0, "mse-one-hot": 1}
_VOID, _INT, _REAL, _FLOAT = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_double, ctypes.c_float


def load(model: nn.Module, recipe: Any) -> None:
    """Load all functions that the training of this network needs; raises `Unknown` if the kernels cannot train it."""
    planning.made(operations(model, recipe.shape), list(model.parameters()), 16)
    _addresses(recipe)


def _addresses(recipe: Any) -> dict[str, int]:
    """The functions for the whole of a step, beside those of the layers."""
    loss, name = LOSSES[recipe.loss], recipe.optimizer
    adam = name in ADAM
    return {
        "forward": address("walking", "make_forward"),
        "backward": address("walking", "make_backward"),
        "images": address("scores", "make_images"),
        "loss": address("scores", "make_loss", loss),
        "found": address("scores", "make_found", loss),
        "clip": address("updating", "make_clip") if recipe.clip_norm is not None else 0,
        "update": address("updating", *(("make_adam", name == "adamw") if adam else ("make_sgd", name == "nesterov"))),
    }


def _function(where: int, *kinds: Any) -> Any:
    return ctypes.CFUNCTYPE(None, *kinds)(where)


class Kernels:
    """The kernels of one network and recipe; the network and its optimiser are on the CPU and in training mode."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, recipe: Any) -> None:
        parameters = list(model.parameters())
        found = operations(model, recipe.shape)
        most = max(recipe.batch_size, TOGETHER)
        self.recipe, self.optimizer, self.parameters = recipe, optimizer, parameters
        self.plan = plan = planning.made(found, parameters, most)
        self.counters = plan.memory.take(len(parameters))
        self.array = _zeros(plan.memory.size)
        for place, value in plan.memory.values.items():
            self.array[place] = value
        self.whole = torch.from_numpy(self.array)
        self.sums = np.zeros(2)
        self.classes = recipe.classes
        self.pixels = recipe.shape[0] * recipe.shape[1] * recipe.shape[2]
        self.norms = [one.layer for one in found if one.kind == "normalisation"]
        self.single = [one.given[1] * one.given[2] == 1 for one in found if one.kind == "normalisation"]
        self._adopt(model)
        self._load()

    def _adopt(self, model: nn.Module) -> None:
        """Make the network's tensors and the optimiser's state views of the array, with the values that they have."""
        for one in self.parameters:
            one.data = self._view(self.plan.weights.places[id(one)], one.data)
        for buffer in model.buffers():
            if id(buffer) in self.plan.buffers:
                buffer.data = self._view(self.plan.buffers[id(buffer)], buffer.data)
        kept = self.plan.weights
        for k, one in enumerate(self.parameters):
            state, at = self.optimizer.state[one], kept.places[id(one)] - kept.values
            for name, first in self._parts().items():
                old = state.get(name)
                state[name] = self._view(first + at, torch.zeros_like(one) if old is None else old)
            if self.recipe.optimizer in ADAM:
                old = state.get("step")
                state["step"] = self._view(self.counters + k, torch.zeros(()) if old is None else old)
            if not state:
                del self.optimizer.state[one]

    def _parts(self) -> dict[str, int]:
        """The names of the optimiser's tensors for each weight, and where they begin."""
        kept = self.plan.weights
        if self.recipe.optimizer in ADAM:
            return {"exp_avg": kept.first, "exp_avg_sq": kept.second}
        return {"momentum_buffer": kept.first} if self.recipe.momentum else {}

    def _view(self, first: int, values: torch.Tensor) -> torch.Tensor:
        view = self.whole[first : first + values.numel()].view(values.shape)
        view.copy_(values)
        return view

    def _load(self) -> None:
        """The compiled functions that do not belong to a single layer."""
        found = _addresses(self.recipe)
        walk = _VOID, _VOID, _INT, _INT
        self._forward, self._backward = (_function(found[name], *walk) for name in ("forward", "backward"))
        self._images = _function(found["images"], _VOID, _VOID, _INT, _INT, _FLOAT, _FLOAT, _INT, _INT)
        self._loss = _function(found["loss"], _VOID, _VOID, *[_INT] * 5, _REAL, _VOID)
        self._found = _function(found["found"], _VOID, *[_INT] * 4, _VOID, _VOID, _VOID)
        self._clip = _function(found["clip"], _VOID, _INT, _INT, _REAL) if found["clip"] else None
        reals = [_INT] * 7 + [_REAL] * 5 if self.recipe.optimizer in ADAM else [_INT] * 4 + [_REAL] * 3
        self._update = _function(found["update"], _VOID, *reals)

    def step(self, images: torch.Tensor, labels: torch.Tensor, uniform: Uniform | None = None) -> tuple[float, int]:
        """One update from images uint8 (n, channels, height, width) and labels int64 (n,).

        `uniform` draws numbers from 0 to 1 of a shape, for dropout; by default torch draws its own masks.

        Returns the batch's mean loss and the number of right answers, both before the update. The learning rate is that
        of the optimiser's group. Raises `ValueError`, as torch does, where BatchNorm gets a single value.
        """
        n, plan, memory = len(labels), self.plan, self.array.ctypes.data
        if n == 1 and any(self.single):
            raise ValueError("Expected more than 1 value per channel when training, got a batch of one image")
        self._draw_masks(n, uniform)
        self.sums[:] = 0.0
        rows, table = len(plan.training), plan.training.ctypes.data
        self._read(images, n)
        self._forward(memory, table, rows, n)
        smoothing = self.recipe.label_smoothing
        where = plan.scores, plan.gradient, plan.scratch
        self._loss(memory, labels.data_ptr(), n, self.classes, *where, smoothing, self.sums.ctypes.data)
        self._backward(memory, table, rows, n)
        for layer in self.norms:
            layer.num_batches_tracked += 1
        self._updated(self.optimizer.param_groups[0], memory)
        return float(self.sums[0]) / n, int(self.sums[1])

    def _updated(self, group: dict[str, Any], memory: int) -> None:
        kept = self.plan.weights
        if self._clip:
            self._clip(memory, kept.gradients, kept.count, self.recipe.clip_norm)
        if self.recipe.optimizer in ADAM:
            places = kept.values, kept.gradients, kept.first, kept.second, kept.count
            reals = float(group["lr"]), *group["betas"], group["eps"], group["weight_decay"]
            self._update(memory, *places, self.counters, len(self.parameters), *reals)
        else:
            reals = float(group["lr"]), group["momentum"], group["weight_decay"]
            self._update(memory, kept.values, kept.gradients, kept.first, kept.count, *reals)

    def scores(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, Any, Any, Any]:
        """Summed loss, scores float32 (n, classes), classes int64 (n,), confidences float32 (n,): an evaluation's."""
        n, memory, table = len(labels), self.array.ctypes.data, self.plan.evaluation
        scores, confidence = torch.empty(n, self.classes), torch.empty(n)
        predicted, sums = torch.empty(n, dtype=torch.int64), np.zeros(2)
        for start in range(0, n, TOGETHER):
            some = labels[start : start + TOGETHER].contiguous()
            self._read(images[start : start + TOGETHER], len(some))
            self._forward(memory, table.ctypes.data, len(table), len(some))
            where = self._last, -1, self.plan.scratch
            self._loss(memory, some.data_ptr(), len(some), self.classes, *where, 0.0, sums.ctypes.data)
            out = (one[start:].data_ptr() for one in (scores, predicted, confidence))
            self._found(memory, len(some), self.classes, self._last, self.plan.scratch, *out)
        return float(sums[0]), scores, predicted, confidence

    @property
    def _last(self) -> int:
        from suite.kernels.fields import Y

        return int(self.plan.evaluation[-1, Y])

    def _read(self, images: torch.Tensor, n: int) -> None:
        mean, deviation = self.recipe.normalize or (0.0, 0.0)
        given = images.contiguous()
        where = self.plan.images, self.plan.scratch
        self._images(self.array.ctypes.data, given.data_ptr(), n, self.pixels, mean, deviation, *where)

    def _draw_masks(self, n: int, uniform: Uniform | None) -> None:
        """Dropout's masks, by default from torch's generator as its own layer draws them."""
        for one, place, features in self.plan.masks:
            kept = 1.0 - one.layer.p
            drawn = (uniform(n, features) < kept).float() if uniform else torch.empty(n, features).bernoulli_(kept)
            mask = np.empty((-(-n // 16) * 16, features), np.float32)
            np.divide(drawn.numpy(), np.float32(kept or 1.0), out=mask[:n])
            mask[n:] = mask[n - 1]
            whole = (n + 7) // 16  # blocks of 16 lanes; one more has 8
            last = place + whole * 16 * features
            blocks = self.array[place:last].reshape(whole, features, 16)
            blocks[:] = mask[: whole * 16].reshape(whole, 16, features).transpose(0, 2, 1)
            if whole * 16 < n:
                self.array[last : last + 8 * features].reshape(features, 8)[:] = mask[whole * 16 :][:8].T


def _zeros(count: int) -> Any:
    """Zeros whose first number begins a cache line, so that no vector lies across two."""
    whole = np.zeros(count + 16, np.float32)
    skip = -whole.ctypes.data % 64 // 4
    return whole[skip : skip + count]
