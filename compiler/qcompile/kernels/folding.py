"""What folded kernels have in common: legal values of folding attributes, and the error that lists them."""

from __future__ import annotations

from collections.abc import Sequence


def divisors(number: int) -> tuple[int, ...]:
    """Every divisor of a positive integer, ascending."""
    small = [d for d in range(1, int(number**0.5) + 1) if number % d == 0]
    return tuple(small + [number // d for d in reversed(small) if d * d != number])


def legal_number(name: str, value: int | str, legal: Sequence[int]) -> int:
    """`value` if it is one of the legal values; raises ValueError with all of them otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in legal:
        raise ValueError(f"{name} must be one of {', '.join(map(str, legal))}, not {value!r}")
    return value


def legal_word(name: str, value: int | str, legal: Sequence[str]) -> str:
    """`value` if it is one of the legal words; raises ValueError with all of them otherwise."""
    if not isinstance(value, str) or value not in legal:
        raise ValueError(f"{name} must be one of {', '.join(legal)}, not {value!r}")
    return value
