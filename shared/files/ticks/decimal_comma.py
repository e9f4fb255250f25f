"""Whether the prices of a tick file have a decimal comma."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.files.input_file import bad_file
from shared.files.reading_options import DecimalMark, ReadingOptions

_WITH_COMMA: Final = re.compile(r"[0-9]+,[0-9]+")
_COULD_BE_THOUSANDS: Final = re.compile(r"[0-9]{1,3},[0-9]{3}")


def has_decimal_comma(path: Path, prices: Sequence[str], field: str, reading: ReadingOptions) -> bool:
    """Return whether the first prices of a file have one.

    Raises
    ------
    ConfigError
        If they can be either, such as 1,284, and nobody said which.

    Examples
    --------
    >>> has_decimal_comma(Path("ticks.csv"), ["1283,5", "1,284"], "bid", ReadingOptions())
    True
    """
    commas = [text for text in prices if _WITH_COMMA.fullmatch(text)]
    if not commas or reading.decimal is DecimalMark.POINT or any("." in text for text in prices):
        return False
    if reading.decimal is None and all(map(_COULD_BE_THOUSANDS.fullmatch, commas)):
        problem = f"{commas[0]} can be a decimal comma or thousands; set --decimal comma or --decimal point"
        raise bad_file(path, problem, field=field)
    return True
