"""Convolutional network 16-16-pool-32, 32-10: 4-bit pixels, 2-bit weights, 2-bit activations."""

from collections import OrderedDict

import brevitas.nn as qnn
from common import load_digits, publish, seed_everything, train
from layers import convolution, pixels
from torch import nn

SEED = 0
BITS = 2
CLASSES = 10


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to logits (batch, 10)."""
    return nn.Sequential(
        OrderedDict(
            quant_in=pixels(),
            conv1=convolution(1, 16, 3, BITS),
            bn1=nn.BatchNorm2d(16),
            relu1=qnn.QuantReLU(bit_width=BITS),
            conv2=convolution(16, 16, 3, BITS),
            bn2=nn.BatchNorm2d(16),
            relu2=qnn.QuantReLU(bit_width=BITS),
            pool2=nn.MaxPool2d(2),
            conv3=convolution(16, 32, 2, BITS),
            bn3=nn.BatchNorm2d(32),
            relu3=qnn.QuantReLU(bit_width=BITS),
            flatten=nn.Flatten(),
            fc4=qnn.QuantLinear(32, CLASSES, bias=True, weight_bit_width=BITS),
        )
    )


def main() -> None:
    """Train the network and write `examples/digits_vgg_w2a2/`."""
    seed_everything(SEED)
    digits = load_digits(1, 8, 8)
    model = build()
    train(model, digits, epochs=40)
    publish("digits_vgg_w2a2", model, digits, seed=SEED)


if __name__ == "__main__":
    main()
