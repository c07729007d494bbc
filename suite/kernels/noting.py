"""Which of a window's four numbers went into a pool of 2 × 2: one bit for each of them in each lane, 8 bytes in all.

They lie in two places of the array of float32. The backward pass needs nothing else of the pool, nor of its ReLU.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from suite.kernels.vectors import is_greater, spread

BITS, WORD = ir.IntType(1), ir.IntType(64)


def _noted(context: Any, builder: Any, kind: Any, value: Any, masks: list[Any]) -> Any:
    """A value and the notes of four masks: 16 bits for each, of which 8 lanes leave half."""
    notes = WORD(0)
    for k, mask in enumerate(masks):
        bits = builder.zext(builder.bitcast(mask, ir.IntType(mask.type.count)), WORD)
        notes = builder.or_(notes, builder.shl(bits, WORD(16 * k)))
    return context.make_tuple(builder, kind, [value, notes])


def _zero(builder: Any, like: Any) -> Any:
    return spread(builder, ir.Constant(ir.FloatType(), 0.0), like.type.count)


@intrinsic(prefer_literal=True)
def most_of(_typing, v0, v1, v2, v3, positive):
    """The largest of four, and which it is: the first of equal ones, and a NaN before any number.

    With `positive`, which is True or False where the code is compiled, also ReLU: 0 and no note if it is at most 0.
    """
    kind = types.Tuple((v0, types.int64))

    def generate(context, builder, signature, args):
        most, later = args[0], None
        masks: list[Any] = []
        for v in args[1:4]:
            more = is_greater(builder, v, most)
            masks = [builder.and_(mask, builder.not_(more)) for mask in masks] + [more]
            later = builder.or_(later, more) if later else more
            most = builder.select(more, v, most)
        masks.insert(0, builder.not_(later))
        if signature.args[4].literal_value:
            zero = _zero(builder, most)
            dead = builder.fcmp_ordered("<=", most, zero)
            most = builder.select(dead, zero, most)
            masks = [builder.and_(mask, builder.not_(dead)) for mask in masks]
        return _noted(context, builder, kind, most, masks)

    return kind(v0, v1, v2, v3, positive), generate


@intrinsic
def positive_sum_of(_typing, v0, v1, v2, v3):
    """(v0 + v1) + (v2 + v3), each after ReLU, and which of them are not at most 0."""
    kind = types.Tuple((v0, types.int64))

    def generate(context, builder, _signature, args):
        zero = _zero(builder, args[0])
        dead = [builder.fcmp_ordered("<=", v, zero) for v in args]
        parts = [builder.select(mask, zero, v) for mask, v in zip(dead, args, strict=True)]
        sum_ = builder.fadd(builder.fadd(*parts[:2]), builder.fadd(*parts[2:]))
        return _noted(context, builder, kind, sum_, [builder.not_(mask) for mask in dead])

    return kind(v0, v1, v2, v3), generate


@intrinsic
def shares_of(_typing, value, notes):
    """Four vectors: the value in the lanes that are noted for each, else 0."""
    kind = types.UniTuple(value, 4)

    def generate(context, builder, _signature, args):
        value_, notes_ = args
        lanes = value_.type.count
        parts = []
        for k in range(4):
            bits = builder.trunc(builder.lshr(notes_, WORD(16 * k)), ir.IntType(lanes))
            mask = builder.bitcast(bits, ir.VectorType(BITS, lanes))
            parts.append(builder.select(mask, value_, _zero(builder, value_)))
        return context.make_tuple(builder, kind, parts)

    return kind(value, notes), generate


@intrinsic
def note(_typing, memory, index, notes):
    """Write notes to memory[index] and the place after it."""

    def generate(_context, builder, _signature, args):
        builder.store(args[2], _word(builder, args[0], args[1]), align=4)

    return types.void(memory, types.intp, types.int64), generate


@intrinsic
def noted(_typing, memory, index):
    """The notes at memory[index]."""

    def generate(_context, builder, _signature, args):
        return builder.load(_word(builder, *args), align=4)

    return types.int64(memory, types.intp), generate


def _word(builder: Any, memory: Any, index: Any) -> Any:
    return builder.bitcast(builder.gep(memory, [index]), WORD.as_pointer())
