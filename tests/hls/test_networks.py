"""Whole networks in HLS C++: the examples, folded, against the integer network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qcompile.flow.options import Options
from qcompile.flow.prepare import prepare
from qcompile.flow.progress import Progress
from qcompile.flow.vectors import make_frames

from .batch import Job, run_jobs

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = [
    ("digits_mlp_w1a1", 64),
    ("digits_resnet_w4a4", 4096),
    ("digits_mobilenet_w4a4", 2048),
    ("digits_vgg_w2a2", 64),
    ("digits_dilated_w3a3", 1024),
]


def job(name: str, interval: int, frames: int = 4) -> Job:
    """An example at about so many cycles a frame, random frames and what the integer network makes of them."""
    model = EXAMPLES / name / "model.onnx"
    prepared = prepare(Options(model=model, target="zcu104", name=name, interval=interval), Progress())
    network = prepared.understood.network
    codes = make_frames(network, frames).codes
    values = network.integer.evaluate(*codes)
    outputs = [np.asarray(values[output]).reshape(frames, -1) for output in network.integer.outputs]
    return Job(prepared.dataflow, [x.reshape(frames, -1) for x in codes], outputs, name)


@pytest.mark.parametrize(("name", "interval"), NETWORKS, ids=[name for name, _ in NETWORKS])
def test_integers(name: str, interval: int, tmp_path: Path) -> None:
    run_jobs([job(name, interval)], tmp_path)
