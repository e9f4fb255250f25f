"""The names that options of the command line have as settings of the ingestor, for texts about files."""

import re
from typing import Final

_PREFIX: Final = "CONVEX_INGESTOR_REPLAY_"
_OPTION: Final = re.compile(r"--(format|date-order|decimal|timezone)(?: (?=[\w/]))?")
_SWITCH: Final = re.compile(r"--skip-bad-rows\b")


def with_variables(text: str) -> str:
    """Return a text about a file with the variables in the place of the options of ``convex backtest``.

    Examples
    --------
    >>> with_variables("gold.csv: row 2: date: '1/6/19' is either; say --date-order dmy")
    "gold.csv: row 2: date: '1/6/19' is either; say CONVEX_INGESTOR_REPLAY_DATE_ORDER=dmy"
    >>> with_variables("more than --skip-bad-rows leaves out")
    'more than CONVEX_INGESTOR_REPLAY_SKIP_BAD_ROWS leaves out'
    """
    text = _SWITCH.sub(f"{_PREFIX}SKIP_BAD_ROWS", text)
    return _OPTION.sub(_variable, text)


def _variable(option: re.Match[str]) -> str:
    name = _PREFIX + option[1].replace("-", "_").upper()
    return f"{name}=" if option[0].endswith(" ") else name
