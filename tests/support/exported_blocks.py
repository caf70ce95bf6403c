"""Activations, poolings, residual blocks and paddings in the forms in which frameworks export them: one function a model."""

from __future__ import annotations

from tests.support.exported_draft import Draft, Drawn


def relu6(d: Draft) -> Drawn:
    x = d.quant("x")
    y = d.node("Clip", [d.conv(x, 4, 2), d.constant(0.0), d.constant(6.0)])
    return d.unsigned(y, 0.25, 5), (1, 2, 5, 5)


def hardswish(d: Draft) -> Drawn:
    y = d.conv(d.quant("x"), 4, 2)
    y = d.node("HardSwish", [y])
    return d.quant(y, 0.25, 5), (1, 2, 5, 5)


def hardswish_expanded(d: Draft) -> Drawn:
    y = d.conv(d.quant("x"), 4, 2)
    g = d.node("Clip", [d.node("Add", [y, d.constant(3.0)]), d.constant(0.0), d.constant(6.0)])
    y = d.node("Div", [d.node("Mul", [y, g]), d.constant(6.0)])
    return d.quant(y, 0.25, 5), (1, 2, 5, 5)


def silu(d: Draft) -> Drawn:
    y = d.conv(d.quant("x"), 4, 2)
    y = d.node("Mul", [y, d.node("Sigmoid", [y])])
    return d.quant(y, 0.25, 5), (1, 2, 5, 5)


def silu_quantised(d: Draft) -> Drawn:
    y = d.quant(d.conv(d.quant("x"), 4, 2), 0.25, 5)
    y = d.node("Mul", [y, d.unsigned(d.node("Sigmoid", [y]), 1 / 16, 4)])
    return d.conv(d.quant(y, 0.25, 5), 2, 4), (1, 2, 5, 5)


def se_block(d: Draft) -> Drawn:
    x = d.features()
    s = d.node("GlobalAveragePool", [x])
    s = d.quant(s, 0.125, 5)
    s = d.unsigned(d.node("Relu", [d.conv(s, 2, 4, 1)]))
    s = d.node("HardSigmoid", [d.conv(s, 4, 2, 1)])
    s = d.unsigned(s, 1 / 16, 4)
    return d.conv(d.quant(d.node("Mul", [x, s]), 0.25, 5), 3, 4), (1, 2, 4, 4)


def grouped(d: Draft) -> Drawn:
    x = d.features()
    return d.quant(d.conv(x, 6, 4, group=2)), (1, 2, 4, 4)


def conv1d(d: Draft) -> Drawn:
    y = d.node("Conv", [d.quant("x"), d.weights(4, 2, 3), d.bias(4)], {"pads": [1, 1], "strides": [2]})
    y = d.node("MaxPool", [d.unsigned(d.node("Relu", [y]))], {"kernel_shape": [2], "strides": [2]})
    y = d.node("GlobalAveragePool", [y])
    y = d.node("Flatten", [y])
    return d.node("Gemm", [d.quant(y, 0.125, 6), d.weights(3, 4), d.bias(3)], {"transB": 1}), (1, 2, 16)


def pad_reflect(d: Draft) -> Drawn:
    y = d.node("Pad", [d.quant("x"), d.integers(0, 0, 1, 1, 0, 0, 1, 1)], {"mode": "reflect"})
    return d.quant(d.conv(y, 3, 2, pads=[0] * 4)), (1, 2, 5, 5)


