"""Convolutional network 16-16-pool-32, 32-10: 4-bit pixels, binary weights, binary activations."""

from collections import OrderedDict

from common import load_digits, publish, seed_everything, train
from layers import binary_convolution, binary_linear, pixels, sign
from torch import nn

SEED = 0
CLASSES = 10


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to logits (batch, 10)."""
    return nn.Sequential(
        OrderedDict(
            quant_in=pixels(),
            conv1=binary_convolution(1, 16, 3),
            bn1=nn.BatchNorm2d(16),
            sign1=sign(),
            conv2=binary_convolution(16, 16, 3),
            bn2=nn.BatchNorm2d(16),
            sign2=sign(),
            pool2=nn.MaxPool2d(2),
            conv3=binary_convolution(16, 32, 2),
            bn3=nn.BatchNorm2d(32),
            sign3=sign(),
            flatten=nn.Flatten(),
            fc4=binary_linear(32, 32),
            bn4=nn.BatchNorm1d(32),
            sign4=sign(),
            fc5=binary_linear(32, CLASSES),
            bn5=nn.BatchNorm1d(CLASSES),
        )
    )


def main() -> None:
    """Train the network and write `examples/digits_vgg_w1a1/`."""
    seed_everything(SEED)
    digits = load_digits(1, 8, 8)
    model = build()
    train(model, digits, epochs=60)
    publish("digits_vgg_w1a1", model, digits, seed=SEED, dynamo=False)


if __name__ == "__main__":
    main()
