"""The hardware catalogue: one file a streaming kernel, each with its RTL module of the same stem."""

from __future__ import annotations

from qcompile.ir.dataflow import Kernel
from qcompile.kernels.argmax import ArgMaxUnit
from qcompile.kernels.border_affine import BorderAffineUnit
from qcompile.kernels.fifo import Fifo
from qcompile.kernels.lookup_table import LookupTable
from qcompile.kernels.lut_netlist import LutNetlist
from qcompile.kernels.matrix_matrix_unit import MatrixMatrixUnit
from qcompile.kernels.matrix_vector_unit import MatrixVectorUnit
from qcompile.kernels.parallel_vector_vector_unit import ParallelVectorVectorUnit
from qcompile.kernels.parallel_window import ParallelWindow
from qcompile.kernels.parallel_window_maximum import ParallelWindowMaximum
from qcompile.kernels.phased_window import PhasedWindow
from qcompile.kernels.reorder import Reorder
from qcompile.kernels.requantise import Requantise
from qcompile.kernels.skid_buffer import SkidBuffer
from qcompile.kernels.sliding_window import SlidingWindow
from qcompile.kernels.stream_add import StreamAdd
from qcompile.kernels.stream_concat import StreamConcat
from qcompile.kernels.stream_fork import StreamFork
from qcompile.kernels.stream_multiply import StreamMultiply
from qcompile.kernels.stream_pad import StreamPad
from qcompile.kernels.stream_repeat import StreamRepeat
from qcompile.kernels.thresholding import Thresholding
from qcompile.kernels.vector_vector_unit import VectorVectorUnit
from qcompile.kernels.width_converter import WidthConverter
from qcompile.kernels.window_maximum import WindowMaximumUnit

KERNELS: tuple[type[Kernel], ...] = (
    ArgMaxUnit,
    BorderAffineUnit,
    Fifo,
    LookupTable,
    LutNetlist,
    MatrixMatrixUnit,
    MatrixVectorUnit,
    ParallelVectorVectorUnit,
    ParallelWindow,
    ParallelWindowMaximum,
    PhasedWindow,
    Reorder,
    Requantise,
    SkidBuffer,
    SlidingWindow,
    StreamAdd,
    StreamConcat,
    StreamFork,
    StreamMultiply,
    StreamPad,
    StreamRepeat,
    Thresholding,
    VectorVectorUnit,
    WidthConverter,
    WindowMaximumUnit,
)

__all__ = [
    "KERNELS",
    "ArgMaxUnit",
    "BorderAffineUnit",
    "Fifo",
    "LookupTable",
    "LutNetlist",
    "MatrixMatrixUnit",
    "MatrixVectorUnit",
    "ParallelVectorVectorUnit",
    "ParallelWindow",
    "ParallelWindowMaximum",
    "PhasedWindow",
    "Reorder",
    "Requantise",
    "SkidBuffer",
    "SlidingWindow",
    "StreamAdd",
    "StreamConcat",
    "StreamFork",
    "StreamMultiply",
    "StreamPad",
    "StreamRepeat",
    "Thresholding",
    "VectorVectorUnit",
    "WidthConverter",
    "WindowMaximumUnit",
]
