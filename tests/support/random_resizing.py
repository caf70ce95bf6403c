"""More blocks for random convolutional networks: lines between pixels, padding of all kinds, constants, sub-pixels."""

from __future__ import annotations

import numpy as np

from tests.support import random_images as images
from tests.support.random_draft import Draft


def linear_resize(d: Draft) -> None:
    """Larger by whole numbers, or half as large."""
    factors = [d.pick([1.0, 2.0, 4.0, 0.5]) for _ in d.shape[2:]]
    shape = (*d.shape[:2], *(int(size * factor) for size, factor in zip(d.shape[2:], factors, strict=True)))
    whole = all(size * factor % 1 == 0 for size, factor in zip(d.shape[2:], factors, strict=True))
    if not whole or int(np.prod(shape)) > images.LARGEST:
        return
    mode = d.pick(["half_pixel", "asymmetric", "pytorch_half_pixel"])
    attributes = {"mode": "linear", "coordinate_transformation_mode": mode}
    d.apply("Resize", ["", d.builder.constant([1.0, 1.0, *factors])], attributes)
    d.shape = shape
    _perhaps_quantised(d)


def padding(d: Draft) -> None:
    """With pixels of the image, or with zeros where nothing is cut off."""
    mode = d.pick(["edge", "reflect", "constant"])
    most = [min(3, size - 1) if mode == "reflect" else 3 for size in d.shape[2:]]
    least = [-1 if mode == "constant" and size > 2 else 0 for size in d.shape[2:]]
    before, after = ([d.integer(low, high) for low, high in zip(least, most, strict=True)] for _ in range(2))
    d.apply("Pad", [d.builder.constant([0, 0, *before, 0, 0, *after], np.int64)], {"mode": mode})
    d.shape = (*d.shape[:2], *(sum(sizes) for sizes in zip(d.shape[2:], before, after, strict=True)))


def constants(d: Draft) -> None:
    """Numbers or zeros in front of the tensor or behind it, along any axis."""
    axis, count = d.integer(1, len(d.shape) - 1), d.integer(1, 2)
    shape = tuple(count if k == axis else size for k, size in enumerate(d.shape))
    values = d.numbers(int(np.prod(shape)), d.spread, strict=True).reshape(shape) if d.chance(0.6) else np.zeros(shape)
    parts = [d.x, d.builder.constant(values)]
    d.x = d.builder.node("Concat", parts if d.chance(0.5) else parts[::-1], {"axis": axis})
    d.shape = tuple(size + count if k == axis else size for k, size in enumerate(d.shape))
    _perhaps_quantised(d)


def sub_pixel_convolution(d: Draft) -> None:
    """A convolution and DepthToSpace, with a quantiser between them or behind."""
    if len(d.shape) != 4 or int(np.prod(d.shape[2:])) * 16 > images.LARGEST:
        return
    channels, block, k = d.integer(1, 3), d.pick([2, 2, 3]), d.integer(1, 3)
    outputs, inputs = channels * block**2, d.shape[1]
    d.apply("Conv", [images.weights(d, outputs, inputs, k, k), *images.bias(d, outputs)], {"pads": [k - 1, k - 1, 0, 0]})
    d.shape = (1, outputs, *d.shape[2:])
    d.spread *= float(np.sqrt(inputs * k * k)) / 2
    _perhaps_quantised(d)
    d.apply("DepthToSpace", attributes={"blocksize": block, "mode": d.pick(["DCR", "CRD"])})
    d.shape = (1, channels, *(size * block for size in d.shape[2:]))
    _perhaps_quantised(d)


def _perhaps_quantised(d: Draft) -> None:
    if d.chance(0.6):
        images.quantise(d)


BLOCKS = (linear_resize, padding, constants, sub_pixel_convolution) * 3


def random_resizing_network(seed: int) -> images.RandomImageNetwork:
    """A network of these blocks and the others."""
    return images.random_image_network(seed, blocks=BLOCKS)
