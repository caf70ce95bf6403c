"""Random networks in every dialect: the original on onnxruntime, the integer graph, the exported integer model, and the model
converted to QONNX and to QCDQ, on the same frames.

A seed makes 21 graphs: in each of seven dialects a fully connected network, and a convolutional one with scales that are powers
of two (no mismatch and no tie) and with any (ties by the strict account of `verify.integer`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import onnx
import pytest

from qcompile.frontend.conversion import DIALECTS as TARGETS
from qcompile.ir.errors import CompilerError
from qcompile.transforms.walk import InputType
from tests.support.converting import assert_converted
from tests.support.proving import assert_exact, assert_explained, prove
from tests.support.random_dialects import DIALECTS
from tests.support.random_images import random_image_network
from tests.support.random_networks import random_network

REFUSALS = (
    "a factor whose zero is no integer or half of its steps",
    "and the ratios of the scales are not integers",
    "are no small integer multiples of a common one",
    "gives real numbers off any integer grid",
    "have no common place for it",
    "is not known",
    "is too large for a table",
    "the maximum of numbers that neither rise nor fall",
    "the model computes no number",
    "too many for a table",
)
"""What a random network may be refused for: streams of unrelated scales in front of one product or of a sum that nothing
quantises; a product of two tensors whose zeros differ between channels; a Relu in front of a product whose numbers have an
arbitrary offset; padding of such, or thresholds, of a tensor whose
number of axes onnx cannot infer; functions that are not monotone over millions of sums; infinity times zero.
"""

UNSAID = ("no integer", "not multiples of its step", "no range of codes")
"""What QCDQ cannot express of those."""

Graph = tuple[str, onnx.ModelProto, dict[str, InputType], bool]


def graphs(seed: int) -> Iterator[Graph]:
    """Name, model, types of inputs, and whether float32 has nothing to round."""
    for dialect in DIALECTS:
        network = random_network(seed, dialect)
        yield f"random_network({seed}, {dialect!r})", network.model, network.types, False
        for dyadic in (True, False):
            model = random_image_network(seed, dialect, dyadic).model
            yield f"random_image_network({seed}, {dialect!r}, {dyadic})", model, {}, dyadic


def examine(seeds: range) -> Counter[str]:
    """Proves and converts every graph of the seeds; counts what was seen, operators among it."""
    seen: Counter[str] = Counter()
    for graph in (graph for seed in seeds for graph in graphs(seed)):
        _examine(*graph, seen)
    return seen


def _examine(name: str, model: onnx.ModelProto, types: dict[str, InputType], exact: bool, seen: Counter[str]) -> None:
    try:
        _prove(model, types, exact, seen)
    except CompilerError as error:
        if not any(reason in str(error) for reason in REFUSALS):
            raise AssertionError(f"{name}: {error}") from error
        seen["refused"] += 1
    except AssertionError as error:
        raise AssertionError(name) from error


def _prove(model: onnx.ModelProto, types: dict[str, InputType], exact: bool, seen: Counter[str]) -> None:
    proof = prove(model, types, frames=8)
    (assert_exact if exact else assert_explained)(proof)
    for target in TARGETS:
        try:
            assert_converted(model, target, types)
        except CompilerError as error:
            if target != "qcdq" or not any(reason in str(error) for reason in UNSAID):
                raise AssertionError(f"{target}: {error}") from error
            seen["not said in qcdq"] += 1
            continue
        seen[f"to {target}"] += 1
    agreement = proof.agreement
    seen.update(graphs=1, integers=agreement.compared, frames=agreement.frames, ties=len(agreement.ties))
    seen.update({node.op_type for node in model.graph.node})


@pytest.mark.parametrize("chunk", range(7))
def test_random_dialects(chunk: int) -> None:
    seen = examine(range(2 * chunk, 2 * (chunk + 1)))
    assert seen["graphs"] >= 34
    assert seen["to qonnx"] == seen["graphs"]
    assert seen["to qcdq"] >= 0.85 * seen["graphs"]
    assert seen["ties"] <= seen["frames"] // 20
    assert set(seen) >= {"QuantizeLinear", "DequantizeLinear", "RequantShift", "MultiThreshold", "Quant", "Round"}


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(48))
def test_ten_thousand_graphs(chunk: int) -> None:
    seen = examine(range(1000 + 10 * chunk, 1000 + 10 * (chunk + 1)))
    print(dict(seen))
    assert seen["graphs"] >= 185
    assert seen["ties"] <= seen["frames"] // 20
    assert set(seen) >= {"QLinearConv", "QLinearAdd", "QLinearMul", "QLinearMatMul", "QGemm"}
