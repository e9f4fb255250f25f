"""The file of expected false alarms: a table for each pair and rule, which signals loads."""

from dataclasses import fields
from typing import Final

from services.signals.false_alarms.figure import TABLE, FalseAlarms

_HEAD: Final = (
    "# Openings expected in 252 sessions in which the relationship never changes: docs/calibration.md.\n"
)
# Decimals written: further ones are below the random error, or differ between processors.
_DIGITS: Final = {"per_year": 6, "standard_error": 6, "correlation": 4, "block_length": 2}


def false_alarms_bytes(found: tuple[FalseAlarms, ...]) -> bytes:
    """Return the file; files of several pairs may be concatenated."""
    return "\n".join([_HEAD, *map(_table, found)]).encode()


def _table(found: FalseAlarms) -> str:
    lines = [f"{each.name} = {_value(each.name, getattr(found, each.name))}\n" for each in fields(found)]
    return f"[[{TABLE}]]\n" + "".join(lines)


def _value(name: str, value: object) -> str:
    if isinstance(value, float):
        return repr(round(value, _DIGITS[name]))
    # A name, a label or a kind: none of them contains a quote or a backslash.
    return f'"{value}"' if isinstance(value, str) else str(value)
