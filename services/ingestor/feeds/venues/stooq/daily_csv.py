"""Stooq's daily CSV: without a key, unofficial, and often behind a page that only a browser passes.

Errors are plain text with HTTP 200. Closes are adjusted, without a word on how, so that Stooq is a source to
compare with rather than one to rely on.
"""

import csv
from collections.abc import Sequence
from typing import Final

import httpx

from services.ingestor.core.daily_rows import PulledRows
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.daily_bars.ports import BarProvider
from services.ingestor.feeds.daily_bars.row_reading import label, read_each, row_of
from services.ingestor.feeds.transport.http_errors import Refused, Throttled
from services.ingestor.feeds.transport.http_json import get_text
from shared.errors import FeedUnavailable

_PROVIDER: Final = "Stooq"
_COLUMNS: Final = ["date", "open", "high", "low", "close"]
# Its limit is one of a day.
_DAILY_LIMIT_SECONDS: Final = 3_600.0


class StooqCsv:
    """Fetch daily rows of one symbol.

    Parameters
    ----------
    client
        With Stooq's address as its base.
    symbol
        Such as ``IWM``, which Stooq calls ``iwm.us``.
    """

    name = "stooq"
    is_split_adjusted = True

    def __init__(self, client: httpx.AsyncClient, *, symbol: str) -> None:
        self._client = client
        self._symbol = f"{symbol.lower()}.us"

    async def rows(self, sessions: Sequence[str]) -> PulledRows:
        """Return the rows from the first to the last of some sessions.

        Raises
        ------
        FeedUnavailable
            If Stooq does not answer, refuses, or its answer cannot be read.
        """
        params = {
            "s": self._symbol,
            "i": "d",
            "d1": sessions[0].replace("-", ""),
            "d2": sessions[-1].replace("-", ""),
        }
        return parse_csv(await get_text(self._client, "/q/d/l/", params=params))


def parse_csv(text: str) -> PulledRows:
    r"""Return the rows of an answer.

    Raises
    ------
    Refused, Throttled, FeedUnavailable
        If the text is an error or no table of daily rows.

    Examples
    --------
    >>> table = "Date,Open,High,Low,Close,Volume\n2026-10-02,241.1,242.3,239.8,241.9,28932100\n"
    >>> [(row.session, row.close) for row in parse_csv(table).rows]
    [('2026-10-02', 241.9)]
    """
    said = text[:200].lower()
    if "exceeded" in said and "limit" in said:
        raise Throttled(f"{_PROVIDER}: {text[:100].strip()}", retry_after_seconds=_DAILY_LIMIT_SECONDS)
    if said.strip() == "no data":
        raise Refused(f"{_PROVIDER}: no data", refusal=Refusal.UNKNOWN_SYMBOL)
    lines = text.splitlines()
    header = [name.strip().lower() for name in lines[0].split(",")] if lines else []
    if header[: len(_COLUMNS)] != _COLUMNS:
        raise FeedUnavailable(f"{_PROVIDER}: no daily rows: {text[:100]!r}", reason="not_json")
    # A row with too many fields has them under None.
    entries = [
        {name: cell for name, cell in row.items() if name} for row in csv.DictReader(lines[1:], header)
    ]
    rows, unreadable = read_each(entries, lambda each: row_of(label(each["date"]), each), provider=_PROVIDER)
    return PulledRows(rows=rows, unreadable=unreadable)


STOOQ: Final = BarProvider(
    name=StooqCsv.name,
    rest_url=lambda settings: settings.stooq_url,
    make_source=lambda client, symbol, _: StooqCsv(client, symbol=symbol),
)
