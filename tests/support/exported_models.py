"""Tensors that are moved, joined and resized, heads, attention: as frameworks export them, one function a model."""

from __future__ import annotations

import numpy as np

from tests.support.exported_draft import Draft, Drawn


def resize_sizes(d: Draft) -> Drawn:
    x = d.features()
    y = d.node(
        "Resize",
        [x, "", "", d.integers(1, 4, 10, 8)],
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    )
    return d.quant(d.conv(y, 2, 4)), (1, 2, 5, 4)


def resize_linear_torch(d: Draft) -> Drawn:
    x = d.features()
    y = d.node(
        "Resize",
        [x, "", d.constant([1.0, 1.0, 2.0, 2.0])],
        {
            "mode": "linear",
            "coordinate_transformation_mode": "pytorch_half_pixel",
            "cubic_coeff_a": -0.75,
            "nearest_mode": "floor",
        },
    )
    return d.quant(d.conv(d.quant(y, 0.25, 5), 2, 4)), (1, 2, 5, 4)


def resize_linear_concat(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    y = d.node("Resize", [y, "", d.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "linear"})
    z = d.node("Concat", [x, y], {"axis": 1})
    return d.quant(d.conv(d.quant(z, 0.25, 5), 2, 8)), (1, 2, 4, 4)


def split_concat(d: Draft) -> Drawn:
    x = d.features()
    a = d.node("Split", [x, d.integers(2, 2)], {"axis": 1}, outputs=2)
    y = d.unsigned(d.node("Relu", [d.conv(a + ".1", 2, 2)]))
    z = d.node("Concat", [a, y], {"axis": 1})
    return d.quant(d.conv(z, 2, 4)), (1, 2, 4, 4)


def shuffle_minus1(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("Reshape", [x, d.integers(-1, 2, 2, 4, 4)])
    y = d.node("Transpose", [y], {"perm": [0, 2, 1, 3, 4]})
    y = d.node("Reshape", [y, d.integers(-1, 4, 4, 4)])
    return d.quant(d.conv(y, 4, 4, group=4)), (1, 2, 4, 4)


def depth_to_space_end(d: Draft) -> Drawn:
    y = d.node("Relu", [d.conv(d.quant("x"), 4, 2)])
    return d.node("DepthToSpace", [y], {"blocksize": 2}), (1, 2, 4, 4)


def yolo_head(d: Draft) -> Drawn:
    x = d.features()
    y = d.conv(x, 6, 4, 1)
    y = d.node("Reshape", [y, d.integers(1, 2, 3, 4, 4)])
    y = d.node("Transpose", [y], {"perm": [0, 1, 3, 4, 2]})
    return d.node("Sigmoid", [y]), (1, 2, 4, 4)


def two_heads(d: Draft) -> Drawn:
    x = d.features()
    a = d.node("Flatten", [x])
    a = d.node("Gemm", [a, d.weights(3, 64)], {"transB": 1})
    return (d.node("Softmax", [a]), d.conv(x, 2, 4)), (1, 2, 4, 4)


def concat_constant_channel(d: Draft) -> Drawn:
    x = d.features(3)
    coord = d.constant(np.linspace(-1, 1, 16).reshape(1, 1, 4, 4))
    y = d.node("Concat", [x, coord], {"axis": 1})
    return d.quant(d.conv(d.quant(y, 0.25, 5), 2, 4)), (1, 2, 4, 4)


def concat_constant_quantised(d: Draft) -> Drawn:
    x = d.features(3)
    coord = d.quant(d.constant(np.linspace(-1, 1, 16).reshape(1, 1, 4, 4)), 0.25, 4)
    y = d.node("Concat", [x, coord], {"axis": 1})
    return d.quant(d.conv(y, 2, 4)), (1, 2, 4, 4)


def class_token(d: Draft) -> Drawn:
    x = d.quant(d.node("MatMul", [d.quant("x"), d.weights(4, 4)]), 0.25, 4)
    t = d.quant(d.constant(d.rng.normal(size=(1, 1, 4))), 0.25, 4)
    y = d.node("Concat", [t, x], {"axis": 1})
    return d.node("MatMul", [y, d.weights(4, 3)]), (1, 3, 4)


def zero_pad_concat(d: Draft) -> Drawn:
    x = d.features(3)
    y = d.node("Concat", [x, d.constant(np.zeros((1, 2, 4, 4)))], {"axis": 1})
    return d.quant(d.conv(y, 2, 5)), (1, 2, 4, 4)


def pos_embedding(d: Draft) -> Drawn:
    x = d.quant(d.node("MatMul", [d.quant("x"), d.weights(4, 4)]), 0.25, 5)
    y = d.node("Add", [x, d.constant(d.rng.normal(size=(1, 3, 4)))])
    return d.node("MatMul", [d.quant(y, 0.25, 5), d.weights(4, 3)]), (1, 3, 4)


def flatten_shape_dynamic(d: Draft) -> Drawn:
    x = d.features()
    s = d.node("Shape", [x])
    n = d.node("Gather", [s, d.constant(0, np.int64)], {"axis": 0})
    n = d.node("Unsqueeze", [n, d.integers(0)])
    r = d.node("Concat", [n, d.integers(-1)], {"axis": 0})
    y = d.node("Reshape", [x, r])
    return d.node("Gemm", [y, d.weights(3, 64)], {"transB": 1}), (1, 2, 4, 4)


def resize_dynamic_torch(d: Draft) -> Drawn:
    x = d.features()
    s = d.node("Shape", ["x"])
    hw = d.node("Slice", [s, d.integers(2), d.integers(4), d.integers(0)])
    nc = d.node("Slice", [d.node("Shape", [x]), d.integers(0), d.integers(2), d.integers(0)])
    sz = d.node("Concat", [nc, d.node("Mul", [hw, d.integers(2, 2)])], {"axis": 0})
    y = d.node("Resize", [x, "", "", sz], {"mode": "nearest"})
    return d.quant(d.conv(y, 2, 4)), (1, 2, 4, 4)


def tf_nhwc(d: Draft) -> Drawn:
    y = d.node("Transpose", [d.quant("x")], {"perm": [0, 3, 1, 2]})
    y = d.conv(y, 4, 2)
    y = d.node("Transpose", [y], {"perm": [0, 2, 3, 1]})
    y = d.unsigned(d.node("Relu", [y]))
    y = d.node("ReduceMean", [y], {"axes": [1, 2], "keepdims": 0})
    return d.node("MatMul", [d.quant(y, 0.125, 6), d.weights(4, 3)]), (1, 4, 4, 2)


def tf_nhwc_pad_conv(d: Draft) -> Drawn:
    x = d.node("Pad", [d.quant("x"), d.integers(0, 1, 1, 0, 0, 1, 1, 0), d.constant(0.0)])
    y = d.node("Transpose", [x], {"perm": [0, 3, 1, 2]})
    y = d.conv(y, 4, 2, pads=[0] * 4, strides=[2, 2])
    y = d.node("Transpose", [y], {"perm": [0, 2, 3, 1]})
    y = d.unsigned(d.node("Relu", [y]))
    return d.node("MatMul", [y, d.weights(4, 3)]), (1, 5, 5, 2)


def strided_slice_focus(d: Draft) -> Drawn:
    x = d.quant("x")
    parts = [
        d.node("Slice", [x, d.integers(a, b), d.integers(9999, 9999), d.integers(2, 3), d.integers(2, 2)])
        for a in (0, 1)
        for b in (0, 1)
    ]
    y = d.node("Concat", parts, {"axis": 1})
    return d.quant(d.conv(y, 3, 8)), (1, 2, 6, 6)


def deconv_unet(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    y = d.node("ConvTranspose", [y, d.weights(4, 4, 2, 2), d.bias(4)], {"strides": [2, 2]})
    y = d.unsigned(d.node("Relu", [y]))
    z = d.node("Concat", [x, y], {"axis": 1})
    return d.quant(d.conv(z, 2, 8)), (1, 2, 4, 4)


def matmul_attention(d: Draft) -> Drawn:
    x = d.quant("x")
    q_, kk, v = (d.quant(d.node("MatMul", [x, d.weights(4, 4)])) for _ in range(3))
    a = d.node("MatMul", [q_, d.node("Transpose", [kk], {"perm": [0, 2, 1]})])
    a = d.quant(a, 0.5, 5)
    return d.quant(d.node("MatMul", [a, v]), 0.5, 6), (1, 3, 4)


def upsample_add_fpn(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]})
    y = d.quant(d.conv(y, 4, 4))
    u = d.node("Resize", [y, "", d.constant([1.0, 1.0, 2.0, 2.0])], {"mode": "nearest"})
    return d.quant(d.node("Add", [u, d.quant(d.conv(x, 4, 4, 1))]), 0.25, 5), (1, 2, 4, 4)


def gelu_erf(d: Draft) -> Drawn:
    y = d.node("MatMul", [d.quant("x"), d.weights(4, 4)])
    e = d.node("Erf", [d.node("Div", [y, d.constant(1.4142135)])])
    y = d.node("Mul", [d.node("Mul", [y, d.node("Add", [e, d.constant(1.0)])]), d.constant(0.5)])
    return d.node("MatMul", [d.quant(y), d.weights(4, 3)]), (1, 3, 4)


def squeeze_unsqueeze(d: Draft) -> Drawn:
    x = d.node("Unsqueeze", [d.quant("x"), d.integers(2)])
    y = d.conv(x, 3, 2, [1, 3], pads=[0, 1, 0, 1])
    return d.quant(d.node("Squeeze", [y, d.integers(2)])), (1, 2, 8)


def argmax_seg(d: Draft) -> Drawn:
    y = d.conv(d.quant("x"), 3, 2)
    return d.node("ArgMax", [y], {"axis": 1, "keepdims": 0}), (1, 2, 4, 4)


MODELS = (
    resize_sizes,
    resize_linear_torch,
    resize_linear_concat,
    split_concat,
    shuffle_minus1,
    depth_to_space_end,
    yolo_head,
    two_heads,
    concat_constant_channel,
    concat_constant_quantised,
    class_token,
    zero_pad_concat,
    pos_embedding,
    flatten_shape_dynamic,
    resize_dynamic_torch,
    tf_nhwc,
    tf_nhwc_pad_conv,
    strided_slice_focus,
    deconv_unet,
    matmul_attention,
    upsample_add_fpn,
    gelu_erf,
    squeeze_unsqueeze,
    argmax_seg,
)
