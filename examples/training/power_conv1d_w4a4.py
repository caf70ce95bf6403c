"""1-D convolutions of 8, 8 and 16 channels over a day's power demand, 24 hours, to two seasons: 4-bit weights and
activations.
"""

import brevitas.nn as qnn
import numpy as np
import torch
from aeon.datasets import load_italy_power_demand
from brevitas.quant import Int8ActPerTensorFloat
from common import Dataset, publish, seed_everything, train
from torch import Tensor, nn

SEED = 0
BITS = 4
CHANNELS = 8
CLASSES = 2


def load_days() -> Dataset:
    """Days of ItalyPowerDemand: (days, 1, 24), each of mean 0 and variance 1; class 0 is October to March.

    The split is that of the data set: 67 training and 1029 test frames.
    """
    parts: list[Tensor] = []
    for split in ("train", "test"):
        frames, labels = load_italy_power_demand(split=split)
        parts += [torch.from_numpy(frames.astype(np.float32)), torch.from_numpy(labels.astype(np.int64) - 1)]
    return Dataset(*parts)


def convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the length (but for its stride), BatchNormalization, and ReLU behind."""
    return nn.Sequential(
        qnn.QuantConv1d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=kernel // 2,
            bias=False,
            weight_bit_width=BITS,
            weight_scaling_per_output_channel=True,
        ),
        nn.BatchNorm1d(outputs),
        qnn.QuantReLU(bit_width=BITS),
    )


def build() -> nn.Sequential:
    """The untrained network: days (batch, 1, 24) to logits (batch, 2).

    The quantiser of the input has 8 bits and the fixed step 1/32, from -4 to 127/32.
    """
    return nn.Sequential(
        qnn.QuantIdentity(
            act_quant=Int8ActPerTensorFloat, bit_width=8, scaling_impl_type="const", min_val=-127 / 32, max_val=127 / 32
        ),
        convolution(1, CHANNELS, 5),
        nn.MaxPool1d(2),
        convolution(CHANNELS, CHANNELS, 3),
        convolution(CHANNELS, 2 * CHANNELS, 3, stride=2),
        nn.Flatten(),
        qnn.QuantLinear(6 * 2 * CHANNELS, CLASSES, bias=True, weight_bit_width=BITS),
    )


def main() -> None:
    """Train the network and write `examples/power_conv1d_w4a4/`."""
    seed_everything(SEED)
    days = load_days()
    model = build()
    train(model, days, epochs=300)
    publish("power_conv1d_w4a4", model, days, seed=SEED)


if __name__ == "__main__":
    main()
