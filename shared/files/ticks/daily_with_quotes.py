"""Tell a daily file that also has a bid and an ask from a file of ticks."""

import re
from collections.abc import Sequence
from typing import Final

from shared.files.daily.formats import DAILY_FORMATS, daily_format
from shared.files.daily.recognition import normalised
from shared.files.reading_options import ReadingOptions
from shared.files.ticks.epoch_numbers import unit_of

_CLOSES: Final = frozenset(name for each in DAILY_FORMATS for name in each.close)
_MIDNIGHT: Final = re.compile(r"[T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?$")


def is_daily(header: Sequence[str], times: Sequence[str], reading: ReadingOptions) -> bool:
    """Return whether a file is daily though it has a bid and an ask.

    It has a close, and either a date without a time of day in its first rows, or the columns of the daily
    format that the person named.

    Examples
    --------
    >>> is_daily(["date", "close", "bid", "ask"], ["2017-01-03", "2017-01-04"], ReadingOptions())
    True
    >>> is_daily(["date", "close", "bid", "ask"], ["2017-01-03 12:30:00.1"], ReadingOptions())
    False
    """
    names = {normalised(name) for name in header}
    named = daily_format(reading.format) if reading.format is not None else None
    if named is not None and not names.isdisjoint(named.date) and not names.isdisjoint(named.close):
        return True
    return not names.isdisjoint(_CLOSES) and all(map(_is_date, times))


def _is_date(text: str) -> bool:
    return ":" not in _MIDNIGHT.sub("", text.strip()) and unit_of(text.strip()) is None
