"""Sparse perceptrons for LUT netlists: each neuron reads few inputs, drawn at random before training (LogicNets, FPL 2020)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat, Uint8ActPerTensorFloat
from common import Dataset, publish, seed_everything, test_accuracy, train, unquantised
from torch import nn

OUTPUT_BITS = 4


def linear(inputs: int, outputs: int, fan_in: int) -> qnn.QuantLinear:
    """Dense layer without bias, all but `fan_in` weights of each neuron zero for good; weights of 8 bits.

    The inputs are dealt out: none is read twice before every one was read once.
    """
    layer = qnn.QuantLinear(inputs, outputs, bias=False, weight_bit_width=8, weight_scaling_per_output_channel=True)
    mask = torch.zeros(outputs, inputs)
    deck: list[int] = []
    for row in mask:
        while int(row.sum()) < fan_in:
            deck = deck or torch.randperm(inputs).tolist()
            row[deck.pop()] = 1
    with torch.no_grad():
        layer.weight *= mask
        layer.weight *= (inputs / fan_in) ** 0.5
    layer.weight.register_hook(lambda gradient: gradient * mask)
    return layer


def main(
    name: str,
    data: Dataset,
    build: Callable[[], nn.Sequential],
    *,
    seed: int,
    epochs: int,
    learning_rate: float,
) -> None:
    """Train the network, and one without any quantiser to compare with, and write `examples/<name>/`."""
    seed_everything(seed)
    plain = unquantised(build())
    train(plain, data, epochs=epochs, learning_rate=learning_rate)
    seed_everything(seed)
    model = build()
    train(model, data, epochs=epochs, learning_rate=learning_rate)
    publish(name, model, data, seed=seed, float_accuracy=test_accuracy(plain, data))


def network(quant_in: nn.Module, sizes: Sequence[int], fan_in: int, bits: int) -> nn.Sequential:
    """Layers of `sizes` (inputs, neurons...) that read `fan_in` numbers of `bits` bits; outputs of OUTPUT_BITS bits, signed."""
    layers: list[nn.Module] = [quant_in]
    for k, (inputs, outputs) in enumerate(pairwise(sizes)):
        last = k == len(sizes) - 2
        layers += [linear(inputs, outputs, fan_in), nn.BatchNorm1d(outputs)]
        layers.append(
            qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=OUTPUT_BITS)
            if last
            else qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits)
        )
    return nn.Sequential(*layers)
