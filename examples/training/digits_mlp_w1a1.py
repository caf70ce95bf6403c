"""Perceptron 64-128-128-10: binary pixels, binary weights, binary activations, each -1 or +1."""

from collections import OrderedDict

from common import load_digits, publish, seed_everything, train
from layers import binary_linear, sign
from torch import Tensor, nn

SEED = 0
PIXELS = 64
HIDDEN = 128
CLASSES = 10


class Centre(nn.Module):
    """Moves pixels from 0..1 to -1..1, so that their sign tells bright from dark."""

    def forward(self, x: Tensor) -> Tensor:
        """Centred pixels, of the shape of `x`."""
        return 2 * x - 1


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to logits (batch, 10)."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            centre=Centre(),
            sign_in=sign(),
            fc1=binary_linear(PIXELS, HIDDEN),
            bn1=nn.BatchNorm1d(HIDDEN),
            sign1=sign(),
            drop1=nn.Dropout(0.1),
            fc2=binary_linear(HIDDEN, HIDDEN),
            bn2=nn.BatchNorm1d(HIDDEN),
            sign2=sign(),
            drop2=nn.Dropout(0.1),
            fc3=binary_linear(HIDDEN, CLASSES),
            bn3=nn.BatchNorm1d(CLASSES),
        )
    )


def main() -> None:
    """Train the network and write `examples/digits_mlp_w1a1/`."""
    seed_everything(SEED)
    digits = load_digits(1, 8, 8)
    model = build()
    train(model, digits, epochs=100)
    publish("digits_mlp_w1a1", model, digits, seed=SEED, dynamo=False)


if __name__ == "__main__":
    main()
