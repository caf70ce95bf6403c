"""manifest.json: what was made from what, and how to talk to it. No times of day, no absolute paths."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

import qcompile
from qcompile.flow.options import Options
from qcompile.flow.prepare import Prepared
from qcompile.frontend.load import library_versions
from qcompile.ir.dataflow import Stream
from qcompile.ir.network import Network, Tap
from qcompile.ops import Quantize
from qcompile.transforms.accumulators import Accumulator

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """The numbers of the last line on standard output. Cycles; 0 mismatches mean that everything agreed."""

    frames: int
    mismatches: int
    ties: int
    rtl_frames: int
    rtl_mismatches: int
    interval: int
    latency: int
    hls_frames: int | None = None
    hls_mismatches: int | None = None

    def numbers(self) -> dict[str, int]:
        """By name; those of the HLS C++ only where it was run."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}

    def json_line(self) -> str:
        """One JSON object on one line."""
        return json.dumps(self.numbers())


def manifest(options: Options, prepared: Prepared, digests: tuple[str, str], target_file: str | None) -> str:
    """JSON text: the model, the options that shape the design, the streams at the edge and the host's part.

    `digests` are those of the model's file and of its copy, `target_file` is the copy of a target of the user's own.
    """
    network, dataflow = prepared.understood.network, prepared.dataflow
    content = {
        "qcompile": {"version": qcompile.__version__, "schema": SCHEMA},
        "versions": library_versions(),
        "model": {"file": options.model.name, "sha256": digests[0], "copy_sha256": digests[1]},
        "target": prepared.target.name,
        "target_file": target_file,
        "part": prepared.target.part,
        "clock_mhz": prepared.clock_mhz,
        "options": {
            "input": options.input_type,
            "input_scale": options.input_scale,
            "shapes": {name: list(shape) for name, shape in sorted(options.shapes.items())},
            "accumulator_bits": options.accumulator_bits,
            "wrap": options.wrap,
            "upsample": options.upsample,
            "source": options.source,
            "backend": options.backend,
            "engine": options.engine,
            "lut_inputs": options.lut_inputs,
        },
        "top": dataflow.name,
        "clock_port": "aclk",
        "reset_port": "aresetn (active low, synchronous)",
        "interval_cycles": dataflow.interval(),
        "latency_cycles": prepared.timing.first_output,
        "inputs": _streams("s_axis", dataflow.inputs, dataflow.input_names, network),
        "outputs": _streams("m_axis", dataflow.outputs, dataflow.output_names, network),
        "host": {
            "before": [f"{node.op.kind} {' '.join(node.origin)}".strip() for node in network.before.nodes],
            "after": [f"{node.op.kind} {' '.join(node.origin)}".strip() for node in network.after.nodes],
        },
        "accumulators": [certificate(a) for a in prepared.understood.accumulators],
    }
    return json.dumps(content, indent=2) + "\n"


def certificate(accumulator: Accumulator) -> dict[str, object]:
    """One layer: widths over all channels, and the reach of each channel."""
    return {
        "layer": accumulator.layer,
        "inputs": accumulator.inputs,
        "input_type": str(accumulator.input_type),
        "weight_type": str(accumulator.weight_type),
        "exact_bits": int(accumulator.exact_bits.max()),
        "partial_bits": int(accumulator.partial_bits.max()),
        "a2q_bits": int(accumulator.a2q_bits.max()),
        "a2q_plus_bits": int(accumulator.a2q_plus_bits.max()),
        "datatype_bits": accumulator.datatype_bits,
        "built": None if accumulator.built is None else str(accumulator.built),
        "channels": {
            "least": accumulator.lo.tolist(),
            "greatest": accumulator.hi.tolist(),
            "exact_bits": accumulator.exact_bits.tolist(),
            "partial_bits": accumulator.partial_bits.tolist(),
            "a2q_bits": accumulator.a2q_bits.tolist(),
            "a2q_plus_bits": accumulator.a2q_plus_bits.tolist(),
            "zero_centred": accumulator.zero_centred.astype(bool).tolist(),
        },
    }


def _streams(
    prefix: str, streams: tuple[Stream, ...], names: tuple[str, ...], network: Network
) -> list[dict[str, object]]:
    """How each stream at the edge is packed, and what its integers stand for."""
    rows: list[dict[str, object]] = []
    for k, (stream, name) in enumerate(zip(streams, names, strict=True)):
        tap = next((t for t in network.taps if t.value == name), None)
        tap = None if tap is None else _of_real_numbers(tap, network)
        reach = network.integer.values[name].range
        assert reach is not None
        row: dict[str, object] = {
            "port": prefix if len(streams) == 1 else f"{prefix}_{k}",
            "value": name,
            "shape": list(network.integer.values[name].shape),
            "order": "row-major, last axis fastest; element e of a beat in bits [e*bits, (e+1)*bits)",
            "element": {"bits": stream.element.bits, "signed": stream.element.signed},
            "least": reach.least,
            "greatest": reach.greatest,
            "elements_per_beat": stream.lanes,
            "beats_per_frame": stream.beats,
            "tdata_bits": -(-stream.bits // 8) * 8,
            "padding": "high bits of tdata up to a whole byte: ignored on input, zero on output",
        }
        if tap is not None:
            row["tensor"] = tap.tensor
            row["real"] = "scale * (integer + shift) + offset, one number for all channels or one for each"
            row |= {part: np.atleast_1d(getattr(tap, part)).tolist() for part in ("scale", "shift", "offset")}
        rows.append(row)
    return rows


def _of_real_numbers(tap: Tap, network: Network) -> Tap:
    """What integers stand for in front of a QuantizeLinear of the host, whose own output are the codes."""
    node = next((n for n in network.before.nodes if n.output == tap.tensor), None)
    if node is None or not isinstance(node.op, Quantize) or node.op.dequantized:
        return tap
    lattice = replace(node.op, dequantized=True).lattice(*(network.before.constants[name] for name in node.inputs[1:]))
    if lattice.scale.size > 1 or lattice.shift.size > 1:
        return tap
    return replace(tap, tensor=node.inputs[0], scale=lattice.scale, shift=lattice.shift, offset=lattice.offset)
