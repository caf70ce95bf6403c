"""The pipeline behind streamlining, and the driver that checks what each pass leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np

from qcompile.ir.network import Network
from qcompile.ir.types import IntArray
from qcompile.transforms.accumulator_form import AbsorbSign, PopcountForm
from qcompile.transforms.channel_order import ChannelOrder
from qcompile.transforms.fold_padding import FoldPadding
from qcompile.transforms.sub_pixels import SubPixelsAsDeconvolution
from qcompile.transforms.upsampling import UpsamplingAsDeconvolution


class NetworkPass(Protocol):
    """A frozen dataclass whose fields are its options; it never changes what the network computes."""

    name: ClassVar[str]

    def run(self, network: Network) -> Network:
        """The transformed network."""


PASSES: tuple[NetworkPass, ...] = (
    FoldPadding(),
    UpsamplingAsDeconvolution(),
    SubPixelsAsDeconvolution(),
    ChannelOrder(),
    AbsorbSign(),
    PopcountForm(),
)


def pipeline(upsample: str) -> tuple[NetworkPass, ...]:
    """The passes with this mode (auto, resize, deconv) of upsampling."""
    moded = (UpsamplingAsDeconvolution, SubPixelsAsDeconvolution)
    return tuple(replace(p, mode=upsample) if isinstance(p, moded) else p for p in PASSES)


class PassError(Exception):
    """A pass broke an invariant or changed a result: an internal error that names the pass."""


def run_passes(
    network: Network,
    samples: tuple[IntArray, ...] = (),
    observe: Callable[[str, Network], None] | None = None,
    upsample: str = "auto",
) -> Network:
    """Every pass in order, the graph checked after each; `upsample` as in `pipeline`.

    With `samples` (integer inputs, frames first) the outputs before and after each pass are compared as well.
    `observe` is called with the name of each pass and its result.
    """
    expected = _outputs(network, samples)
    for step in pipeline(upsample):
        network = step.run(network)
        faults = network.integer.check()
        if faults:
            raise PassError(f"pass {step.name}: {'; '.join(faults)}")
        for before, after in zip(expected, _outputs(network, samples), strict=True):
            if not np.array_equal(before, after):
                raise PassError(f"pass {step.name} changes the result of {int((before != after).sum())} elements")
        if observe is not None:
            observe(step.name, network)
    return network


def _outputs(network: Network, samples: tuple[IntArray, ...]) -> list[IntArray]:
    if not samples:
        return []
    values = network.integer.evaluate(*samples)
    return [np.asarray(values[name]) for name in network.integer.outputs]
