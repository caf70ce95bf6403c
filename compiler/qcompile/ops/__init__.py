"""Tensor operators: what each means. One file an operator or a family of one shape; `OPS` is the catalogue."""

from qcompile.ops.argmax import ArgMax
from qcompile.ops.border_affine import BorderAffine
from qcompile.ops.channel_product import ChannelProduct
from qcompile.ops.concat import Concat
from qcompile.ops.convolution import Convolution
from qcompile.ops.elementwise import Elementwise
from qcompile.ops.lattice import Decode, Encode
from qcompile.ops.layout import Reshape, Take, Transpose
from qcompile.ops.linear_resize import LinearResize
from qcompile.ops.lookup import Lookup
from qcompile.ops.matmul import MatMul
from qcompile.ops.matrix_cycle import CyclicProduct
from qcompile.ops.matrix_product import MatrixProduct
from qcompile.ops.multi_threshold import MultiThreshold
from qcompile.ops.pad import Pad
from qcompile.ops.phased_window import PhasedWindow
from qcompile.ops.pooling import MaxPool, SumPool, WindowMaximum
from qcompile.ops.quantize import Quantize
from qcompile.ops.repeat import Repeat
from qcompile.ops.requant_shift import RequantShift
from qcompile.ops.selection import Gather, Resize
from qcompile.ops.sign import Sign
from qcompile.ops.sliding_window import SlidingWindow
from qcompile.ops.softmax import Softmax
from qcompile.ops.sub_pixels import DepthToSpace, SpaceToDepth
from qcompile.ops.tensor_add import TensorAdd
from qcompile.ops.tensor_multiply import TensorMultiply
from qcompile.ops.threshold import Threshold
from qcompile.ops.topk import TopK
from qcompile.ops.transposed_convolution import TransposedConvolution
from qcompile.ops.truncate import Truncate

OPS = (
    ArgMax,
    BorderAffine,
    ChannelProduct,
    Concat,
    Convolution,
    CyclicProduct,
    Decode,
    DepthToSpace,
    Elementwise,
    Encode,
    Gather,
    LinearResize,
    Lookup,
    MatMul,
    MatrixProduct,
    MaxPool,
    MultiThreshold,
    Pad,
    PhasedWindow,
    Quantize,
    Repeat,
    RequantShift,
    Reshape,
    Resize,
    Sign,
    SlidingWindow,
    Softmax,
    SpaceToDepth,
    SumPool,
    Take,
    TensorAdd,
    TensorMultiply,
    Threshold,
    TopK,
    Transpose,
    TransposedConvolution,
    Truncate,
    WindowMaximum,
)

__all__ = [
    "OPS",
    "ArgMax",
    "BorderAffine",
    "ChannelProduct",
    "Concat",
    "Convolution",
    "CyclicProduct",
    "Decode",
    "DepthToSpace",
    "Elementwise",
    "Encode",
    "Gather",
    "LinearResize",
    "Lookup",
    "MatMul",
    "MatrixProduct",
    "MaxPool",
    "MultiThreshold",
    "Pad",
    "PhasedWindow",
    "Quantize",
    "Repeat",
    "RequantShift",
    "Reshape",
    "Resize",
    "Sign",
    "SlidingWindow",
    "Softmax",
    "SpaceToDepth",
    "SumPool",
    "Take",
    "TensorAdd",
    "TensorMultiply",
    "Threshold",
    "TopK",
    "Transpose",
    "TransposedConvolution",
    "Truncate",
    "WindowMaximum",
]
