"""Lines before the header of a tick file: blank ones, comments, and a spreadsheet's delimiter."""

import re
from collections.abc import Sequence
from typing import Final

_BEFORE_HEADER: Final = re.compile(r'\ufeff?\s*(#.*|"?sep=."?\s*)?', re.IGNORECASE)


def preamble_lines(lines: Sequence[str]) -> int:
    """Return how many lines come before the header.

    Examples
    --------
    >>> preamble_lines(["sep=;", "# from the terminal", "", "ts_utc;bid;ask"])
    3
    """
    return next(
        (at for at, line in enumerate(lines) if not _BEFORE_HEADER.fullmatch(line.rstrip("\r\n"))), len(lines)
    )
