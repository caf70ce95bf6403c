"""What counts as a tie of the reference: injected faults never do, and real ties are told from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest

from qcompile.ir.network import Network
from qcompile.ir.types import Array, IntArray, IntType, read_only
from qcompile.ops import ArgMax, MatMul, Threshold
from qcompile.transforms.walk import InputType
from qcompile.verify.integer import Agreement
from tests.support.onnx_models import ModelBuilder
from tests.support.proving import Proof, prove

F32 = np.float32
INPUT = {"x": InputType(IntType(4, False), float(F32(0.1)))}
FRAMES = 400


def model(bias: float = 0.3, mode: str = "ROUND", scale: float = 4.48, factor: float = 1.0) -> onnx.ModelProto:
    """Two layers on arbitrary scales: sums in float32 are a little off, and one in 64 is a tie (4.48 = 64 * 0.1 * 0.7)."""
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    first = b.quant(b.constant(rng.integers(-8, 8, (48, 8)) * 0.7), F32(0.7), 0.0, 4.0)
    added = np.asarray([0.0] * 7 + [bias])
    h = b.node("Mul", [b.node("Add", [b.node("MatMul", ["x", first]), b.constant(added)]), b.constant(factor)])
    h = b.quant(h, F32(scale), 0.0, 5.0, rounding_mode=mode)
    second = b.quant(b.constant(rng.normal(size=(8, 5))), F32(0.3), 0.0, 4.0)
    y = b.node("MatMul", [h, second])
    return b.model((1, 48), y)


def frames() -> Array:
    return (np.random.default_rng(6).integers(0, 16, (FRAMES, 1, 48)) * F32(0.1)).astype(F32)


@pytest.fixture(scope="module")
def sound() -> Proof:
    return prove(model(), INPUT, frames())


def faulty(proof: Proof, change: Callable[[dict[str, IntArray]], None]) -> Agreement:
    """The agreement when constants of the integer graph are changed behind the compiler's back."""
    constants = {name: np.array(array) for name, array in proof.network.integer.constants.items()}
    change(constants)
    graph = replace(proof.network.integer, constants={name: read_only(array) for name, array in constants.items()})
    return proof.with_network(replace(proof.network, integer=graph)).agreement


def constant_of(network: Network, kind: type, position: int, which: int = 0) -> str:
    nodes = [node for node in network.integer.nodes if isinstance(node.op, kind)]
    return nodes[which].inputs[position]


def test_a_sound_network_has_ties_and_no_mismatch(sound: Proof) -> None:
    assert sound.agreement.mismatches == ()
    assert 0 < len(sound.agreement.ties) < FRAMES / 4
    assert {tie.tensor for tie in sound.agreement.ties} == {tap.tensor for tap in sound.network.taps if tap.reads}


@pytest.mark.parametrize("change", [1, -1])
@pytest.mark.parametrize("layer", [0, 1])
def test_one_weight_is_a_mismatch_wherever_it_is_used(sound: Proof, layer: int, change: int) -> None:
    name = constant_of(sound.network, MatMul, 1, layer)

    def edit(constants: dict[str, IntArray]) -> None:
        constants[name][3, 2] += change

    found = faulty(sound, edit)
    source = [n for n in sound.network.integer.nodes if isinstance(n.op, MatMul)][layer].inputs[0]
    used = np.flatnonzero(sound.values[source].reshape(FRAMES, -1)[:, 3])
    tied = {tie.frame for tie in sound.agreement.ties}  # what follows from a tie in front is not looked at
    assert set(used) - tied <= {m.frame for m in found.mismatches} <= set(used)
    first = found.mismatches[0]
    assert first.tensor.startswith("MatMul")
    assert first.element == 2
    assert f"expected {first.expected}, got {first.actual}" in str(first)


@pytest.mark.parametrize("change", [1, -1])
def test_one_threshold_is_a_mismatch_wherever_it_is_met(sound: Proof, change: int) -> None:
    """Each threshold of a channel moved by the least amount, also those that the reference misses in other frames."""
    name = constant_of(sound.network, Threshold, 1)
    (step,) = (n for n in sound.network.integer.nodes if isinstance(n.op, Threshold))
    sums = sound.values[step.inputs[0]].reshape(FRAMES, -1)
    thresholds = sound.network.integer.constants[name]
    rows = np.broadcast_to(thresholds, (sums.shape[1], thresholds.shape[1]))
    tied = {tie.frame for tie in sound.agreement.ties}  # there the fault may be what the reference does
    met = 0
    for channel in range(rows.shape[0]):
        for level in range(rows.shape[1]):
            moved = rows[channel, level] if change > 0 else rows[channel, level] - 1
            hit = set(np.flatnonzero(sums[:, channel] == moved))
            if not hit:
                continue

            def edit(constants: dict[str, IntArray], channel: int = channel, level: int = level) -> None:
                constants[name] = np.array(rows)
                constants[name][channel, level] += change
                constants[name][channel].sort()

            found = faulty(sound, edit)
            assert hit - tied <= {m.frame for m in found.mismatches} <= hit
            met += len(hit)
    assert met > 20


