"""What hls4ml takes for a model: run by a Python that has hls4ml and qonnx, not by ours.

Usage: hls4ml_seconds.py MODEL.onnx FRAMES. Prints one JSON object: CPU seconds of compile() (its C++ by g++) and of predict() on so
many random frames, or `refused`, why it does not take the model.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

ACCUMULATOR = "fixed<32,16>"
"""Type of what a model does not quantise, wide enough for sums."""


def cpu() -> float:
    """Seconds of this process and of finished children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def converted(model: Path, folder: str) -> tuple[Any, tuple[int, ...]]:
    """hls4ml's form of a QONNX model, prepared as its documentation says, and the shape of a frame."""
    hls4ml = importlib.import_module("hls4ml")
    wrapper = importlib.import_module("qonnx.core.modelwrapper").ModelWrapper(str(model))
    cleanup = importlib.import_module("qonnx.util.cleanup").cleanup_model
    channels_last = importlib.import_module("qonnx.transformation.channels_last").ConvertToChannelsLastAndClean
    gemm = importlib.import_module("qonnx.transformation.gemm_to_matmul").GemmToMatMul
    wrapper = cleanup(cleanup(wrapper).transform(channels_last()).transform(gemm()))
    settings: dict[str, Any] = {"backend": "Vitis", "granularity": "name", "default_precision": ACCUMULATOR}
    config = hls4ml.utils.config.config_from_onnx_model(wrapper, **settings)
    shape = tuple(wrapper.get_tensor_shape(wrapper.graph.input[0].name))
    streaming = "io_stream" if len(shape) > 2 else "io_parallel"
    made = hls4ml.converters.convert_from_onnx_model(
        wrapper, hls_config=config, output_dir=folder, io_type=streaming, backend="Vitis", part="xc7z020clg400-1"
    )
    return made, shape[1:]


def measured(model: Path, frames: int) -> dict[str, object]:
    """The object to print."""
    numpy = importlib.import_module("numpy")
    with tempfile.TemporaryDirectory() as folder:
        try:
            network, shape = converted(model, folder)
            started = cpu()
            network.compile()
            compiled = cpu()
            network.predict(numpy.random.default_rng(0).random((frames, *shape), numpy.float32))
        except Exception as error:  # noqa: BLE001 - whatever it says is why
            said = str(error).splitlines()
            return {"refused": f"{type(error).__name__}: {said[0] if said else ''}"[:200]}
        return {"compile": compiled - started, "predict": cpu() - compiled}


def main() -> int:
    """Measures with everything that others print sent elsewhere."""
    model, frames = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            found = measured(model, frames)
        print(json.dumps(found), file=output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
