"""Prices as files write them: plain decimal numbers, nothing else that Python would read as one."""

import re
from pathlib import Path
from typing import Final

from shared.domain.bars import LEAST_PRICE, MOST_PRICE
from shared.files.problems import bad_file

# Python reads 1_300 and digits of any script as numbers; in a file they are slips.
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LEAST: Final = LEAST_PRICE
MOST: Final = MOST_PRICE


def price(path: Path, text: str, row: int, field: str) -> float:
    """Return a cell's price.

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