def against(reference: Proof, other: onnx.ModelProto) -> Agreement:
    """Another model's integers and real graph held against the reference of the first: a fault of the importer."""
    compiled = prove(other, INPUT, frames())
    return replace(compiled, reference=reference.reference).agreement


@pytest.mark.parametrize("bias", [0.37, 0.23, 0.0])
def test_one_bias_is_a_mismatch(sound: Proof, bias: float) -> None:
    """A change of one unit of the sum, a sixtieth of the quantiser's step, in one channel."""
    found = against(sound, model(bias=bias))
    assert found.mismatches
    assert all(m.element == 7 for m in found.mismatches)
    assert not any(tie.tensor == found.mismatches[0].tensor and tie.distance > 1e-4 for tie in found.ties)


@pytest.mark.parametrize("mode", ["HALF_UP", "HALF_DOWN", "FLOOR", "CEIL"])
def test_another_rounding_mode_is_a_mismatch(sound: Proof, mode: str) -> None:
    assert against(sound, model(mode=mode)).mismatches


@pytest.mark.parametrize("changed", [{"scale": 4.481}, {"factor": 1.0001}])
def test_factors_that_are_off_by_little_are_mismatches(sound: Proof, changed: dict[str, float]) -> None:
    found = against(sound, model(**changed))
    assert found.mismatches


@pytest.mark.parametrize("part", ["scale", "offset"])
def test_the_real_number_of_an_integer_is_checked(sound: Proof, part: str) -> None:
    """The last sum is what the host decodes: a wrong scale or offset is found though every integer agrees."""
    *others, last = sound.network.taps
    wrong = replace(last, **{part: getattr(last, part) * (1 + 1e-4) + (1e-3 if part == "offset" else 0)})
    found = replace(sound, network=replace(sound.network, taps=(*others, wrong))).agreement
    assert len(found.mismatches) > FRAMES / 2
    assert "the real number of integer" in str(found.mismatches[0])


def exact_model(mode: str = "ROUND") -> onnx.ModelProto:
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    w = b.quant(b.constant(rng.integers(-8, 8, (48, 16)) * 0.5), 0.5, 0.0, 4.0)
    return b.model((1, 48), b.quant(b.node("MatMul", ["x", w]), 0.5, 0.0, 7.0, rounding_mode=mode))


def test_where_sums_are_exact_nothing_is_a_tie() -> None:
    """Powers of two: every second sum lies on a border of the quantiser, and a compiler that rounds ties elsewhere is wrong."""
    types = {"x": InputType(IntType(4, False), 0.125)}
    x = (np.random.default_rng(6).integers(0, 16, (100, 1, 48)) * 0.125).astype(F32)
    sound = prove(exact_model(), types, x)
    assert (sound.agreement.exact, sound.agreement.ties) == (100, ())
    for mode in ("HALF_UP", "HALF_DOWN"):
        other = prove(exact_model(mode), types, x)
        found = replace(other, reference=sound.reference).agreement
        assert len(found.mismatches) > 50
        assert found.ties == ()
        # The same when the real graph is right and only the integers are wrong.
        found = replace(sound, network=other.network, values=other.values).agreement
        assert len(found.mismatches) > 50
        assert found.ties == ()


def test_sums_that_float32_cannot_hold_are_ties() -> None:
    """16-bit inputs and 8-bit weights: sums beyond 2**24 lose their last bits in the reference."""
    rng = np.random.default_rng(1)
    b = ModelBuilder()
    w = b.quant(b.constant(rng.integers(-128, 128, (64, 8)) * 0.5), 0.5, 0.0, 8.0)
    b_model = b.model((1, 64), b.node("MatMul", ["x", w]))
    x = rng.integers(-(2**15), 2**15, (50, 1, 64)).astype(F32)
    sound = prove(b_model, {"x": InputType(IntType(16, True), 1.0)}, x)
    assert sound.agreement.mismatches == ()
    assert sound.agreement.ties
    name = constant_of(sound.network, MatMul, 1)

    def edit(constants: dict[str, IntArray]) -> None:
        constants[name][3, 2] += 1

    used = np.abs(sound.values[sound.network.integer.inputs[0]].reshape(50, -1)[:, 3]) > 300
    assert set(np.flatnonzero(used)) <= {m.frame for m in faulty(sound, edit).mismatches}


def test_a_jump_of_several_codes_is_a_tie_where_the_model_jumps() -> None:
    """Floor in front of a fine quantiser: a sum that misses an integer by one bit moves the code by ten."""
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    w = b.quant(b.constant(rng.integers(-8, 8, (48, 16)) * 0.7), F32(0.7), 0.0, 4.0)
    scaled = b.node("Div", [b.node("MatMul", ["x", w]), b.constant(F32(0.7))])
    y = b.quant(b.node("Floor", [scaled]), 0.1, 0.0, 10.0)
    found = prove(b.model((1, 48), y), INPUT, frames()).agreement
    assert found.mismatches == ()
    assert found.ties


