"""Sparse perceptron 16-64-32-32-5 on generated data: 3-bit activations, 3 inputs a neuron."""

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.quant import Int8ActPerTensorFloat
from common import Dataset
from sklearn.datasets import make_classification
from sparse import main, network
from torch import nn

SEED = 0
SIZES = (16, 64, 32, 32, 5)
FAN_IN = 3
BITS = 3
TRAINING_FRAMES = 12000
TEST_FRAMES = 1000


def load() -> Dataset:
    """Frames of 16 numbers in 5 classes: the size of jet tagging, but made up (scikit-learn's make_classification).

    Ten numbers tell the classes apart, each of two clusters; six are mixtures of them. All have mean 0 and variance 1.
    """
    x, label = make_classification(
        TRAINING_FRAMES + TEST_FRAMES,
        n_features=SIZES[0],
        n_informative=10,
        n_redundant=6,
        n_classes=SIZES[-1],
        n_clusters_per_class=2,
        class_sep=2.0,
        random_state=SEED,
    )
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    frames, labels = torch.from_numpy(x), torch.from_numpy(label.astype(np.int64))
    return Dataset(
        frames[:TRAINING_FRAMES], labels[:TRAINING_FRAMES], frames[TRAINING_FRAMES:], labels[TRAINING_FRAMES:]
    )


def build() -> nn.Sequential:
    """The untrained network: frames (batch, 16) to scores (batch, 5)."""
    quant_in = qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFloat, bit_width=BITS, scaling_impl_type="const", min_val=-1.5, max_val=1.5
    )
    return network(quant_in, SIZES, FAN_IN, BITS)


if __name__ == "__main__":
    main("jets_lut_w8a3", load(), build, seed=SEED, epochs=30, learning_rate=1e-2)
