"""Depthwise separable network of 8, 16 and 32 channels with global average pooling: 4-bit weights and activations."""

import brevitas.nn as qnn
from brevitas.quant import Uint8ActPerTensorFloat
from common import load_digits, publish, seed_everything, train
from layers import convolution, normalised, pixels
from torch import nn

SEED = 0
BITS = 4
CLASSES = 10


def separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A depthwise convolution of 3x3 and a pointwise one, each with BatchNormalization and ReLU."""
    return nn.Sequential(
        normalised(convolution(inputs, inputs, 3, BITS, stride=stride, padding=1, groups=inputs), inputs, BITS),
        normalised(convolution(inputs, outputs, 1, BITS), outputs, BITS),
    )


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to logits (batch, 10)."""
    return nn.Sequential(
        pixels(),
        normalised(convolution(1, 8, 3, BITS, padding=1), 8, BITS),
        separable(8, 16, stride=1),
        separable(16, 32, stride=2),
        nn.AdaptiveAvgPool2d(1),
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=BITS),
        nn.Flatten(),
        qnn.QuantLinear(32, CLASSES, bias=True, weight_bit_width=BITS),
    )


def main() -> None:
    """Train the network and write `examples/digits_mobilenet_w4a4/`."""
    seed_everything(SEED)
    digits = load_digits(1, 8, 8)
    model = build()
    train(model, digits, epochs=40)
    publish("digits_mobilenet_w4a4", model, digits, seed=SEED, dynamo=False)


if __name__ == "__main__":
    main()
