"""Perceptrons 64-64-64-10 of 8-bit weights and 4-bit activations, trained for accumulators of a width, or for none."""

import copy
from collections import OrderedDict

import brevitas.nn as qnn
import torch
from brevitas.core.scaling.pre_scaling import AccumulatorAwareParameterPreScaling
from common import load_digits, publish, seed_everything, test_accuracy, train, unquantised
from layers import pixels
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

SEED = 0
PIXELS = 64
HIDDEN = 64
CLASSES = 10
BITS = 4
ACCUMULATOR_BITS = 12
EPOCHS = 100
PENALTY = 1e-3
"""Weight of the norms above what the accumulators hold, as Brevitas' own examples have it."""


def build(weight_quant: type | None) -> nn.Sequential:
    """The untrained network: pixels (batch, 64) in 0..1 to logits (batch, 10), with this quantiser of the weights.

    None stands for Brevitas' usual one. Accumulator-aware quantisers need to know the bits of the layers' inputs, so that
    activations hand on their quantisation.
    """
    aware = {} if weight_quant is None else {"weight_quant": weight_quant, "weight_accumulator_bit_width": ACCUMULATOR_BITS}

    def linear(inputs: int, outputs: int) -> qnn.QuantLinear:
        return qnn.QuantLinear(
            inputs, outputs, bias=False, weight_bit_width=8, weight_scaling_per_output_channel=True, **aware
        )

    quant_in = pixels(BITS)
    quant_in.return_quant_tensor = True
    return nn.Sequential(
        OrderedDict(
            quant_in=quant_in,
            fc1=linear(PIXELS, HIDDEN),
            bn1=nn.BatchNorm1d(HIDDEN),
            relu1=qnn.QuantReLU(bit_width=BITS, return_quant_tensor=True),
            fc2=linear(HIDDEN, HIDDEN),
            bn2=nn.BatchNorm1d(HIDDEN),
            relu2=qnn.QuantReLU(bit_width=BITS, return_quant_tensor=True),
            fc3=linear(HIDDEN, CLASSES),
            bn3=nn.BatchNorm1d(CLASSES),
        )
    )


def excess(model: nn.Module) -> Tensor:
    """How far norms are above the greatest that the accumulators hold: sum of max(g - T * s, 0) (A2Q's penalty)."""
    total = torch.zeros(())
    for layer in model.modules():
        for scaling in layer.modules() if isinstance(layer, qnn.QuantLinear) else ():
            if isinstance(scaling, AccumulatorAwareParameterPreScaling):
                norm, scale = scaling.restrict_clamp_scaling(scaling.value), scaling.scaling_impl(layer.weight)
                total = total + torch.relu(norm - scaling.calc_max_l1_norm(torch.tensor(float(BITS)), False) * scale).sum()
    return total


def with_quantised_weights(model: nn.Sequential, x: Tensor) -> nn.Sequential:
    """The trained network with each weight replaced by what the quantiser makes of it; `x` are any frames (batch, 64).

    Brevitas 0.13.4 exports the raw weights of such layers, for a Quant node that knows nothing of norms: another network.
    """
    copied = copy.deepcopy(model)
    inputs: dict[str, Tensor] = {}
    for name, layer in model.named_children():
        inputs[name] = x
        with torch.no_grad():
            x = layer(x)
    for name, layer in copied.named_children():
        if isinstance(layer, qnn.QuantLinear):
            with torch.no_grad():
                layer.weight.copy_(model.get_submodule(name).quant_weight(inputs[name]).value)
    return copied


def main(name: str, weight_quant: type | None) -> None:
    """Train the network, and one without any quantiser to compare with, and write `examples/<name>/`."""
    digits = load_digits(PIXELS)
    seed_everything(SEED)
    plain = unquantised(build(None))
    train(plain, digits, epochs=EPOCHS)
    seed_everything(SEED)
    model = build(weight_quant)
    train(model, digits, epochs=EPOCHS, loss=lambda y, label: cross_entropy(y, label) + PENALTY * excess(model))
    form = with_quantised_weights(model, digits.test_x[:1]) if weight_quant is not None else None
    publish(name, model, digits, seed=SEED, form=form, float_accuracy=test_accuracy(plain, digits))
