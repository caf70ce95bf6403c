"""Convolutions with dilation 1, 2 and 3 at full resolution, max pooling, dense: 3-bit weights and activations."""

import brevitas.nn as qnn
from common import load_digits, publish, seed_everything, train
from layers import convolution, normalised, pixels
from torch import nn

SEED = 0
BITS = 3
CHANNELS = 8
CLASSES = 10


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to logits (batch, 10)."""
    return nn.Sequential(
        pixels(),
        normalised(convolution(1, CHANNELS, 3, BITS, padding=1), CHANNELS, BITS),
        normalised(convolution(CHANNELS, CHANNELS, 3, BITS, padding=2, dilation=2), CHANNELS, BITS),
        normalised(convolution(CHANNELS, CHANNELS, 3, BITS, padding=3, dilation=3), CHANNELS, BITS),
        nn.MaxPool2d(4),
        nn.Flatten(),
        qnn.QuantLinear(4 * CHANNELS, CLASSES, bias=True, weight_bit_width=BITS),
    )


def main() -> None:
    """Train the network and write `examples/digits_dilated_w3a3/`."""
    seed_everything(SEED)
    digits = load_digits(1, 8, 8)
    model = build()
    train(model, digits, epochs=40)
    publish("digits_dilated_w3a3", model, digits, seed=SEED)


if __name__ == "__main__":
    main()
