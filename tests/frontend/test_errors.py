"""Whatever is wrong with a model: one CompilerError that says what and where, never another exception."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from qcompile.frontend.importer import annotated_inputs, import_model
from qcompile.frontend.load import load_model, model_digest
from qcompile.frontend.reference import make_reference
from qcompile.ir.errors import CompilerError
from tests.support.onnx_models import ModelBuilder


def small_model() -> onnx.ModelProto:
    """Quantised input, quantised weights, normalisation, quantised output, ArgMax, and a computed shape."""
    rng = np.random.default_rng(0)
    builder = ModelBuilder(13)
    x = builder.node("Reshape", ["x", builder.constant([1, -1], np.int64)])
    x = builder.quant(x, 0.5, bits=3)
    w = builder.quant(builder.constant(rng.normal(size=(4, 3))), 0.25, bits=3, narrow=1)
    x = builder.node("MatMul", [x, w])
    x = builder.node("BatchNormalization", [x, *(builder.constant(rng.uniform(1, 2, 3)) for _ in range(4))])
    x = builder.quant(builder.node("Relu", [x]), 0.5, bits=2, signed=0)
    return builder.model((1, 2, 2), builder.node("ArgMax", [x], {"axis": -1}))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


BAD_FILES: list[tuple[str, Callable[[Path], Path]]] = [
    ("there is no such file", lambda d: d / "absent.onnx"),
    ("this is a directory", lambda d: d),
    ("the file is empty", lambda d: written(d / "empty.onnx", b"")),
    ("cut short", lambda d: written(d / "cut.onnx", small_model().SerializeToString()[:-100])),
    ("not an ONNX model", lambda d: written(d / "text.onnx", b"This is not a model.\n")),
    ("not an ONNX model|holds no graph", lambda d: written(d / "zip.onnx", b"PK\x03\x04" + bytes(200))),
    ("holds no graph", lambda d: written(d / "bare.onnx", onnx.ModelProto(ir_version=8).SerializeToString())),
]


@pytest.mark.parametrize(("what", "make"), BAD_FILES, ids=[what for what, _ in BAD_FILES])
def test_a_file_that_is_no_model(what: str, make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(CompilerError, match=what) as caught:
        load_model(path)
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_external_data(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save_model(small_model(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    model = load_model(path)
    assert import_model(model, str(path)).nodes
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(CompilerError, match="keeps tensors in a file that cannot be read") as caught:
        load_model(path)
    assert caught.value.where == str(path)
    assert "weights.bin" in caught.value.why


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.onnx", b"abc")
    assert model_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("opset", [1, 6])
def test_old_operator_sets(opset: int, tmp_path: Path) -> None:
    builder = ModelBuilder(opset)
    path = tmp_path / "old.onnx"
    onnx.save(builder.model((1, 4), builder.node("Relu", ["x"])), path)
    with pytest.raises(CompilerError, match=f"operator set {opset} is older than 7"):
        load_model(path)


def test_a_model_without_operator_set(tmp_path: Path) -> None:
    builder = ModelBuilder()
    model = builder.model((1, 4), builder.quant("x"))
    del model.opset_import[0]
    onnx.save(model, tmp_path / "none.onnx")
    with pytest.raises(CompilerError, match="states no operator set"):
        load_model(tmp_path / "none.onnx")


def refused(model: onnx.ModelProto, **shapes: tuple[int, ...]) -> CompilerError:
    with pytest.raises(CompilerError) as caught:
        import_model(model, "model.onnx", {"" if k == "only" else k: v for k, v in shapes.items()})
    assert caught.value.where == "model.onnx"
    return caught.value


def test_everything_unsupported_is_listed_at_once() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Relu", [builder.node("Einsum", ["x"], {"equation": "ij->ji"})])
    z = builder.node("Magic", ["x"], domain="com.example")
    w = builder.quant("x", scale=0.0)
    v = builder.node("Sinh", ["x"])
    error = refused(builder.model((1, 4), y, z, w, v))
    for name, reason in (
        ("node_Einsum_1 (Einsum)", "operator not known"),
        ("node_Magic_3 (Magic)", "domain 'com.example'"),
        ("node_Quant_7 (Quant)", "the scale 0.0"),
        ("node_Sinh_8 (Sinh)", "operator not known"),
    ):
        assert any(name in line and reason in line for line in error.why.splitlines()), (name, error.why)
    assert "Relu" not in error.why


def test_numbers_that_are_not_finite() -> None:
    for constant_nodes in (False, True):
        builder = ModelBuilder(13, constant_nodes)
        w = builder.constant([[1.0], [np.nan]])
        error = refused(builder.model((1, 2), builder.node("MatMul", ["x", w])))
        assert "not finite" in error.why
        assert w in error.why


@pytest.mark.parametrize("element", ["FLOAT16", "DOUBLE", "INT64", "STRING", "BOOL"])
def test_input_types_that_are_not_computed_with(element: str) -> None:
    builder = ModelBuilder(13)
    error = refused(builder.model((1, 2), builder.node("Identity", ["x"]), element=TensorProto.DataType.Value(element)))
    assert error.what == f"the input 'x' has elements of type {element}"


def test_shapes() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Relu", ["x"])
    dynamic = refused(builder.model(("n", "features"), y))
    assert dynamic.what == "the shape of the input 'x' is not fixed: ['n', 'features']"
    assert "--shape 1,8" in dynamic.hint
    batch = refused(builder.model((1, 4), y), x=(16, 4))
    assert batch.what == "the shape of the input 'x' has a batch axis of 16"
    assert "--shape 1,4" in batch.hint
    assert refused(builder.model((1, 4), y), other=(1, 4)).what == "--shape names the input 'other'"
    for shape in ((16, 4), (1, 0), (1, -4)):
        assert "shape" in refused(builder.model(("n", "features"), y), x=shape).what
    assert import_model(builder.model(("n", 4), y), "m").values["x"].shape == (1, 4)
    assert import_model(builder.model(("n", "f"), y), "m", {"": (1, 5)}).values["x"].shape == (1, 5)
    assert import_model(builder.model((16, 4), y), "m", {"x": (1, 4)}).values["x"].shape == (1, 4)


def test_wrong_numbers_of_inputs_and_kinds_of_attributes() -> None:
    for operator, inputs, attributes in (
        ("MatMul", ["x"], {}),
        ("Relu", ["x", "x"], {}),
        ("LeakyRelu", ["x"], {"alpha": "steep"}),
        ("Flatten", ["x"], {"axis": 0.5}),
        ("Flatten", ["x"], {"axis": 9}),
        ("Transpose", ["x"], {"perm": [0, 0]}),
        ("Softmax", ["x"], {"axis": 5}),
        ("ArgMax", ["x"], {"axis": -4}),
        ("Relu", ["nothing"], {}),
        ("Cast", ["x"], {}),
    ):
        builder = ModelBuilder(13)
        y = builder.node(operator, inputs, attributes)
        assert f"node_{y} ({operator})" in refused(builder.model((1, 4), y)).why


def test_outputs_must_depend_on_the_input() -> None:
    builder = ModelBuilder(13)
    y = builder.node("Relu", [builder.constant([1.0])])
    assert "does not depend on the input" in refused(builder.model((1, 4), y)).what
    assert "'nowhere'" in refused(builder.model((1, 4), "nowhere")).what
    assert refused(builder.model((1, 4))).what


def test_models_that_onnxruntime_does_not_load() -> None:
    builder = ModelBuilder(13)
    model = builder.model((1, 4), builder.node("Relu", ["x"]))
    model.opset_import[0].version = 999
    with pytest.raises(CompilerError, match="onnxruntime cannot load") as caught:
        make_reference(model, where="model.onnx")
    assert caught.value.where == "model.onnx"


def is_refused(load: Callable[[], onnx.ModelProto]) -> bool:
    """Whether a model is refused with a CompilerError; where it is not, the graph made of it must be sound."""
    try:
        model = load()
        graph = import_model(model, "model.onnx")
        make_reference(model, where="model.onnx")
    except CompilerError:
        return True
    assert graph.check() == ()
    return False


def test_damaged_models(tmp_path: Path) -> None:
    """Bytes changed, cut out or put in: understood, or refused with a CompilerError."""
    rng = np.random.default_rng(120)
    original = small_model().SerializeToString()
    path = tmp_path / "damaged.onnx"
    refusals = 0
    for _ in range(300):
        data = bytearray(original)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(len(data)))
            match rng.integers(4):
                case 0:
                    data[at] = int(rng.integers(256))
                case 1:
                    data[at] ^= 1 << int(rng.integers(8))
                case 2:
                    del data[at : at + int(rng.integers(1, 20))]
                case _:
                    data[at:at] = rng.bytes(int(rng.integers(1, 20)))
        path.write_bytes(data)
        refusals += is_refused(lambda: load_model(path))
    assert 100 < refusals < 300


def damaged_graph(rng: np.random.Generator) -> onnx.ModelProto:
    """A model with one part of its structure replaced: names, attributes, types, dimensions, operators."""
    model = small_model()
    graph = model.graph
    node = graph.node[int(rng.integers(len(graph.node)))]
    tensor = graph.initializer[int(rng.integers(len(graph.initializer)))]
    names = [n.output[0] for n in graph.node] + [t.name for t in graph.initializer] + ["", "x", "nowhere"]
    match rng.integers(9):
        case 0 if node.input:
            node.input[int(rng.integers(len(node.input)))] = str(rng.choice(names))
        case 1:
            node.op_type = str(rng.choice([n.op_type for n in graph.node] + ["Add", "Gemm", "Clip", "TopK", "Softmax"]))
        case 2:
            del node.input[-1:]
        case 3:
            tensor.dims.append(int(rng.integers(-1, 3)))
        case 4:
            tensor.data_type = int(rng.integers(0, 30))
        case 5:
            value = rng.choice(["text", 1.5, -7])
            node.attribute.append(helper.make_attribute(str(rng.choice(["axis", "signed", "narrow"])), value.item()))
        case 6:
            del graph.node[int(rng.integers(len(graph.node)))]
        case 7:
            graph.input[0].type.tensor_type.elem_type = int(rng.integers(0, 30))
        case _:
            node.output[0] = str(rng.choice(names))
    return model


def test_damaged_structures() -> None:
    rng = np.random.default_rng(20)
    refusals = 0
    for _ in range(300):
        model = damaged_graph(rng)
        refusals += is_refused(lambda model=model: model)
    assert 100 < refusals < 300


def test_data_types_annotated_to_inputs() -> None:
    """As FINN writes them; those of inner tensors are not the input's."""
    builder = ModelBuilder(13)
    y = builder.node("Relu", ["x"])
    model = builder.model((1, 4), y)
    for tensor, kind in (("x", "UINT8"), (y, "INT4")):
        entry = onnx.StringStringEntryProto(key="finn_datatype", value=kind)
        model.graph.quantization_annotation.add(tensor_name=tensor, quant_parameter_tensor_names=[entry])
    assert annotated_inputs(model) == {"x": "UINT8"}
