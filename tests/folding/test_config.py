"""The folding JSON: what is accepted, in our names and FINN's, and one clear list of everything that is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from qcompile.dataflow.buffers import possible_fifo_names
from qcompile.folding import config
from qcompile.folding.config import FifoSetting, Folding
from qcompile.ir.dataflow import Dataflow
from qcompile.ir.errors import CompilerError
from qcompile.ir.types import IntType, read_only
from qcompile.kernels import SlidingWindow, Thresholding, VectorVectorUnit, WindowMaximumUnit

from ..support.dataflows import ACTIVATION, chain, classifier, dense, thresholds

DESIGN = classifier()
HOST = {"thresholding": "the host quantises the input"}


def read(path: Path, content: object, dataflow: Dataflow = DESIGN, host: Mapping[str, str] | None = None) -> Folding:
    file = path / "folding.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return config.read(file, dataflow, possible_fifo_names(dataflow), host or {})


def refused(path: Path, content: object, dataflow: Dataflow = DESIGN, host: Mapping[str, str] | None = None) -> str:
    with pytest.raises(CompilerError) as caught:
        read(path, content, dataflow, host)
    assert caught.value.where.startswith(str(path / "folding.json"))
    return str(caught.value)


def faults(message: str) -> list[str]:
    """The entries of the list."""
    return [line.removeprefix("    - ") for line in message.splitlines() if line.startswith("    - ")]


def test_our_names(tmp_path: Path) -> None:
    stated = {"PE": 4, "SIMD": 6, "ram_style": "block", "resType": "lut", "stationary": "input"}
    folding = read(tmp_path, {"k0": stated, "k3": {"PE": 2}})
    assert folding.settings == {"k0": stated, "k3": {"PE": 2}}
    folded = config.apply(DESIGN, folding)
    assert folded.instance("k0").kernel.attributes() == stated
    assert folded.instance("k1").kernel.attributes()["PE"] == 1


@pytest.mark.parametrize(
    ("name", "instance"),
    [
        ("MVAU_hls_0", "k0"),
        ("MVAU_rtl_1", "k2"),
        ("MVAU_1", "k2"),
        ("MatrixVectorActivation_0", "k0"),
        ("StreamingFCLayer_Batch_1", "k2"),
        ("Thresholding_rtl_0", "k1"),
        ("Thresholding_Batch_0", "k1"),
        ("Thresholding_hls_0", "k1"),
        ("LabelSelect_hls_0", "k3"),
        ("LabelSelect_Batch_0", "k3"),
    ],
)
def test_finn_names(tmp_path: Path, name: str, instance: str) -> None:
    assert read(tmp_path, {name: {"PE": 2}}).settings == {instance: {"PE": 2}}


def test_fifos_by_our_names_and_by_number(tmp_path: Path) -> None:
    folding = read(
        tmp_path,
        {
            "k2_width_converter_fifo": {"depth": 0},
            "k1_fifo": {"ram_style": "block"},
            "StreamingFIFO_rtl_2": {"depth": 32, "impl_style": "rtl", "ram_style": "distributed"},
        },
    )
    assert folding.fifos == {
        "k2_width_converter_fifo": FifoSetting(0, "auto"),
        "k1_fifo": FifoSetting(None, "block"),
        2: FifoSetting(32, "distributed"),
    }
    names = ("k1_fifo", "k2_width_converter_fifo", "k2_fifo")
    assert config.place(folding, names)["k2_fifo"] == FifoSetting(32, "distributed")
    with pytest.raises(CompilerError, match="StreamingFIFO_2: this design has 2"):
        config.place(folding, names[:2])


def test_attributes_without_a_choice_pass_with_values_that_say_what_is_done(tmp_path: Path) -> None:
    content = {
        "Defaults": {"outFIFODepths": [[128], "all"], "mem_mode": ["const", ["MVAU"]]},
        "MVAU_hls_0": {
            "PE": 4,
            "mem_mode": "internal_decoupled",
            "runtime_writeable_weights": 0,
            "inFIFODepths": [2],
            "impl_style": "rtl",
            "preferred_impl_style": "",
        },
        "StreamingDataWidthConverter_rtl_7": {"impl_style": "rtl"},
        "DuplicateStreams_hls_0": {"outFIFODepths": [2, 2]},
    }
    assert read(tmp_path, content).settings == {"k0": {"PE": 4}}


def test_defaults(tmp_path: Path) -> None:
    content = {
        "Defaults": {"PE": [2, "all"], "ram_style": ["block", ["MVAU_hls"]], "SIMD": [4, ["matrix_vector_unit"]]},
        "k0": {"PE": 8},
        "k2": {"ram_style": "distributed"},
    }
    assert read(tmp_path, content).settings == {
        "k0": {"PE": 8, "ram_style": "block", "SIMD": 4},
        "k1": {"PE": 2},
        "k2": {"PE": 2, "ram_style": "distributed", "SIMD": 4},
        "k3": {"PE": 2},
    }


def test_the_form_of_nodes(tmp_path: Path) -> None:
    """A node's own entry comes first, an empty one leaves it to the defaults; FIFOs, converters and forks are RTL."""
    content = {
        "Defaults": {"preferred_impl_style": ["hls", ["MVAU", "thresholding"]]},
        "k0": {"preferred_impl_style": "rtl"},
        "MVAU_hls_1": {"preferred_impl_style": ""},
    }
    folding = read(tmp_path, content)
    assert folding.styles == {"k0": "rtl", "k1": "hls", "k2": "hls"}
    assert folding.settings == {}
    folded = config.apply(DESIGN, folding)
    assert [i.style for i in folded.instances] == ["rtl", "hls", "hls", "rtl"]
    again = read(tmp_path, config.write(folded))
    assert [i.style for i in config.apply(DESIGN, again).instances] == [i.style for i in folded.instances]
    content = {
        "k0": {"preferred_impl_style": "HLS"},
        "Defaults": {"preferred_impl_style": [1, "all"]},
        "StreamingFIFO_0": {"preferred_impl_style": "hls"},
        "DuplicateStreams_hls_0": {"preferred_impl_style": "hls"},
    }
    assert faults(refused(tmp_path, content)) == [
        "k0: preferred_impl_style must be 'rtl' or 'hls' or '', not 'HLS'",
        "StreamingFIFO_0: preferred_impl_style must be 'rtl' or '' here, not 'hls'",
        "DuplicateStreams_hls_0: preferred_impl_style must be 'rtl' or '' here, not 'hls'",
        "Defaults: preferred_impl_style must be 'rtl' or 'hls' or '', not 1",
    ]