def argmax_model(classes: Array) -> onnx.ModelProto:
    b = ModelBuilder()
    w = b.quant(b.constant(classes * 0.7), F32(0.7), 0.0, 4.0)
    return b.model((1, len(classes)), b.node("ArgMax", [b.node("MatMul", ["x", w])], {"axis": -1}))


def test_classes_of_equal_sums() -> None:
    """The sums are equal as integers and differ in the reference by their last bits: a tie when we take the first of them."""
    classes = np.random.default_rng(2).integers(-8, 8, (48, 6))
    classes[:, 1::2] = classes[::-1, ::2]  # the same sum of a symmetric frame, added up in another order
    half = np.random.default_rng(6).integers(0, 16, (300, 1, 24))
    x = (np.concatenate([half, half[..., ::-1]], axis=-1) * F32(0.1)).astype(F32)
    sound = prove(argmax_model(classes), INPUT, x)
    assert sound.agreement.mismatches == ()
    assert sound.agreement.ties
    last = replace(
        sound.network.integer,
        nodes=tuple(
            replace(n, op=replace(n.op, select_last=True)) if isinstance(n.op, ArgMax) else n
            for n in sound.network.integer.nodes
        ),
    )
    wrong = sound.with_network(replace(sound.network, integer=last)).agreement
    assert len(wrong.mismatches) > 150
    assert wrong.ties == ()


def test_a_wrong_class_is_a_mismatch() -> None:
    classes = np.random.default_rng(2).integers(-8, 8, (48, 6))
    sound = prove(argmax_model(classes), INPUT, frames())
    assert sound.agreement.mismatches == ()
    (argmax,) = (n for n in sound.network.integer.nodes if isinstance(n.op, ArgMax))
    values = dict(sound.values)
    values[argmax.output] = (values[argmax.output] + 1) % 6
    assert len(replace(sound, values=values).agreement.mismatches) == FRAMES


def test_a_tie_in_one_branch_hides_nothing_in_another() -> None:
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    heads = []
    for _ in range(2):
        w = b.quant(b.constant(rng.integers(-8, 8, (48, 16)) * 0.7), F32(0.7), 0.0, 4.0)
        heads.append(b.quant(b.node("MatMul", ["x", w]), F32(0.14), 0.0, 7.0))
    sound = prove(b.model((1, 48), *heads), INPUT, frames())
    tied = {tie.frame for tie in sound.agreement.ties if tie.tensor == heads[0]}
    assert tied
    name = constant_of(sound.network, MatMul, 1, 1)

    def edit(constants: dict[str, IntArray]) -> None:
        constants[name][:, 2] += 1

    found = faulty(sound, edit)
    assert tied <= {m.frame for m in found.mismatches}
    assert len(found.mismatches) + len(found.ties) + found.exact == FRAMES


def test_what_follows_from_a_tie_is_not_looked_at(sound: Proof) -> None:
    """One entry a frame: the first quantiser that went elsewhere, not the sums behind it."""
    entries = [tie.frame for tie in sound.agreement.ties]
    assert len(entries) == len(set(entries))
    assert sound.agreement.exact == FRAMES - len(entries)


@pytest.mark.parametrize("scale", [0.68151844, 0.79099143, 0.3, 1.1111218])
@pytest.mark.parametrize("alpha", [1.0, 0.89572173])
def test_offsets_that_cancel(scale: float, alpha: float) -> None:
    """Three steps and a bias of minus three steps: zero, or what float32 leaves of it, times alpha, seen by a sign."""
    b = ModelBuilder()
    attributes = {"out_scale": scale, "out_bias": float(F32(-3 * F32(scale)))}
    y = b.node("MultiThreshold", ["x", b.constant([[0.25, 0.5, 0.75]])], attributes, domain=b.qonnx_domain)
    w = b.constant(np.random.default_rng(0).choice([-1, 0, 1], (6, 8)))
    y = b.node("Gemm", [y, w], {"alpha": alpha})
    y = b.node("BipolarQuant", [y, b.constant(0.5)], domain=b.qonnx_domain)
    x = np.random.default_rng(1).choice([0.0, 0.3, 0.6, 0.9, 0.9, 0.9], (300, 1, 6))
    found = prove(b.model((1, 6), y), {"x": InputType(IntType(8, False), 0.01)}, x).agreement
    assert found.mismatches == ()


def test_infinities_are_numbers() -> None:
    """Exp overflows in float32; the quantiser behind it clamps."""
    b = ModelBuilder()
    w = b.constant(np.random.default_rng(0).integers(-40, 40, (6, 8)))
    h = b.node("Exp", [b.node("MatMul", ["x", w])])
    y = b.quant(b.node("Sub", [h, b.constant(1.0)]), 0.5, 0.0, 4.0)
    x = np.random.default_rng(1).integers(-8, 8, (100, 1, 6)) * 0.25
    found = prove(b.model((1, 6), y), {"x": InputType(IntType(4, True), 0.25)}, x)
    assert np.isinf(np.asarray(found.reference[found.network.taps[-1].reads])).any()
    assert found.agreement.mismatches == ()
