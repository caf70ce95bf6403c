"""Perceptron 64-64-64-10 of 8-bit weights and 4-bit activations, trained without a thought of accumulators."""

from accumulator_aware import main

if __name__ == "__main__":
    main("digits_w8a4", None)