def test_a_default_for_a_kind_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert read(tmp_path, {"Defaults": {"ram_style": ["block", ["VVAU"]]}}).settings == {}


# What FINN's own example for its TFC networks sets: the input's quantiser, four layers, the class at the end.
TFC = {
    "Defaults": {},
    "Thresholding_Batch_0": {"PE": 49, "ram_style": "distributed"},
    "StreamingFCLayer_Batch_0": {"PE": 16, "SIMD": 49, "ram_style": "block"},
    "StreamingFCLayer_Batch_1": {"PE": 8, "SIMD": 8, "ram_style": "auto"},
    "StreamingFCLayer_Batch_2": {"PE": 8, "SIMD": 8, "ram_style": "auto"},
    "StreamingFCLayer_Batch_3": {"PE": 10, "SIMD": 8, "ram_style": "distributed"},
    "LabelSelect_Batch_0": {"PE": 1},
}


def tfc() -> Dataflow:
    sizes = (784, 64, 64, 64, 10)
    kernels = []
    for k, (columns, rows) in enumerate(pairwise(sizes)):
        kernels.append(dense(rows, columns, seed=k))
        if k < 3:
            kernels.append(thresholds(kernels[-1].accumulator, rows))
    return chain(kernels)


def test_finns_own_example(tmp_path: Path) -> None:
    host = {**HOST, "argmax": "the model has no ArgMax"}
    folding = read(tmp_path, TFC, tfc(), host)
    folded = config.apply(tfc(), folding)
    layers = [i.kernel.interval() for i in folded.instances if i.kernel.kind == "matrix_vector_unit"]
    assert layers == [64, 64, 64, 8]
    assert "k1" not in folding.settings
    assert folding.notes == (
        "Thresholding_Batch_0 has no effect: the host quantises the input",
        "LabelSelect_Batch_0 has no effect: the model has no ArgMax",
    )
    rest = {"Thresholding_rtl_0": {"PE": 49}, "Thresholding_rtl_1": {"PE": 8}, "Thresholding_rtl_3": {"PE": 4}}
    assert read(tmp_path, rest, tfc(), host).settings == {"k1": {"PE": 8}, "k5": {"PE": 4}}
    assert read(tmp_path, {"Thresholding_rtl_0": {"PE": 16}}, tfc(), host).settings == {"k1": {"PE": 16}}
    assert "no such node" in refused(tmp_path, {"Thresholding_rtl_9": {}}, tfc(), host)
    assert "PE must be one of" in refused(tmp_path, {"Thresholding_rtl_0": {"PE": 49}}, tfc())
    assert "of the kind argmax there are 0" in refused(tmp_path, {"LabelSelect_hls_0": {}}, tfc())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"k0": {"PE": 3}}, "k0: PE must be one of 1, 2, 4, 8, not 3"),
        ({"k0": {"PE": "4"}}, "k0: PE must be one of 1, 2, 4, 8, not '4'"),
        ({"k0": {"PE": None}}, "k0: PE must be one of 1, 2, 4, 8, not None"),
        ({"k0": {"PE": 4.0}}, "k0: PE must be one of 1, 2, 4, 8, not 4.0"),
        ({"k0": {"PE": True}}, "k0: PE must be one of 1, 2, 4, 8, not True"),
        ({"k0": {"PE": [4]}}, "k0: PE must be one of 1, 2, 4, 8, not [4]"),
        ({"k0": {"SIMD": 5}}, "k0: SIMD must be one of 1, 2, 3, 4, 6, 12, not 5"),
        ({"k0": {"ram_style": "bram"}}, "k0: ram_style must be one of auto, distributed, block, ultra, not 'bram'"),
        ({"k0": {"ram_style": 1}}, "k0: ram_style must be one of auto, distributed, block, ultra, not 1"),
        ({"k0": {"pe": 4}}, "k0: no such attribute: pe; did you mean PE?"),
        ({"k0": {"SIMDs": 4}}, "k0: no such attribute: SIMDs; did you mean SIMD?"),
        ({"k0": {"colour": 4}}, "k0: no such attribute: colour; there are PE, SIMD, ram_style, resType"),
        ({"k0": {"mem_mode": "external"}}, "k0: mem_mode must be 'internal_decoupled' or"),
        ({"k0": {"runtime_writeable_weights": 1}}, "k0: runtime_writeable_weights must be 0 here, not 1"),
        ({"k0": 4}, "k0: its attributes must be an object such as {\"PE\": 4}, not 4"),
        ({"k0": None}, "k0: its attributes must be an object"),
        ({"k0": [1]}, "k0: its attributes must be an object"),
        ({"k9": {}}, "k9: no such node; did you mean"),
        ({"nothing": {}}, "nothing: no such node; the nodes are k0, k1, k2, k3"),
        ({"MVUA_hls_0": {}}, "MVUA_hls_0: no such node"),
        ({"MVAU_hls_2": {}}, "MVAU_hls_2: no such node; of the kind matrix_vector_unit there are 0: k0, 1: k2"),
        ({"VVAU_0": {}}, "VVAU_0: no such node; of the kind vector_vector_unit there are 0"),
        ({"k0": {}, "MVAU_0": {}}, "MVAU_0: is the same node as k0"),
        ({"k2_fifo": {"depth": 1}}, "k2_fifo: depth must be a number of beats, 0 (no FIFO) or at least 2, not 1"),
        ({"k2_fifo": {"depth": -4}}, "k2_fifo: depth must be a number of beats"),
        ({"k2_fifo": {"depth": "8"}}, "k2_fifo: depth must be a number of beats, 0 (no FIFO) or at least 2, not '8'"),
        ({"k2_fifo": {"depth": True}}, "k2_fifo: depth must be a number of beats"),
        ({"k2_fifo": {"ram_style": "brick"}}, "k2_fifo: ram_style must be one of auto, srl, distributed"),
        ({"k2_fifo": {"ram_style": []}}, "k2_fifo: ram_style must be one of"),
        ({"k2_fifo": {"impl_style": "vivado"}}, "k2_fifo: impl_style must be 'rtl' or 'auto' here, not 'vivado'"),
        ({"k2_fifo": {"deth": 4}}, "k2_fifo: no such attribute: deth; did you mean depth"),
        ({"StreamingFIFO_0": {}, "StreamingFIFO_hls_0": {}}, "StreamingFIFO_hls_0: is the same node as StreamingFIFO_0"),
        ({"StreamingDataWidthConverter_0": {"PE": 2}}, "StreamingDataWidthConverter_0: no such attribute: PE"),
        ({"Defaults": 3}, 'Defaults: must be an object such as {"PE": [2, "all"]}, not 3'),
        ({"Defaults": {"PE": 2}}, 'Defaults: PE must be [value, "all"] or [value, [kinds]], not 2'),
        ({"Defaults": {"PE": [2, "any"]}}, "Defaults: PE must be [value"),
        ({"Defaults": {"PE": [2, ["MVUA"]]}}, "Defaults: no such kind: MVUA; did you mean MVAU"),
        ({"Defaults": {"PE": [3, ["MVAU"]]}}, "Defaults, for k0: PE must be one of 1, 2, 4, 8, not 3"),
        ({"Defaults": {"ram_stile": ["block", ["MVAU"]]}}, "Defaults: no node has the attribute ram_stile; did you mean"),
        ({"Defaults": {"SIMD": [2, ["Thresholding"]]}}, "Defaults: no node has the attribute SIMD"),
        ({"Defaults": {"mem_mode": ["external", "all"]}}, "Defaults: mem_mode must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, content: object, sentence: str) -> None:
    message = refused(tmp_path, content)
    assert message.startswith(f"{tmp_path / 'folding.json'}: the folding file does not fit the network")
    assert len(faults(message)) == 1 or "Defaults, for" in sentence
    assert faults(message)[0].startswith(sentence)


def test_all_faults_come_in_one_list(tmp_path: Path) -> None:
    content = {"Defaults": {"PE": 1}, "k0": {"PE": 3, "SIMD": 5}, "k7": {}, "k2_fifo": {"depth": 1}, "k1": 2}
    assert len(faults(refused(tmp_path, content))) == 6


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('{\n  "k0": {"PE": 4,}\n}', 2, "double quotes"),
        ('{"k0": {"PE": 4}\n', 2, "delimiter"),
        ("", 1, "Expecting value"),
        ("PE = 4", 1, "Expecting value"),
    ],
)
def test_no_json(tmp_path: Path, text: str, line: int, why: str) -> None:
    message = refused(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'folding.json'}:{line}: the folding file is no JSON")
    assert why in message


