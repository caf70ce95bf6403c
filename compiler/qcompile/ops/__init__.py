"""Tensor operators: what each means. One file an operator or a family of one shape; `OPS` is the catalogue."""

from qcompile.ops.argmax import ArgMax
from qcompile.ops.elementwise import Elementwise
from qcompile.ops.lattice import Decode, Encode
from qcompile.ops.layout import Reshape, Take, Transpose
from qcompile.ops.lookup import Lookup
from qcompile.ops.matmul import MatMul
from qcompile.ops.multi_threshold import MultiThreshold
from qcompile.ops.quantize import Quantize
from qcompile.ops.sign import Sign
from qcompile.ops.softmax import Softmax
from qcompile.ops.threshold import Threshold
from qcompile.ops.topk import TopK
from qcompile.ops.truncate import Truncate

OPS = (
    ArgMax,
    Decode,
    Elementwise,
    Encode,
    Lookup,
    MatMul,
    MultiThreshold,
    Quantize,
    Reshape,
    Sign,
    Softmax,
    Take,
    Threshold,
    TopK,
    Transpose,
    Truncate,
)

__all__ = ["OPS", *(op.__name__ for op in OPS)]
