"""Sparse perceptron 64-192-96-48-10: 2-bit pixels and activations, 5 inputs a neuron."""

import brevitas.nn as qnn
from brevitas.quant import Uint8ActPerTensorFloat
from common import load_digits
from sparse import main, network
from torch import nn

SEED = 0
SIZES = (64, 192, 96, 48, 10)
FAN_IN = 5
BITS = 2


def build() -> nn.Sequential:
    """The untrained network: pixels (batch, 64) in 0..1 to logits (batch, 10)."""
    quant_in = qnn.QuantIdentity(
        act_quant=Uint8ActPerTensorFloat, bit_width=BITS, scaling_impl_type="const", min_val=0.0, max_val=0.75
    )
    return network(quant_in, SIZES, FAN_IN, BITS)


if __name__ == "__main__":
    main("digits_lut_w8a2", load_digits(SIZES[0]), build, seed=SEED, epochs=200, learning_rate=2e-2)