def test_other_files(tmp_path: Path) -> None:
    assert "must hold an object of node names" in refused(tmp_path, [1, 2])
    assert "must hold an object of node names" in refused(tmp_path, "4")
    assert "'k0' stands twice" in refused(tmp_path, '{"k0": {"PE": 4}, "k0": {"PE": 2}}')
    assert "'PE' stands twice" in refused(tmp_path, '{"k0": {"PE": 4, "PE": 2}}')
    assert "nested too deeply" in refused(tmp_path, "[" * 100_000)
    with pytest.raises(CompilerError, match="the folding file cannot be read"):
        config.read(tmp_path / "absent.json", DESIGN, (), {})
    with pytest.raises(CompilerError, match="the folding file cannot be read"):
        config.read(tmp_path, DESIGN, (), {})
    (tmp_path / "latin").write_bytes(b'{"k\xe9": {}}')
    with pytest.raises(CompilerError, match="the folding file cannot be read"):
        config.read(tmp_path / "latin", DESIGN, (), {})
    (tmp_path / "windows.json").write_bytes(b'\xef\xbb\xbf{"k0": {"PE": 2}}\r\n')
    assert config.read(tmp_path / "windows.json", DESIGN, (), {}).settings == {"k0": {"PE": 2}}


def test_what_was_used_is_written_in_full(tmp_path: Path) -> None:
    folded = config.apply(DESIGN, read(tmp_path, {"k0": {"PE": 4, "SIMD": 6}, "k1": {"engine": "parallel"}}))
    written = json.loads(config.write(folded))
    assert written["Defaults"] == {}
    assert {name: written[name] for name in ("k0", "k1", "k2", "k3")} == {
        i.name: i.kernel.attributes() | {"preferred_impl_style": "rtl"} for i in folded.instances
    }
    again = config.apply(DESIGN, read(tmp_path, written))
    assert config.write(again) == config.write(folded)
    kernel = again.instance("k1").kernel
    assert isinstance(kernel, Thresholding)
    assert kernel.style == "parallel"


