"""FINN's folding files: its names for nodes and attributes, and what of them leaves no choice here."""

from __future__ import annotations

import re
from collections.abc import Mapping

Setting = int | str

KINDS: Mapping[str, str] = {
    "MVAU": "matrix_vector_unit",
    "MatrixVectorActivation": "matrix_vector_unit",
    "StreamingFCLayer": "matrix_vector_unit",
    "VVAU": "vector_vector_unit",
    "VectorVectorActivation": "vector_vector_unit",
    "Thresholding": "thresholding",
    "ConvolutionInputGenerator": "sliding_window",
    "ConvolutionInputGenerator1D": "sliding_window",
    "StreamingMaxPool": "window_maximum",
    "AddStreams": "stream_add",
    "LabelSelect": "argmax",
    "StreamingFIFO": "fifo",
    "StreamingDataWidthConverter": "width_converter",
    "DuplicateStreams": "stream_fork",
}
"""FINN's operators and the kernels that do the same here."""

ABSENT: Mapping[str, str] = {
    "FMPadding": "the sliding window pads by itself",
    "FMPadding_Pixel": "a transposed convolution inserts no zeros here",
}
"""FINN's operators that need no hardware of their own here, and why."""

CHOICELESS = ("stream_fork", "width_converter")
"""Kernels that follow from their neighbours: a file may name them, but there is nothing to set."""

FIXED: Mapping[str, tuple[Setting, ...]] = {
    "depth_trigger_bram": (0,),
    "depth_trigger_uram": (0,),
    "engine": ("folded",),
    "impl_style": ("rtl", "auto"),
    "inFIFODepths": (),
    "mem_mode": ("internal_decoupled", "internal_embedded", "const", "decoupled"),
    "outFIFODepths": (),
    "preferred_impl_style": ("rtl", ""),
    "ram_style_thresholds": ("auto",),
    "runtime_writeable_weights": (0,),
}
"""Attributes that leave no choice here, with the values that say what is done anyway (none: any value says so)."""

_SUFFIX = r"(?:_Batch)?(?:_hls|_rtl)?(?:_Batch)?"
_KIND = re.compile(rf"(?P<kind>[A-Za-z0-9_]+?){_SUFFIX}")
_NODE = re.compile(rf"(?P<kind>[A-Za-z0-9_]+?){_SUFFIX}_(?P<number>\d+)")


def kind(text: str) -> str:
    """Our name of a kind of kernel given by our name or by FINN's, with or without suffix; `text` where it is neither.
    """
    match = _KIND.fullmatch(text)
    return KINDS.get(match["kind"], text) if match else text


def node(name: str) -> tuple[str, int] | None:
    """Kind (ours) and number of a node named as FINN does: MVAU_hls_0, StreamingFCLayer_Batch_1; None for other names.
    """
    match = _NODE.fullmatch(name)
    if match is None or match["kind"] not in KINDS:
        return None
    return KINDS[match["kind"]], int(match["number"])


def absent(name: str) -> str | None:
    """Why a node of FINN's has no counterpart here; None for all others."""
    match = _NODE.fullmatch(name)
    return ABSENT.get(match["kind"]) if match else None
