"""U-Net of two levels that takes noise off digits: transposed convolutions, two concatenations; 4-bit weights and
activations.
"""

import brevitas.nn as qnn
import numpy as np
import torch
from brevitas.quant import Uint8ActPerTensorFloat
from common import Dataset, load_digits, publish, seed_everything, train
from layers import convolution, normalised, pixels
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import mse_loss

SEED = 0
BITS = 4
CHANNELS = 8
NOISE = 0.2


def noisy(clean: Tensor) -> Tensor:
    """Images with normal noise, again multiples of 1/16 from 0 to 1."""
    return torch.clip(torch.round((clean + NOISE * torch.randn(clean.shape)) * 16), 0, 16) / 16


def load_images() -> Dataset:
    """Noisy digits (frames, 1, 8, 8), and the same without noise for labels."""
    digits = load_digits(1, 8, 8)
    return Dataset(noisy(digits.train_x), digits.train_x, noisy(digits.test_x), digits.test_x)


class Level(nn.Module):
    """Half the size and back around what is inside, beside a way that keeps the size: both are concatenated.

    Both sides pass through one quantiser, so that they have one scale.
    """

    def __init__(self, channels: int, inner: int, inside: nn.Module) -> None:
        super().__init__()
        self.down = normalised(convolution(channels, inner, 3, BITS, stride=2, padding=1), inner, BITS)
        self.inside = inside
        self.up = nn.Sequential(
            qnn.QuantConvTranspose2d(
                inner,
                channels,
                4,
                stride=2,
                padding=1,
                bias=False,
                weight_bit_width=BITS,
                weight_scaling_per_output_channel=False,
            ),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        self.common = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=BITS)
        self.merge = normalised(convolution(2 * channels, channels, 3, BITS, padding=1), channels, BITS)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same shape."""
        y = self.up(self.inside(self.down(x)))
        return self.merge(torch.cat([self.common(x), self.common(y)], dim=1))


def build() -> nn.Sequential:
    """The untrained network: images (batch, 1, 8, 8) in 0..1 to images of the same shape."""
    inner = Level(2 * CHANNELS, 2 * CHANNELS, nn.Identity())
    return nn.Sequential(
        pixels(),
        normalised(convolution(1, CHANNELS, 3, BITS, padding=1), CHANNELS, BITS),
        Level(CHANNELS, 2 * CHANNELS, inner),
        qnn.QuantConv2d(CHANNELS, 1, 1, bias=True, weight_bit_width=BITS),
    )


def error(images: NDArray[np.float32], clean: NDArray[np.generic]) -> float:
    """Mean squared difference of the pixels."""
    return float(np.mean((images.astype(np.float64) - clean.astype(np.float64)) ** 2))


def main() -> None:
    """Train the network and write `examples/digits_unet_w4a4/`."""
    seed_everything(SEED)
    images = load_images()
    model = build()
    train(model, images, epochs=30, loss=mse_loss)
    publish("digits_unet_w4a4", model, images, seed=SEED, output="clean", score=("error", error))


if __name__ == "__main__":
    main()