def pooled() -> Dataflow:
    """Pooling, then a convolution: windows of each kind."""
    pool = SlidingWindow(6, 6, 4, ACTIVATION, (2, 2), (2, 2))
    greatest = WindowMaximumUnit(ACTIVATION, 4, 4, vectors=9)
    window = SlidingWindow(3, 3, 4, ACTIVATION, (3, 3), pads=(1, 1, 1, 1))
    product = VectorVectorUnit(read_only(np.ones((9, 4))), ACTIVATION, IntType(5, False), vectors=9)
    return chain([pool, greatest, window, product])


def test_whole_windows(tmp_path: Path) -> None:
    """The order of the attributes does not matter; what is written is read as the same design."""
    for settings in ({"SIMD": 4, "parallel_window": 1}, {"parallel_window": 1, "ram_style": "srl"}):
        content = {"k2": settings, "k3": {"PE": 4, "SIMD": 9}, "k1": {"SIMD": 4}}
        folded = config.apply(pooled(), read(tmp_path, content, pooled()))
        assert [i.kernel.kind for i in folded.instances] == [
            "sliding_window", "parallel_window_maximum", "parallel_window", "parallel_vector_vector_unit",
        ]  # fmt: skip
        again = config.apply(pooled(), read(tmp_path, json.loads(config.write(folded)), pooled()))
        assert config.write(again) == config.write(folded)


