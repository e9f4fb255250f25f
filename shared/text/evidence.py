"""The evidence of an e-detector in words: how strongly the sessions contradict the pair's baseline."""

import math
from collections.abc import Mapping
from typing import Final

from shared.text.numbers import DASH, format_level, format_number

# Below this a whole number would hide how small the evidence is.
_WHOLE_FROM: Final = 10.0
# Beyond this its digits say nothing more.
_LARGEST: Final = 1e6
# How fast the evidence of one direction grows in a session while the baseline holds, on average, at most:
# the scale of `e_break`. There are two directions.
GROWTH_A_SESSION: Final = 0.46


def format_e_value(value: float | None, *, missing: str = DASH) -> str:
    """Return an e-value: a whole number, with one decimal where it is small, and a bound where it is huge.

    Examples
    --------
    >>> format_e_value(304.2), format_e_value(2.61), format_e_value(3.1e14), format_e_value(None)
    ('304', '2.6', 'over 1,000,000', '—')
    """
    if value is not None and value > _LARGEST:
        return f"over {format_number(_LARGEST, 0)}"
    decimals = 0 if value is not None and value >= _WHOLE_FROM else 1
    return format_number(value, decimals, missing=missing)


def describe_guarantee(thresholds: Mapping[str, float]) -> str:
    """Return how seldom the rule opens while the baseline holds; empty without a rule's levels.

    While the baseline holds, the evidence of one direction grows by at most 0.46 a session on average. So it
    needs at least ``(warning - leave) / 0.46`` sessions on average from ``leave`` to ``warning``.

    Examples
    --------
    >>> describe_guarantee({"warning": 252.0, "leave": 20.0})
    'While the baseline holds, this opens at most once in 252 sessions on average, whatever the distribution.'
    """
    warning, leave = thresholds.get("warning"), thresholds.get("leave")
    if warning is None or leave is None or warning <= leave:
        return ""
    sessions = (warning - leave) / (2 * GROWTH_A_SESSION)
    if not math.isfinite(sessions):
        return ""
    count = format_level(float(round(sessions)))
    return (
        f"While the baseline holds, this opens at most once in {count} sessions on average, whatever the "
        "distribution."
    )
