"""Perceptron 64-64-64-10 of 8-bit weights and 4-bit activations, its weights trained with A2Q, for accumulators of 12 bits."""

from accumulator_aware import main
from brevitas.quant import Int8AccumulatorAwareWeightQuant

if __name__ == "__main__":
    main("digits_a2q_w8a4", Int8AccumulatorAwareWeightQuant)