def test_what_whole_windows_do_not_have(tmp_path: Path) -> None:
    content = {
        "k0": {"parallel_window": 1, "SIMD": 2},
        "k2": {"parallel_window": 1, "depth": 12},
        "k3": {"SIMD": 9, "PE": 2},
    }
    assert faults(refused(tmp_path, content, pooled())) == [
        "k0: SIMD must be one of 4, not 2",
        "k2: no such attribute: depth; did you mean inFIFODepths or outFIFODepths?",
        "k3: PE must be one of 4, not 2",
    ]


def test_windows_by_the_names_of_finn(tmp_path: Path) -> None:
    """Its max pooling has the windows inside; padding is no unit here."""
    content = {
        "FMPadding_rtl_0": {"SIMD": 2},
        "ConvolutionInputGenerator_rtl_0": {"SIMD": 2, "parallel_window": 0},
        "StreamingMaxPool_hls_0": {"PE": 4},
        "VVAU_hls_0": {"PE": 2},
    }
    folding = read(tmp_path, content, pooled())
    assert folding.settings == {"k2": {"SIMD": 2, "parallel_window": 0}, "k1": {"PE": 4}, "k3": {"PE": 2}}
    assert folding.notes == ("FMPadding_rtl_0 has no effect: the sliding window pads by itself",)
