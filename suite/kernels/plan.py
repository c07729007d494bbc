"""The plan of a network: where each number of a training step lies, and which compiled functions work on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.kernels import fields as f
from suite.kernels.compiled import address, wide
from suite.kernels.layers import Operation
from suite.kernels.memory import Memory
from suite.kernels.shapes import padding_of, window_of
from suite.kernels.tiling import dots_of, rows_of, smallest_group, tile, tile_across
from suite.kernels.weights import Weights

BAND = 12_000  # numbers of a gradient and its images that are worked on at a time: they stay in the first cache
BY_VALUE = ("relu", "sigmoid", "tanh", "leaky")  # their slopes follow from their values: these must stay
POINTWISE = {"relu": 0, "sigmoid": 1, "tanh": 2, "leaky": 3, "gelu": 4, "dropout": 5}


@dataclass
class Plan:
    """The table for training, that for evaluation, and the parts of the memory that are looked at from outside."""

    training: Any
    evaluation: Any
    memory: Memory
    weights: Weights
    images: int
    scores: int
    gradient: int
    scratch: int
    buffers: dict[int, int]  # places of running means and variances, by the id of torch's tensor
    masks: list[tuple[Any, int, int]]  # of dropout: the layer, its place in the memory, and features


def made(operations: list[Operation], parameters: list[Any], most: int) -> Plan:
    """The plan for up to `most` images at once."""
    return _Planner(operations, parameters, -(-most // 16)).plan()


class _Planner:
    def __init__(self, operations: list[Operation], parameters: list[Any], blocks: int) -> None:
        self.operations, self.blocks, self.memory = operations, blocks, Memory()
        self.weights = Weights.of(parameters, self.memory)
        self.zeros = self.memory.take(48, *[0.0] * 16, *[1.0] * 16)
        self.buffers: dict[int, int] = {}
        self.masks: list[tuple[Any, int, int]] = []
        self.number, self.scratch_size = 0, 0
        self.values: dict[int, int] = {}  # places of the operations' outputs; the images' is -1
        self.gradients: dict[int, list[int]] = {-1: [-1]}  # places of their gradients, for their users in their order

    def plan(self) -> Plan:
        """Lay out all operations, then the room that they share."""
        given = _count(self.operations[0].given)
        images = self.values[-1] = self._room(given)
        training = np.array([self._row(k, one) for k, one in enumerate(self.operations)])
        at, gradient = (int(training[-1, column]) for column in (f.Y, f.GY))
        classes = self.operations[-1].out[0]
        self.scratch_size = max(self.scratch_size, 8 * given, (classes + 2) * 16)
        training[:, f.SCRATCH] = scratch = self.memory.take(self.scratch_size)
        found = self.memory, self.weights, images, at, gradient, scratch, self.buffers, self.masks
        return Plan(training, self._evaluation(training), *found)

    def _row(self, k: int, one: Operation) -> Any:
        """The row of operation k, and for its users where its output and their gradients are."""
        self.number, row = k, np.full(f.COUNT, -1, np.int64)
        row[: f.WHOLE + 1] = 0
        row[[f.ZEROS, f.FEATURES]] = self.zeros, _count(one.given)
        for source, value, gradient in zip(one.inputs, (f.X, f.OTHER), (f.GX, f.GOTHER), strict=False):
            row[value], row[gradient] = self.values[source], self.gradients[source].pop(0)
        in_place = self._is_in_place(one)
        row[f.Y] = row[f.X] if in_place or one.kind == "fork" else self._room(_count(one.out))
        needed = max(row[f.GX], row[f.GOTHER]) >= 0 or one.kind in ("convolution", "linear", "normalisation")
        row[f.GY] = row[f.GX] if in_place else self._gradient_of(k, row) if needed else -1
        self.values[k], self.gradients[k] = int(row[f.Y]), [int(row[f.GY])]
        getattr(self, f"_{one.kind.replace('-', '_')}", self._pointwise)(one, row)
        if not needed:
            row[f.BACKWARD] = 0
        return row

    def _is_in_place(self, one: Operation) -> bool:
        """Whether an activation's value takes the place of its input: nothing else needs that."""
        before = one.inputs[0]
        if one.kind not in BY_VALUE or before < 0 or self.operations[before].kind in BY_VALUE:
            return False
        while before >= 0 and self.operations[before].kind == "dropout":  # an evaluation leaves it out
            before = self.operations[before].inputs[0]
        return before < 0 or self.operations[before].kind != "fork"

    def _gradient_of(self, k: int, row: Any) -> int:
        """Where the gradient of an output is: in its own place, if the backward pass no longer needs it by then."""
        kinds = [self.operations[k].kind, *(one.kind for one in self.operations if k in one.inputs)]
        if len(kinds) == 1 or "fork" in kinds[:1] or any(kind in BY_VALUE for kind in kinds):
            return self._room(_count(self.operations[k].out))
        return int(row[f.Y])

    def _room(self, features: int) -> int:
        return self.memory.take(features * 16 * self.blocks)

    def _evaluation(self, training: Any) -> Any:
        """The same without gradients: dropout is left out, and batch normalisation goes by its running figures."""
        rows = training.copy()
        rows[:, f.GX] = -1
        for k, one in enumerate(self.operations):
            if one.kind == "normalisation":
                rows[k, f.FORWARD] = address("normalisation", "make_evaluation")
            elif one.kind == "dropout":
                rows[k, f.FORWARD] = 0
                at, put = rows[k, f.X], rows[k, f.Y]
                rows[k + 1 :, f.X][rows[k + 1 :, f.X] == put] = at
                rows[k + 1 :, f.OTHER][rows[k + 1 :, f.OTHER] == put] = at
                rows[k:, f.Y][rows[k:, f.Y] == put] = at  # its own too: it may be the last
        return rows

    def _places(self, one: Operation, row: Any) -> None:
        """Where the layer's weights and their gradients are."""
        shift = self.weights.gradients - self.weights.values
        for name, at, gradient in (("weight", f.WEIGHT, f.GWEIGHT), ("bias", f.BIAS, f.GBIAS)):
            if (tensor := getattr(one.layer, name)) is not None:
                row[at] = self.weights.places[id(tensor)]
                row[gradient] = row[at] + shift

    def _convolution(self, one: Operation, row: Any) -> None:
        (i, hi, wi), (o, ho, wo), layer = one.given, one.before, one.layer
        kh, kw = layer.kernel_size
        self._places(one, row)
        row[[f.IN, f.HI, f.WI, f.OUT, f.HO, f.WO, f.HP, f.WP]] = i, hi, wi, o, ho, wo, *one.out[1:]
        row[[f.KH, f.KW, f.SH, f.SW]] = kh, kw, *layer.stride
        row[[f.PH, f.PW]] = padding_of(layer)
        taps, fused = i * kh * kw, kw <= 5
        limit = 20 if wide() else 10
        group = smallest_group([g for g in range(8, 0, -1) if g * (kw if fused else 1) <= limit], o)
        groups = -(-o // group) * group
        row[[f.TILE, f.TILE_BACK, f.GROUP]] = tile(o), tile(i), group
        row[f.PACKED], row[f.TURNED] = self.memory.take(o * taps), self.memory.take(o * taps)
        row[f.SUMS], row[f.BIASES] = self.memory.take(groups * taps * 16), self.memory.take(o * 16)
        row[f.AUX] = self.memory.take(f.NOTES * _count(one.out) * self.blocks) if one.pool != f.PLAIN else 0
        self._scratch_of(row, groups)
        row[f.FORWARD] = address("convolution", "make_forward", one.pool)
        row[f.BACKWARD] = address("gradient", "make_backward", one.pool, fused, not wide())
        row[f.BEGIN], row[f.END] = address("convolution", "make_begin"), address("gradient", "make_end")
        row[[f.MANY16, f.MANY8, f.ONE16, f.ONE8]] = rows_of(o, tile(o), kw)
        if row[f.GX] >= 0:
            row[[f.BACK16, f.BACK8, f.BACK_ONE16, f.BACK_ONE8]] = rows_of(i, tile(i), kw)
        lanes = (16, 8) if wide() else (8, 8)
        row[[f.OUTER16, f.OUTER8]] = [address("products", "make_outer", group, kw if fused else 1, n) for n in lanes]

    def _scratch_of(self, row: Any, groups: int) -> None:
        """How many rows a band has, and the room for a block's gradients, its images with padding, and a stride."""
        ho, wo, wide_ = int(row[f.HO]), int(row[f.WO]), int(row[f.WI] + 2 * row[f.PW])
        pooled = bool(row[f.HP] != ho)
        fits = (BAND - int(row[f.KH] - 1) * wide_ * 16) // ((int(row[f.GROUP]) * wo + int(row[f.SH]) * wide_) * 16)
        fits = max(fits // 2 * 2 if pooled else fits, 2 if pooled else 1)
        row[f.BAND] = min(fits, ho + ho % 2 if pooled else ho)
        dilated = ((ho - 1) * row[f.SH] + 1) * ((wo - 1) * row[f.SW] + 1) if max(row[f.SH], row[f.SW]) > 1 else 0
        padded = row[f.IN] * row[f.HI] * wide_ if row[f.PW] else 0
        backward = groups * max(ho, int(row[f.BAND])) * wo + padded + row[f.OUT] * dilated
        self.scratch_size = max(self.scratch_size, 16 * int(backward), 16 * 2 * wo * max(tile(int(row[f.OUT])), 1))

    def _linear(self, one: Operation, row: Any) -> None:
        i, o, lanes = _count(one.given), one.out[0], 16 * self.blocks
        self._places(one, row)
        group, outs = tile_across(i), -(-o // 16) * 16
        row[[f.IN, f.OUT, f.TILE, f.TILE_BACK, f.GROUP, f.WHOLE]] = i, o, tile(o), tile(i), group, 1
        row[[f.AFTER, f.BEFORE]] = self._is_between(self.number + 1), self._is_between(self.number - 1)
        row[f.PACKED], row[f.TURNED] = self.memory.take(outs * lanes), self.memory.take(outs * group)
        row[f.FORWARD] = address("dense", "make_forward")
        row[f.BACKWARD] = address("dense", "make_backward")
        row[[f.OUTER16, f.OUTER8]] = [address("products", "make_across", n) for n in (group, i % group or group)]
        row[[f.MANY16, f.MANY8, f.ONE16, f.ONE8]] = dots_of(o, tile(o))
        if row[f.GX] >= 0:
            row[[f.BACK16, f.BACK8, f.BACK_ONE16, f.BACK_ONE8]] = dots_of(i, tile(i))

    def _is_between(self, k: int) -> bool:
        """Whether operation k is a ReLU between two linear layers, which are computed with it."""
        found = self.operations[max(k - 1, 0) : k + 2]
        follow = [one.inputs for one in found[1:]] == [(k - 1,), (k,)]
        return follow and [one.kind for one in found] == ["linear", "relu", "linear"]

    def _normalisation(self, one: Operation, row: Any) -> None:
        layer = one.layer
        if layer.affine:
            self._places(one, row)
        row[[f.IN, f.HI, f.WI, f.WHOLE]] = *one.given, 1
        row[f.VALUE], row[f.SECOND] = self.memory.take(1, layer.momentum), self.memory.take(1, layer.eps)
        row[f.AUX] = self.memory.take(2 * one.given[0])
        for name, at in (("running_mean", f.MEAN), ("running_var", f.VARIANCE)):
            row[at] = self.buffers[id(getattr(layer, name))] = self.memory.take(one.given[0])
        row[f.FORWARD] = address("normalisation", "make_training")
        row[f.BACKWARD] = address("normalisation", "make_backward")

    def _max_pool(self, one: Operation, row: Any) -> None:
        self._pool(one, row, 0)
        row[f.AUX] = self._room(_count(one.out))

    def _mean_pool(self, one: Operation, row: Any) -> None:
        self._pool(one, row, 1)
        row[f.AUX] = row[f.Y]

    def _pool(self, one: Operation, row: Any, kind: int) -> None:
        size, stride, padding, counted = window_of(one.layer, one.given)
        row[[f.IN, f.HI, f.WI, f.HO, f.WO]] = *one.given, *one.out[1:]
        row[[f.KH, f.KW, f.SH, f.SW, f.PH, f.PW, f.SECOND]] = *size, *stride, *padding, int(counted)
        row[f.FORWARD], row[f.BACKWARD] = (address("pooling", "make", kind, back) for back in (False, True))

    def _sum(self, _one: Operation, row: Any) -> None:
        row[f.FORWARD] = address("branches", "make_added", f.X, f.OTHER, f.Y)
        row[f.BACKWARD] = address("branches", "make_sum_backward")

    def _fork(self, _one: Operation, row: Any) -> None:
        row[f.GOTHER] = self._room(int(row[f.FEATURES])) if row[f.GX] >= 0 else -1
        self.gradients[self.number].append(int(row[f.GOTHER]))
        row[f.BACKWARD] = address("branches", "make_added", f.GY, f.GOTHER, f.GX)

    def _pointwise(self, one: Operation, row: Any) -> None:
        kind = POINTWISE[one.kind]
        features = int(row[f.FEATURES])
        if one.kind == "leaky":
            row[f.VALUE] = self.memory.take(1, one.layer.negative_slope)
        if one.kind == "dropout":
            row[f.AUX] = self._room(features)
            self.masks.append((one, int(row[f.AUX]), features))
        if self._is_between(self.number):
            return
        row[f.FORWARD], row[f.BACKWARD] = (address("pointwise", f"make_{way}", kind) for way in ("forward", "backward"))


def _count(shape: tuple[int, int, int]) -> int:
    return shape[0] * shape[1] * shape[2]
