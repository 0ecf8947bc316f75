"""How a p-value is written, wherever one is: in a sentence, a table, a figure."""

from __future__ import annotations

__all__ = ["SMALLEST_SHOWN", "equation_text", "probability_text"]

SMALLEST_SHOWN = 0.0005
"""Smaller p-values are shown to be smaller; none is ever 0."""

_TWO_DECIMALS = 0.0995
"""From here on two decimals are two significant digits or more."""


def probability_text(p_value: float) -> str:
    """Write a p-value with two decimals, below .1 with two significant digits, and never as zero.

    Parameters
    ----------
    p_value : float
        From 0 to 1, not nan.

    Examples
    --------
    >>> [probability_text(p) for p in (1.0, 0.25, 0.0996, 0.0244, 0.0015, 0.0004)]
    ['1.00', '0.25', '0.10', '0.024', '0.0015', '< 0.0005']
    """
    if p_value < SMALLEST_SHOWN:
        return f"< {SMALLEST_SHOWN}"
    return f"{p_value:.2f}" if p_value >= _TWO_DECIMALS else f"{p_value:.2g}"


def equation_text(p_value: float) -> str:
    """Write a p-value as an equation, or as what it is below.

    Examples
    --------
    >>> equation_text(0.25), equation_text(0.0001)
    ('p = 0.25', 'p < 0.0005')
    """
    text = probability_text(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
