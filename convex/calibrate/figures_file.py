"""The file of expected false alarms: a table for each pair and rule, which signals loads."""

from dataclasses import fields
from typing import Final

from services.signals.core.false_alarms import FalseAlarms
from services.signals.false_alarms.loading import TABLE

_HEAD: Final = "# Openings expected in 252 sessions by chance alone: docs/calibration.md.\n"
# Decimals written: further ones are below the random error, or differ between processors.
_DIGITS: Final = {
    "per_year": 6,
    "standard_error": 6,
    "low": 6,
    "high": 6,
    "correlation": 4,
    "agreement_low": 6,
    "agreement_high": 6,
    "block_length": 2,
    "budget": 6,
    "warning_low": 6,
    "warning_high": 6,
}


def false_alarms_bytes(found: tuple[FalseAlarms, ...]) -> bytes:
    """Return the file; files of several pairs may be concatenated."""
    return "\n".join([_HEAD, *map(_table, found)]).encode()


def _table(found: FalseAlarms) -> str:
    values = {each.name: getattr(found, each.name) for each in fields(found)}
    lines = [f"{name} = {_value(name, value)}\n" for name, value in values.items() if value is not None]
    return f"[[{TABLE}]]\n" + "".join(lines)


def _value(name: str, value: object) -> str:
    if isinstance(value, float):
        return repr(round(value, _DIGITS[name]))
    # A name, a label, a kind or a null: none of them contains a quote or a backslash.
    return f'"{value}"' if isinstance(value, str) else str(value)
