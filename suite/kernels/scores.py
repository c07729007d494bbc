"""From images as bytes to the first layer's input, and from scores to loss, gradient, class and confidence."""

from numba import types

from suite.kernels.blocks import lanes_of
from suite.kernels.functions import exp, log
from suite.kernels.kinds import f32, f64, jit
from suite.kernels.products import MEMORY, WHOLE
from suite.kernels.tiles import turn8
from suite.kernels.vectors import load, load_bytes, splat, store, where_less

BYTES, LABELS, REALS = types.CPointer(types.uint8), types.CPointer(types.int64), types.CPointer(types.float64)
IMAGES = types.void(MEMORY, BYTES, WHOLE, WHOLE, types.float32, types.float32, WHOLE, WHOLE)
LOSS = types.void(MEMORY, LABELS, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, types.float64, REALS)
FOUND = types.void(MEMORY, WHOLE, WHOLE, WHOLE, WHOLE, MEMORY, LABELS, MEMORY)
CROSS_ENTROPY, SQUARED = range(2)


def make_images():
    """The function that reads n images of so many bytes each, [image][pixel].

    Its arithmetic is torch's: divided by 255, then less `mean`, then divided by `deviation` (0: neither).
    """

    def images_in(a, given, n, pixels, mean, deviation, to, scratch):
        whole = pixels - pixels % 8
        for block in range((n + 15) // 16):
            lanes = lanes_of(block, n)
            out = to + block * 16 * pixels
            for begin in range(0, lanes, 8):
                for lane in range(8):
                    image = min(block * 16 + begin + lane, n - 1) * pixels
                    for k in range(0, whole, 8):
                        store(a, scratch + lane * whole + k, _normal8(load_bytes(given, image + k), mean, deviation))
                for k in range(0, whole, 8):
                    turn8(a, scratch + k, whole, out + k * lanes + begin, lanes)
            for k in range(whole, pixels):
                for lane in range(lanes):
                    image = min(block * 16 + lane, n - 1)
                    a[out + k * lanes + lane] = _normal(given[image * pixels + k], mean, deviation)

    return IMAGES, images_in


@jit
def _normal8(v, mean, deviation):
    v = v / splat(f32(255.0), 8)
    return (v - splat(mean, 8)) / splat(deviation, 8) if deviation != 0.0 else v


@jit
def _normal(byte, mean, deviation):
    v = f32(byte) / f32(255.0)
    return (v - mean) / deviation if deviation != f32(0.0) else v


def make_loss(kind: int):
    """The function that adds a batch's summed loss and right answers to `sums`.

    Where `g` is not negative, the gradient of the mean loss goes there. `smoothing` is that of cross-entropy's labels.
    """

    def loss_of(a, labels, n, classes, z, g, scratch, smoothing, sums):
        for block in range((n + 15) // 16):
            lanes, at = lanes_of(block, n), block * 16 * classes
            if kind == CROSS_ENTROPY:
                for lane in range(0, lanes, 8):
                    _exponentials(a, z + at + lane, classes, lanes, scratch + lane)
            for lane in range(lanes):
                image = block * 16 + lane
                if image < n:
                    label, score = labels[image], z + at + lane
                    sums[1] += 1.0 if _best(a, score, classes, lanes) == label else 0.0
                    out = g + at + lane if g >= 0 else -1
                    if kind == CROSS_ENTROPY:
                        sums[0] += _entropy(a, label, n, classes, score, lanes, out, scratch + lane, smoothing)
                    else:
                        sums[0] += _squares(a, label, n, classes, score, lanes, out)
                elif g >= 0:
                    for c in range(classes):
                        a[g + at + c * lanes + lane] = f32(0.0)

    return LOSS, loss_of


@jit
def _best(a, score, classes, lanes):
    """The first class with the highest score; as in torch, a NaN is higher than any number."""
    best = 0
    for c in range(1, classes):
        top, v = a[score + best * lanes], a[score + c * lanes]
        if v > top or (v != v and top == top):
            best = c
    return best


@jit
def _exponentials(a, z, classes, lanes, out):
    """For eight images the largest score, the sum of e ** (score - largest), and these terms: from `out` on."""
    top = load(a, z, 8)
    for c in range(1, classes):
        v = load(a, z + c * lanes, 8)
        top = where_less(top, v, v, top)
    sum_ = splat(f32(0.0), 8)
    for c in range(classes):
        term = exp(load(a, z + c * lanes, 8) - top)
        sum_ = sum_ + term
        store(a, out + (c + 2) * 16, term)
    store(a, out, top)
    store(a, out + 16, sum_)


@jit
def _entropy(a, label, n, classes, score, lanes, out, terms, smoothing):
    """The cross-entropy of one image; its gradient goes to `out`, if that is not negative."""
    top, sum_ = f64(a[terms]), f64(a[terms + 16])
    spread = 0.0
    if smoothing > 0.0:
        for c in range(classes):
            spread += f64(a[score + c * lanes]) / classes
    loss = top + log(sum_) - (1.0 - smoothing) * f64(a[score + label * lanes]) - smoothing * spread
    if out >= 0:
        share, even, whole = f32(1.0 / (sum_ * n)), f32(smoothing / (classes * n)), f32((1.0 - smoothing) / n)
        for c in range(classes):
            v = a[terms + (c + 2) * 16] * share - even
            a[out + c * lanes] = v - whole if c == label else v
    return loss


@jit
def _squares(a, label, n, classes, score, lanes, out):
    """The mean squared difference of an image's scores from 1 for its class and 0 for the others."""
    loss, share = 0.0, f32(2.0 / (n * classes))
    for c in range(classes):
        d = a[score + c * lanes] - (f32(1.0) if c == label else f32(0.0))
        loss += f64(d * d) / classes  # a square beyond 32 bits is infinite, as in torch
        if out >= 0:
            a[out + c * lanes] = share * d
    return loss


def make_found(kind: int):
    """The function that writes scores [image][class], classes and confidences.

    The confidence is the highest softmax probability, or for the squared error the highest score, limited to 0 to 1.
    """

    def found(a, n, classes, z, scratch, scores, predicted, confidence):
        for block in range((n + 15) // 16):
            lanes, at = lanes_of(block, n), block * 16 * classes
            if kind == CROSS_ENTROPY:
                for lane in range(0, lanes, 8):
                    _exponentials(a, z + at + lane, classes, lanes, scratch + lane)
            for lane in range(min(lanes, n - block * 16)):
                image, score = block * 16 + lane, z + at + lane
                for c in range(classes):
                    scores[image * classes + c] = a[score + c * lanes]
                best = _best(a, score, classes, lanes)
                predicted[image] = best
                if kind == CROSS_ENTROPY:
                    confidence[image] = a[scratch + lane + (best + 2) * 16] / a[scratch + lane + 16]
                else:
                    v = a[score + best * lanes]
                    confidence[image] = f32(0.0) if v < f32(0.0) else f32(1.0) if v > f32(1.0) else v

    return FOUND, found
