"""Vectors of float32 as a Numba type: LLVM's `<16 x float>` is one register of AVX-512, two of AVX2 or four of NEON.

Each operation is one instruction that IEEE 754 defines to the last bit. A multiply-add is an explicit `fma`, because a
compiler may join `a * b + c` or not. So a kernel's results follow from its text, not from the width of the processor's
registers.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

F32, I32 = ir.FloatType(), ir.IntType(32)


class Vector(types.Type):
    """So many numbers side by side."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(f"float32x{lanes}")


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, dmm: Any, kind: Vector) -> None:
        super().__init__(dmm, kind, ir.VectorType(F32, kind.lanes))


def call(builder: Any, name: str, *values: Any) -> Any:
    """One of LLVM's functions that are an instruction, such as `llvm.fma`."""
    kind = values[0].type
    suffix = f"v{kind.count}f32" if isinstance(kind, ir.VectorType) else "f32"
    signature = ir.FunctionType(kind, [value.type for value in values])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, f"{name}.{suffix}"), values)


def spread(builder: Any, scalar: Any, lanes: int) -> Any:
    """A vector that has the same number everywhere."""
    kind = ir.VectorType(F32, lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, I32(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(I32, lanes), None))


def read(builder: Any, memory: Any, index: Any, lanes: int) -> Any:
    """A vector from memory, which need not be aligned; for no lanes one number."""
    if not lanes:
        return builder.load(builder.gep(memory, [index]), align=4)
    place = builder.bitcast(builder.gep(memory, [index]), ir.VectorType(F32, lanes).as_pointer())
    return builder.load(place, align=4)


def write(builder: Any, memory: Any, index: Any, value: Any) -> None:
    """A vector to memory."""
    builder.store(value, builder.bitcast(builder.gep(memory, [index]), value.type.as_pointer()), align=4)


def picked(builder: Any, one: Any, other: Any, order: list[int]) -> Any:
    """The lanes `order` of two vectors one after the other."""
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(I32, len(order)), order))


@intrinsic(prefer_literal=True)
def load(_typing, memory, index, lanes):
    """`lanes` numbers from memory[index] on."""

    def generate(_context, builder, signature, args):
        return read(builder, args[0], args[1], signature.return_type.lanes)

    return Vector(lanes.literal_value)(memory, types.intp, lanes), generate


@intrinsic
def store(_typing, memory, index, value):
    """The vector `value` to memory[index] and the places after it."""

    def generate(_context, builder, _signature, args):
        write(builder, *args)

    return types.void(memory, types.intp, value), generate


@intrinsic(prefer_literal=True)
def splat(_typing, number, lanes):
    """A vector of so many equal numbers."""

    def generate(_context, builder, signature, args):
        return spread(builder, args[0], signature.return_type.lanes)

    return Vector(lanes.literal_value)(types.float32, lanes), generate


@intrinsic
def full(_typing, like, number):
    """A vector of equal numbers, as long as `like`."""

    def generate(_context, builder, signature, args):
        return spread(builder, args[1], signature.return_type.lanes)

    return like(like, types.float32), generate


@intrinsic
def fma(_typing, a, b, c):
    """a * b + c, rounded once."""

    def generate(_context, builder, _signature, args):
        return call(builder, "llvm.fma", *args)

    return a(a, b, c), generate


@intrinsic
def root(_typing, a):
    """The square root."""

    def generate(_context, builder, _signature, args):
        return call(builder, "llvm.sqrt", *args)

    return a(a), generate


def _choice(condition: Any) -> Any:
    """An operation (a, b, c, d): c in the lanes where the condition on a and b holds, else d."""

    def choose(_typing, a, b, c, d):
        def generate(_context, builder, _signature, args):
            return builder.select(condition(builder, args[0], args[1]), args[2], args[3])

        return c(a, b, c, d), generate

    return intrinsic(choose)


def is_greater(builder: Any, a: Any, b: Any) -> Any:
    """Where a is greater than b; as in torch's pools a NaN in `a` is greater than any number."""
    return builder.or_(builder.fcmp_ordered(">", a, b), builder.fcmp_unordered("uno", a, a))


# A comparison with a NaN is false, but in the last one.
where_less = _choice(lambda builder, a, b: builder.fcmp_ordered("<", a, b))
where_at_most = _choice(lambda builder, a, b: builder.fcmp_ordered("<=", a, b))
where_equal = _choice(lambda builder, a, b: builder.fcmp_ordered("==", a, b))
where_greater = _choice(is_greater)


@intrinsic
def power_of_two(_typing, a):
    """2 to the power k for a = k + 12582912, where k is a whole number from -126 to 127.

    The last bits of such a number are k in binary; shifted by 23 places, they are an exponent.
    """

    def generate(_context, builder, _signature, args):
        ints = ir.VectorType(I32, args[0].type.count)
        bits = builder.shl(builder.bitcast(args[0], ints), ir.Constant(ints, [23] * ints.count))
        return builder.bitcast(builder.add(bits, ir.Constant(ints, [127 << 23] * ints.count)), args[0].type)

    return a(a), generate


@intrinsic
def total(_typing, a):
    """The sum of all lanes in a fixed order: the upper half is added to the lower, until one is left."""

    def generate(_context, builder, _signature, args):
        value = args[0]
        while value.type.count > 1:
            half = value.type.count // 2
            low = picked(builder, value, value, list(range(half)))
            value = builder.fadd(low, picked(builder, value, value, list(range(half, 2 * half))))
        return builder.extract_element(value, I32(0))

    return types.float32(a), generate


@intrinsic
def onto(_typing, sums, value):
    """16 sums plus a vector of 16, or of 8 for the first eight sums."""

    def generate(_context, builder, _signature, args):
        sums_, value_ = args
        if value_.type.count == 8:
            low = picked(builder, sums_, sums_, list(range(8)))
            high = picked(builder, sums_, sums_, list(range(8, 16)))
            return picked(builder, builder.fadd(low, value_), high, list(range(16)))
        return builder.fadd(sums_, value_)

    return sums(sums, value), generate


@intrinsic
def load_bytes(_typing, memory, index):
    """Eight bytes from memory[index] on, as eight numbers."""

    def generate(_context, builder, _signature, args):
        kind = ir.VectorType(ir.IntType(8), 8)
        place = builder.bitcast(builder.gep(args[0], [args[1]]), kind.as_pointer())
        return builder.uitofp(builder.load(place, align=1), ir.VectorType(F32, 8))

    return Vector(8)(memory, types.intp), generate


def _arithmetic(sign: Any, name: str) -> None:
    @type_callable(sign)
    def typed(_context: Any) -> Any:
        return lambda a, b: a if isinstance(a, Vector) and a == b else None

    @lower_builtin(sign, Vector, Vector)
    def lowered(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return getattr(builder, name)(*args)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")
