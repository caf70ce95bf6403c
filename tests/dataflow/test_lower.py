"""From integer graphs to kernels: what there is no hardware for is refused by name, all of it at once."""

from __future__ import annotations

import numpy as np
import pytest

from qcompile.dataflow.lower import lower
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import Range, read_only
from qcompile.kernels import Requantise, Thresholding
from qcompile.transforms.integer_builder import IntegerBuilder
from qcompile.transforms.step_function import Thresholds


def with_thresholds(*rows: np.ndarray) -> IntegerBuilder:
    """One input of two channels, and for each row an output: thresholds that both channels have."""
    builder = IntegerBuilder("network")
    x = builder.add_input("x", (5, 2), Range.of(-(1 << 17), (1 << 17) - 1))
    for k, row in enumerate(rows):
        form = Thresholds(0, read_only(row[None]), read_only([0]))
        builder.step(f"steps_{k}", x, form, (f"layer {k}",))
    return builder


def outputs(builder: IntegerBuilder) -> tuple[str, ...]:
    return tuple(node.output for node in builder.nodes)


def test_many_thresholds_on_a_line() -> None:
    builder = with_thresholds(np.arange(-2000, 2000) * 16 + 8, np.arange(5))
    dataflow = lower(builder.finish(outputs(builder)), "network")
    many, few = (instance.kernel for instance in dataflow.instances)
    assert isinstance(many, Thresholding)
    assert isinstance(few, Thresholding)
    assert few.form is None
    unit = many.with_attribute("engine", "multiply_shift")
    assert isinstance(unit, Requantise)
    x = np.random.default_rng(0).integers(-(1 << 17), 1 << 17, (20, 10))
    assert np.array_equal(unit.evaluate(x)[0], many.evaluate(x)[0])


def test_many_thresholds_on_no_line() -> None:
    squares = np.arange(1, 2001) ** 2 // 40
    builder = with_thresholds(squares, np.arange(2000), squares[:1500])
    with pytest.raises(CompilerError) as caught:
        lower(builder.finish(outputs(builder)), "network")
    lines = [line for line in str(caught.value).splitlines() if line.startswith("    - ")]
    assert [line.split(":")[0] for line in lines] == ["    - node layer 0", "    - node layer 2"]
    assert "2000 thresholds a channel are too many" in lines[0]
