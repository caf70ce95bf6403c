"""Residual network of two blocks, 8 and 16 channels, with global average pooling: 4-bit weights and activations."""

import brevitas.nn as qnn
from brevitas.quant import Int8ActPerTensorFloat
from common import load_digits, publish, seed_everything, train
from layers import convolution, normalised, pixels
from torch import Tensor, nn

SEED = 0
BITS = 4
CLASSES = 10


class Block(nn.Module):
    """Two convolutions beside a shortcut: both sides pass through one quantiser, so that they have one scale.

    The shortcut is the input itself, or a convolution with one tap where the channels or the size change.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = normalised(convolution(inputs, outputs, 3, BITS, stride=stride, padding=1), outputs, BITS)
        self.conv2 = nn.Sequential(convolution(outputs, outputs, 3, BITS, padding=1), nn.BatchNorm2d(outputs))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(convolution(inputs, outputs, 1, BITS, stride=stride), nn.BatchNorm2d(outputs))
        self.common = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=BITS)
        self.relu = qnn.QuantReLU(bit_width=BITS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        return self.relu(self.common(self.conv2(self.conv1(x))) + self.common(self.shortcut(x)))


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to logits (batch, 10)."""
    return nn.Sequential(
        pixels(),
        normalised(convolution(1, 8, 3, BITS, padding=1), 8, BITS),
        Block(8, 8, stride=1),
        Block(8, 16, stride=2),
        nn.AdaptiveAvgPool2d(1),
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=6),
        nn.Flatten(),
        qnn.QuantLinear(16, CLASSES, bias=True, weight_bit_width=BITS),
    )


def main() -> None:
    """Train the network and write `examples/digits_resnet_w4a4/`."""
    seed_everything(SEED)
    digits = load_digits(1, 8, 8)
    model = build()
    train(model, digits, epochs=30)
    publish("digits_resnet_w4a4", model, digits, seed=SEED, dynamo=False)


if __name__ == "__main__":
    main()
