"""What streamlining believes of real functions, checked against the functions themselves."""

from __future__ import annotations

import numpy as np
import pytest

from qcompile.ops import Elementwise
from qcompile.ops.elementwise import FUNCTIONS
from qcompile.ops.roles import Direction

PARAMETERS: dict[str, tuple[tuple[float, ...], ...]] = {
    "BatchNormalization": ((1e-5,),),
    "Celu": ((1.0,), (2.5,)),
    "Elu": ((1.0,), (0.3,), (-0.5,)),
    "Gelu": ((0.0,), (1.0,)),
    "HardSigmoid": ((0.2, 0.5), (-0.2, 0.5)),
    "LeakyRelu": ((0.01,), (2.0,), (-0.5,)),
    "Selu": ((1.67, 1.05), (-1.0, 1.0), (1.0, -1.0)),
    "Swish": ((1.0,),),
    "ToInteger": ((-(2.0**31), 2.0**31 - 1),),
    "ThresholdedRelu": ((1.0,), (0.0,), (-1.0,)),
}
OPERANDS = {"BatchNormalization": 4, "Clip": 2}
OPERANDS |= dict.fromkeys(("Add", "Div", "Max", "Min", "Mul", "PRelu", "Pow", "ReverseDiv", "ReverseSub", "Sub"), 1)


def operands(function: str, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Constants of one element: of either sign, positive where the function needs that."""
    if function == "BatchNormalization":
        return (*(rng.normal(size=(3, 1)).astype(np.float32)), rng.uniform(0.1, 3, 1).astype(np.float32))
    if function == "Clip":
        return tuple(np.sort(rng.normal(size=(2, 1)).astype(np.float32), axis=0))
    return tuple(rng.normal(size=(OPERANDS.get(function, 0), 1)).astype(np.float32))


def positive_only(function: str) -> bool:
    return function in ("Log", "Sqrt")


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_stated_direction_is_true(function: str) -> None:
    """Steps against the stated direction never exceed two units of the last place of max(1, |y|): those of Tanh."""
    rng = np.random.default_rng(0)
    x = np.sort(np.append(rng.normal(size=4000) * 3, np.linspace(-20, 20, 4001))).astype(np.float32)
    x = np.abs(x[x != 0]) if positive_only(function) else x
    x.sort()
    for parameters in PARAMETERS.get(function, ((),)):
        op = Elementwise(function, parameters)
        for _ in range(5):
            constants = operands(function, rng)
            direction = op.direction(*constants)
            if direction is Direction.UNKNOWN:
                continue
            y = op.evaluate(x, *constants).astype(np.float64)
            against = -direction.value * np.diff(y)
            place = np.spacing(np.maximum(np.abs(y[1:]), 1).astype(np.float32))
            assert float(np.max(against / place)) <= 2


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_an_affine_form_is_the_function(function: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=1000).astype(np.float32)
    constants = operands(function, rng)
    op = Elementwise(function, PARAMETERS.get(function, ((),))[0])
    form = op.affine(*constants)
    linear = function in ("Add", "BatchNormalization", "Div", "Mul", "Neg", "ReverseSub", "Sub")
    assert (form is not None) == linear
    if form is not None:
        np.testing.assert_allclose(op.evaluate(x, *constants), x * form[0] + form[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_results_are_float32_whatever_comes_in(function: str) -> None:
    rng = np.random.default_rng(2)
    op = Elementwise(function, PARAMETERS.get(function, ((),))[0])
    constants = operands(function, rng)
    for kind in (np.float32, np.float64, np.int64, np.uint8):
        result = op.evaluate(np.arange(1, 5, dtype=kind), *constants)
        assert result.dtype == np.float32
        assert np.array_equal(result, op.evaluate(np.arange(1, 5, dtype=np.float32), *constants), equal_nan=True)


def test_constants_must_not_widen_the_tensor() -> None:
    assert Elementwise("Add").infer_shape((1, 4), (4,)) == (1, 4)
    for operand in ((3, 4), (2, 1, 4), (5,)):
        with pytest.raises(ValueError, match=r"widen|broadcast"):
            Elementwise("Add").infer_shape((1, 4), operand)
