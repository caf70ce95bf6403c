"""Every kernel of the catalogue in HLS C++ gives the integers of its model, on the shapes and foldings of its RTL's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from qcompile.codegen.hls import WIDEST_PORT
from qcompile.ir.dataflow import Kernel
from qcompile.ir.types import IntType
from qcompile.kernels import KERNELS

from ..kernels import (
    test_argmax,
    test_border_affine,
    test_fifo,
    test_lookup_table,
    test_lut_netlist,
    test_matrix_matrix_unit,
    test_matrix_vector_unit,
    test_parallel_vector_vector_unit,
    test_parallel_window,
    test_parallel_window_maximum,
    test_phased_window,
    test_reorder,
    test_requantise,
    test_skid_buffer,
    test_sliding_window,
    test_stream_add,
    test_stream_concat,
    test_stream_fork,
    test_stream_multiply,
    test_stream_pad,
    test_stream_repeat,
    test_thresholding,
    test_vector_vector_unit,
    test_width_converter,
    test_window_maximum,
)
from ..kernels.stimulus import Case
from .batch import evaluate_all

CASES: Mapping[str, Sequence[Kernel | Case]] = {
    "argmax": test_argmax.KERNELS,
    "border_affine": test_border_affine.KERNELS,
    "fifo": test_fifo.KERNELS,
    "lookup_table": test_lookup_table.CASES,
    "lut_netlist": test_lut_netlist.CASES,
    "matrix_matrix_unit": test_matrix_matrix_unit.CASES,
    "matrix_vector_unit": [
        *test_matrix_vector_unit.KERNELS, *test_matrix_vector_unit.WRAPPING, *test_matrix_vector_unit.CYCLIC,
        *test_matrix_vector_unit.INPUT_STATIONARY, *test_matrix_vector_unit.WRAPPING_BY_INPUT
    ],
    "parallel_vector_vector_unit": [unit.parallel() for unit in test_parallel_vector_vector_unit.KERNELS],
    "parallel_window": [*test_parallel_window.SQUARE, *test_parallel_window.SEQUENCES],
    "parallel_window_maximum": [unit.parallel() for unit in test_parallel_window_maximum.KERNELS],
    "phased_window": [*test_phased_window.KERNELS, *test_phased_window.deeper(test_phased_window.KERNELS)],
    "reorder": [
        *test_reorder.TRANSPOSITIONS, *test_reorder.REPETITIONS, *test_reorder.OMISSIONS, *test_reorder.IRREGULAR
    ],
    "requantise": test_requantise.KERNELS,
    "skid_buffer": [k for k in test_skid_buffer.KERNELS if k.inputs[0].bits <= WIDEST_PORT],
    "sliding_window": [
        *test_sliding_window.SQUARE,
        *test_sliding_window.SEQUENCES,
        *test_sliding_window.deeper(test_sliding_window.SQUARE),
    ],
    "stream_add": test_stream_add.CASES,
    "stream_concat": test_stream_concat.KERNELS,
    "stream_fork": test_stream_fork.KERNELS,
    "stream_multiply": test_stream_multiply.CASES,
    "stream_pad": test_stream_pad.KERNELS,
    "stream_repeat": test_stream_repeat.KERNELS,
    "thresholding": test_thresholding.KERNELS,
    "vector_vector_unit": test_vector_vector_unit.CASES,
    "width_converter": [
        *test_width_converter.SMALL,
        *(k for k in test_width_converter.LARGE if max(k.inputs[0].bits, k.outputs[0].bits) <= WIDEST_PORT),
        test_width_converter.converter(784, 49, IntType(5, False)),
    ],
    "window_maximum": test_window_maximum.CASES,
}  # fmt: skip


def test_every_kernel_has_cases() -> None:
    assert set(CASES) == {kernel.kind for kernel in KERNELS}


@pytest.mark.parametrize("kind", CASES)
def test_integers(kind: str, tmp_path: Path) -> None:
    evaluate_all(CASES[kind], tmp_path)
