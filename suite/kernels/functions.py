"""Exponential, logarithm, tanh, error function, on vectors or single numbers, from additions and multiplications alone.

A library's functions differ in the last bits between systems and processors; these do not. NaN gives NaN. Inputs may
be vectors of 8 or of 16 lanes.
"""

from suite.kernels.kinds import f32, jit
from suite.kernels.vectors import fma, full, power_of_two, where_less

SHIFT = 12_582_912.0  # 1.5 * 2 ** 23: a number that is added to this one is rounded to a whole number


@jit
def exp(x):
    """e to the power x, from Cephes' expf: exactly 0 below -87, and the value of 88 above 88."""
    low, high = full(x, f32(-87.0)), full(x, f32(88.0))
    near = where_less(high, x, high, where_less(x, low, low, x))
    shifted = fma(near, full(x, f32(1.44269504088896341)), full(x, f32(SHIFT)))
    whole = shifted - full(x, f32(SHIFT))
    r = fma(whole, full(x, f32(2.12194440e-4)), fma(whole, full(x, f32(-0.693359375)), near))
    p = full(x, f32(1.9875691500e-4))
    p = fma(p, r, full(x, f32(1.3981999507e-3)))
    p = fma(p, r, full(x, f32(8.3334519073e-3)))
    p = fma(p, r, full(x, f32(4.1665795894e-2)))
    p = fma(p, r, full(x, f32(1.6666665459e-1)))
    p = fma(p, r, full(x, f32(5.0000001201e-1)))
    p = (fma(p * r, r, r) + full(x, f32(1.0))) * power_of_two(shifted)
    return where_less(x, low, full(x, f32(0.0)), p)


@jit
def sigmoid(x):
    """1 / (1 + e ** -x)."""
    one = full(x, f32(1.0))
    return one / (one + exp(full(x, f32(0.0)) - x))


@jit
def tanh(x):
    """From Cephes' tanhf: a polynomial up to 0.625, and 1 - 2 / (e ** 2x + 1) beyond."""
    zero, one, two = full(x, f32(0.0)), full(x, f32(1.0)), full(x, f32(2.0))
    size, z = where_less(x, zero, zero - x, x), x * x
    p = full(x, f32(-5.70498872745e-3))
    p = fma(p, z, full(x, f32(2.06390887954e-2)))
    p = fma(p, z, full(x, f32(-5.37397155531e-2)))
    p = fma(p, z, full(x, f32(1.33314422036e-1)))
    p = fma(p, z, full(x, f32(-3.33332819422e-1)))
    far = one - two / (exp(two * size) + one)
    return where_less(size, full(x, f32(0.625)), fma(p * z, x, x), where_less(x, zero, zero - far, far))


@jit
def erf(x):
    """The error function as a quotient of two polynomials in x ** 2, as in Eigen; 1 within half an ulp beyond 4."""
    low, high = full(x, f32(-4.0)), full(x, f32(4.0))
    x = where_less(high, x, high, where_less(x, low, low, x))
    z = x * x
    p = full(x, f32(-2.72614225801306e-10))
    p = fma(p, z, full(x, f32(2.77068142495902e-08)))
    p = fma(p, z, full(x, f32(-2.10102402082508e-06)))
    p = fma(p, z, full(x, f32(-5.69250639462346e-05)))
    p = fma(p, z, full(x, f32(-7.34990630326855e-04)))
    p = fma(p, z, full(x, f32(-2.95459980854025e-03)))
    p = fma(p, z, full(x, f32(-1.60960333262415e-02)))
    q = full(x, f32(-1.45660718464996e-05))
    q = fma(q, z, full(x, f32(-2.13374055278905e-04)))
    q = fma(q, z, full(x, f32(-1.68282697438203e-03)))
    q = fma(q, z, full(x, f32(-7.37332916720468e-03)))
    q = fma(q, z, full(x, f32(-1.42647390514189e-02)))
    return x * p / q


@jit
def below(x):
    """The share of a standard normal distribution below x: GELU is x times this."""
    half = full(x, f32(0.5))
    return fma(half, erf(x * full(x, f32(0.70710678118654752))), half)


@jit
def density(x):
    """The density of a standard normal distribution at x."""
    return exp(x * x * full(x, f32(-0.5))) * full(x, f32(0.39894228040143268))


@jit
def log(x):
    """The natural logarithm of one number x >= 1, in 64 bits, by the series of the inverse hyperbolic tangent."""
    if x - x != 0.0:  # infinity or NaN
        return x
    halvings = 0
    while x > 1.5:
        x *= 0.5
        halvings += 1
    t = (x - 1.0) / (x + 1.0)
    z, series = t * t, 0.0
    for k in range(25, 0, -2):
        series = series * z + 1.0 / k
    return 2.0 * t * series + halvings * 0.6931471805599453


@jit
def power(x, n):
    """x to the whole power n >= 0, by squaring."""
    result = 1.0
    while n > 0:
        if n % 2:
            result *= x
        x *= x
        n //= 2
    return result