def pad_edge(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("Pad", [x, d.integers(0, 0, 2, 1, 0, 0, 0, 1)], {"mode": "edge"})
    return d.quant(d.conv(y, 3, 4, pads=[0] * 4)), (1, 2, 5, 5)


def pad_constant_keras(d: Draft) -> Drawn:
    x = d.node("Pad", [d.quant("x"), d.integers(0, 0, 0, 0, 0, 0, 1, 1), d.constant(0.0)])
    return d.quant(d.conv(x, 3, 2, pads=[0] * 4, strides=[2, 2])), (1, 2, 6, 6)


def pad_negative(d: Draft) -> Drawn:
    x = d.node("Pad", [d.quant("x"), d.integers(0, 0, -1, -1, 0, 0, -1, -1), d.constant(0.0)])
    return d.quant(d.conv(x, 3, 2)), (1, 2, 6, 6)


def global_max(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("Flatten", [d.node("GlobalMaxPool", [x])])
    return d.node("Gemm", [y, d.weights(3, 4), d.bias(3)], {"transB": 1}), (1, 2, 5, 5)


def global_avg_concat_max(d: Draft) -> Drawn:
    x = d.features()
    a = d.node("GlobalMaxPool", [x])
    b = d.node("GlobalAveragePool", [x])
    y = d.node("Flatten", [d.node("Concat", [a, b], {"axis": 1})])
    return d.node("Gemm", [d.quant(y, 0.125, 6), d.weights(3, 8), d.bias(3)], {"transB": 1}), (1, 2, 4, 4)


def reduce_mean_keep0(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("ReduceMean", [x], {"axes": [2, 3], "keepdims": 0})
    return d.node("Gemm", [d.quant(y, 0.125, 6), d.weights(3, 4), d.bias(3)], {"transB": 1}), (1, 2, 5, 5)


def reduce_mean_keep1(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("ReduceMean", [x], {"axes": [-1, -2], "keepdims": 1})
    return d.conv(d.quant(y, 0.125, 6), 3, 4, 1), (1, 2, 5, 5)


def reduce_mean_channel(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("ReduceMean", [x], {"axes": [1], "keepdims": 1})
    return d.conv(d.quant(y, 0.125, 6), 3, 1), (1, 2, 5, 5)


def cbam_spatial(d: Draft) -> Drawn:
    x = d.features()
    a = d.node("ReduceMean", [x], {"axes": [1], "keepdims": 1})
    b = d.node("ReduceMax", [x], {"axes": [1], "keepdims": 1})
    g = d.quant(d.node("Concat", [a, b], {"axis": 1}), 0.125, 6)
    g = d.unsigned(d.node("Sigmoid", [d.conv(g, 1, 2)]), 1 / 16, 4)
    return d.quant(d.node("Mul", [x, g])), (1, 2, 4, 4)


def residual_fork_before(d: Draft) -> Drawn:
    x = d.features()
    y = d.quant(d.conv(x, 4, 4), 0.25, 5)
    z = d.node("Relu", [d.node("Add", [x, y])])
    return d.quant(d.conv(d.unsigned(z, 0.25, 5), 2, 4)), (1, 2, 4, 4)


def residual_unquantised(d: Draft) -> Drawn:
    x = d.features()
    y = d.conv(x, 4, 4)
    z = d.node("Relu", [d.node("Add", [x, y])])
    return d.quant(d.conv(d.unsigned(z, 0.25, 5), 2, 4)), (1, 2, 4, 4)


def inverted_residual(d: Draft) -> Drawn:
    x = d.quant("x")
    y = d.node("Clip", [d.conv(x, 6, 2, 1), d.constant(0.0), d.constant(6.0)])
    y = d.unsigned(y)
    y = d.unsigned(d.node("Clip", [d.conv(y, 6, 6, 3, group=6), d.constant(0.0), d.constant(6.0)]))
    y = d.quant(d.conv(y, 2, 6, 1))
    return d.quant(d.node("Add", [x, y]), 0.25, 5), (1, 2, 4, 4)


def bn_folded_separately(d: Draft) -> Drawn:
    y = d.conv(d.quant("x"), 4, 2, bias=False)
    y = d.node(
        "BatchNormalization",
        [
            y,
            *[
                d.constant(v)
                for v in (d.rng.normal(size=4), d.rng.normal(size=4), d.rng.normal(size=4), d.rng.uniform(0.5, 2, 4))
            ],
        ],
    )
    return d.unsigned(d.node("Relu", [y])), (1, 2, 4, 4)


def bn_first(d: Draft) -> Drawn:
    y = d.node(
        "BatchNormalization",
        [
            "x",
            *[
                d.constant(v)
                for v in (d.rng.normal(size=2), d.rng.normal(size=2), d.rng.normal(size=2), d.rng.uniform(0.5, 2, 2))
            ],
        ],
    )
    return d.quant(d.conv(d.quant(y), 3, 2)), (1, 2, 4, 4)


def prelu(d: Draft) -> Drawn:
    y = d.node("PRelu", [d.conv(d.quant("x"), 4, 2), d.constant(d.rng.uniform(0, 0.5, (4, 1, 1)))])
    return d.quant(y, 0.25, 5), (1, 2, 4, 4)


def leaky_maxpool(d: Draft) -> Drawn:
    y = d.node("LeakyRelu", [d.conv(d.quant("x"), 4, 2)], {"alpha": 0.1})
    y = d.node("MaxPool", [y], {"kernel_shape": [2, 2], "strides": [2, 2]})
    return d.quant(d.conv(d.quant(y), 2, 4)), (1, 2, 4, 4)


def avgpool_then_conv(d: Draft) -> Drawn:
    x = d.features()
    y = d.node("AveragePool", [x], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})
    return d.quant(d.conv(y, 2, 4)), (1, 2, 6, 6)


def avgpool_noquant_relu(d: Draft) -> Drawn:
    y = d.node("Relu", [d.conv(d.quant("x"), 4, 2)])
    y = d.node("AveragePool", [y], {"kernel_shape": [2, 2], "strides": [2, 2]})
    return d.quant(d.conv(d.quant(y), 2, 4)), (1, 2, 4, 4)


def input_scale_norm(d: Draft) -> Drawn:
    x = d.node(
        "Div",
        [
            d.node("Sub", ["x", d.constant([[[[0.4]], [[0.5]]]])]),
            d.constant([[[[0.2]], [[0.25]]]]),
        ],
    )
    return d.quant(d.conv(d.quant(x), 3, 2)), (1, 2, 4, 4)


def maxpool_pad_signed(d: Draft) -> Drawn:
    y = d.node("MaxPool", [d.quant("x")], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4})
    return d.quant(d.conv(y, 3, 2)), (1, 2, 6, 6)


def maxpool_dilated_ceil(d: Draft) -> Drawn:
    y = d.node("MaxPool", [d.quant("x")], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1})
    return d.quant(d.conv(y, 3, 2)), (1, 2, 5, 5)


BLOCKS = (
    relu6,
    hardswish,
    hardswish_expanded,
    silu,
    silu_quantised,
    se_block,
    grouped,
    conv1d,
    pad_reflect,
    pad_edge,
    pad_constant_keras,
    pad_negative,
    global_max,
    global_avg_concat_max,
    reduce_mean_keep0,
    reduce_mean_keep1,
    reduce_mean_channel,
    cbam_spatial,
    residual_fork_before,
    residual_unquantised,
    inverted_residual,
    bn_folded_separately,
    bn_first,
    prelu,
    leaky_maxpool,
    avgpool_then_conv,
    avgpool_noquant_relu,
    input_scale_norm,
    maxpool_pad_signed,
    maxpool_dilated_ceil,
)
