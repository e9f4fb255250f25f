"""Columns and prices of a CSV file: exact positions, and plain decimal numbers only."""

import re
from pathlib import Path
from typing import Final

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.files.input_file import bad_file

# Python also reads 1_300 and digits of any script as numbers; in a file they are mistakes.
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LEAST: Final = LEAST_PRICE
MOST: Final = MOST_PRICE


def position(path: Path, header: list[str], name: str, *, wanted: str) -> int:
    """Return the index of a column.

    Parameters
    ----------
    header
        Names of the columns, in the spelling of ``name``.
    wanted
        What the header must be, for the error.

    Raises
    ------
    ConfigError
        If it is missing or appears twice.

    Examples
    --------
    >>> position(Path("gold.csv"), ["date", "close"], "close", wanted="date,close")
    1
    """
    if name not in header:
        problem = f"column is missing; the header must {wanted}, was {','.join(header)!r}"
        raise bad_file(path, problem[:300], row=1, field=name)
    if header.count(name) > 1:
        raise bad_file(path, "column appears twice; keep one", row=1, field=name)
    return header.index(name)


def price(path: Path, text: str, row: int, field: str) -> float:
    """Return the price in a cell.

    Raises
    ------
    ConfigError
        With file, row and field, if the text is no decimal number, or the number is not one from `LEAST` to
        `MOST`.

    Examples
    --------
    >>> price(Path("gold.csv"), " 1486.25", 7, "close")
    1486.25
    >>> price(Path("gold.csv"), "1_486", 7, "close")
    Traceback (most recent call last):
        ...
    shared.errors.ConfigError: gold.csv: row 7: close: must be a positive number, was '1_486'
    """
    text = text.strip(" \t")
    value = float(text) if _DECIMAL.fullmatch(text) else 0.0
    if not value > 0:
        raise bad_file(path, f"must be a positive number, was {text[:40]!r}", row=row, field=field)
    if not LEAST <= value <= MOST:
        raise bad_file(
            path, f"must lie between {LEAST:g} and {MOST:g}, was {text[:40]!r}", row=row, field=field
        )
    return value
