"""Random networks against the original model: every quantiser, sum and class, the exported integer model, the outputs.

Half of the networks add up multiples of powers of two only. float32 has nothing to round there, and nothing is excused: no
mismatch and no tie. In the others a difference must be a tie by the strict account of `verify.integer`.
"""

from __future__ import annotations

from collections import Counter

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.ops import MatMul
from tests.support.proving import Proof, assert_exact, assert_explained, prove
from tests.support.random_networks import random_network

FRAMES = 24
REFUSALS = (
    "gives real numbers off any integer grid",
    "is too large for a table",
    "the model computes no number",
)
"""What a random network may be refused for: a Relu in front of a product whose numbers have an arbitrary offset, a function
that is not monotone over millions of sums, infinity times zero.
"""

FLOAT32_INTEGERS = 2.0**24


def sums_are_exact(proof: Proof) -> bool:
    """Whether float32 holds every partial sum of the integers, in units of one half."""
    graph = proof.network.integer
    largest = 0.0
    for node in graph.nodes:
        if isinstance(node.op, MatMul):
            known, weights = graph.values[node.inputs[0]].range, graph.constants[node.inputs[1]]
            assert known is not None
            largest = max(largest, float(abs(weights).sum(axis=0).max()) * max(-known.least, known.greatest, 1))
    shifts = max(float(abs(tap.shift).max()) for tap in proof.network.taps)
    return 4 * (largest + shifts) < FLOAT32_INTEGERS


def examine(seeds: range) -> Counter[str]:
    """Proves the network of each seed; counts what was seen."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        network = random_network(seed)
        try:
            proof = prove(network.model, network.types, frames=FRAMES)
        except CompilerError as error:
            if not any(reason in str(error) for reason in REFUSALS):
                raise AssertionError(f"seed {seed}: {error}") from error
            seen["refused"] += 1
            continue
        exact = network.exact and sums_are_exact(proof)
        try:
            assert_exact(proof) if exact else assert_explained(proof)
        except AssertionError as error:
            raise AssertionError(f"random_network({seed})") from error
        agreement = proof.agreement
        seen.update(
            networks=1, exact=exact, frames=agreement.frames, integers=agreement.compared, ties=len(agreement.ties)
        )
    return seen


@pytest.mark.parametrize("chunk", range(10))
def test_random_networks(chunk: int) -> None:
    seen = examine(range(30 * chunk, 30 * (chunk + 1)))
    assert seen["networks"] >= 28
    assert seen["exact"] >= 5
    assert seen["ties"] <= seen["frames"] // 20


def test_a_constant_divided_by_zero() -> None:
    """The sum is zero, of a sign that integers do not know, or what float32 leaves of it: either end of the quantiser."""
    assert examine(range(2318, 2319))["ties"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(50))
def test_many_random_networks(chunk: int) -> None:
    seen = examine(range(1000 + 100 * chunk, 1000 + 100 * (chunk + 1)))
    print(dict(seen))
    assert seen["networks"] >= 97
    assert seen["exact"] >= 25
    assert seen["ties"] <= seen["frames"] // 50
