"""Quantised layers that several of the example networks are built of."""

import brevitas.nn as qnn
from brevitas.quant import Uint8ActPerTensorFloat
from brevitas.quant.binary import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import nn


def pixels(bits: int = 4) -> qnn.QuantIdentity:
    """Quantiser of the input with the fixed step 1/16: pixel k/16 becomes the integer min(k, 2**bits - 1)."""
    return qnn.QuantIdentity(
        act_quant=Uint8ActPerTensorFloat,
        bit_width=bits,
        scaling_impl_type="const",
        min_val=0.0,
        max_val=(2**bits - 1) / 16,
    )


def sign() -> qnn.QuantIdentity:
    """Quantiser of activations to -1 or +1; zero becomes +1."""
    return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)


def binary_convolution(inputs: int, outputs: int, kernel: int) -> qnn.QuantConv2d:
    """Convolution without padding and bias, its weights binary and all of one magnitude."""
    return qnn.QuantConv2d(inputs, outputs, kernel, bias=False, weight_quant=SignedBinaryWeightPerTensorConst)


def binary_linear(inputs: int, outputs: int) -> qnn.QuantLinear:
    """Dense layer without bias, its weights binary and all of one magnitude."""
    return qnn.QuantLinear(inputs, outputs, bias=False, weight_quant=SignedBinaryWeightPerTensorConst)


def convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    bits: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> qnn.QuantConv2d:
    """Convolution without bias, its weights of `bits` bits with a scale for each output channel."""
    return qnn.QuantConv2d(
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=False,
        weight_bit_width=bits,
        weight_scaling_per_output_channel=True,
    )


def normalised(layer: nn.Module, channels: int, bits: int) -> nn.Sequential:
    """A convolution, BatchNormalization, and ReLU with `bits` bits behind."""
    return nn.Sequential(layer, nn.BatchNorm2d(channels), qnn.QuantReLU(bit_width=bits))
