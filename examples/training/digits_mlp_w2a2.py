"""Perceptron 64-64-64-10: 4-bit pixels, 2-bit weights, 2-bit activations."""

from collections import OrderedDict

import brevitas.nn as qnn
from common import load_digits, publish, seed_everything, train
from layers import pixels
from torch import nn

SEED = 0
PIXELS = 64
HIDDEN = 64
CLASSES = 10


def build() -> nn.Sequential:
    """The untrained network: pixels (batch, 64) in 0..1 to logits (batch, 10).

    The quantiser of the input has 4 bits and the fixed step 1/16: pixel k/16 becomes the integer min(k, 15).
    The first layer has a weight scale for each neuron, the others one for the whole layer.
    """
    return nn.Sequential(
        OrderedDict(
            quant_in=pixels(),
            fc1=qnn.QuantLinear(PIXELS, HIDDEN, bias=False, weight_bit_width=2, weight_scaling_per_output_channel=True),
            bn1=nn.BatchNorm1d(HIDDEN),
            relu1=qnn.QuantReLU(bit_width=2),
            drop1=nn.Dropout(0.1),
            fc2=qnn.QuantLinear(HIDDEN, HIDDEN, bias=False, weight_bit_width=2),
            bn2=nn.BatchNorm1d(HIDDEN),
            relu2=qnn.QuantReLU(bit_width=2),
            drop2=nn.Dropout(0.1),
            fc3=qnn.QuantLinear(HIDDEN, CLASSES, bias=True, weight_bit_width=2),
        )
    )


def main() -> None:
    """Train the network and write `examples/digits_mlp_w2a2/`."""
    seed_everything(SEED)
    digits = load_digits(PIXELS)
    model = build()
    train(model, digits, epochs=100)
    publish("digits_mlp_w2a2", model, digits, seed=SEED)


if __name__ == "__main__":
    main()
