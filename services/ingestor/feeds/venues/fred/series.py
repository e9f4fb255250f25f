"""Series of FRED with every vintage, from the archive that FRED calls ALFRED; needs a key.

A request is for a window of vintages. FRED answers with each value and the dates from which and until which
it was in force, cut to the window, and refuses a window with more than some two thousand vintages: then it
is halved.
"""

from collections import deque
from datetime import date, timedelta
from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.macro_vintages import Reading
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.macro.ports import MacroProvider, Readings, decimal
from services.ingestor.feeds.transport.http_errors import Refused, Unanswered, error_of
from services.ingestor.feeds.transport.http_json import get_json
from shared.clock import Clock, SystemClock
from shared.errors import ConfigError, DecodeError

# FRED's first and last day; the last one means "still in force".
_FIRST_DAY: Final = "1776-07-04"
_LAST_DAY: Final = "9999-12-31"
# The most that FRED gives in an answer.
_PAGE: Final = 100_000
# A daily series since 1962 needs some sixteen windows.
_MOST_REQUESTS: Final = 200
_TOO_MANY_REQUESTS: Final = 429
_UNITS: Final = {
    "DFII10": "percent",
    "DGS10": "percent",
    "T10YIE": "percent",
    "BAMLH0A0HYM2": "percent",
    "DTWEXBGS": "index",
    "VIXCLS": "index",
    "GVZCLS": "index",
    "RVXCLS": "index",
}


def unit_of(series: str) -> str:
    """Return the unit of a series of FRED; ``as published`` for one that we do not know."""
    return _UNITS.get(series, "as published")


class TooManyVintages(Exception):
    """The window has more vintages than FRED gives in one answer."""


class FredSeries:
    """One series, such as ``DFII10``.

    Parameters
    ----------
    begin
        First date of the observations.
    """

    name = "fred"

    def __init__(
        self, client: httpx.AsyncClient, series: str, *, key: SecretStr, begin: date, clock: Clock
    ) -> None:
        self.unit = unit_of(series)
        self._client = client
        self._series = series
        self._key = key
        self._begin = begin
        self._clock = clock
        self._requests = 0

    async def readings(self, *, since: str | None) -> Readings:
        """Return each value of each date with the vintage from which on it was in force."""
        self._requests = 0
        readings = Readings()
        windows = deque([(since or _FIRST_DAY, _LAST_DAY)])
        while windows:
            window = windows.popleft()
            try:
                await self._read_window(*window, into=readings)
            except TooManyVintages:
                windows.extendleft(reversed(self._halves(*window)))
        if since is None and not readings.rows:
            raise Unanswered(f"fred {self._series}: no observation", reason="empty")
        return readings

    def _halves(self, begin: str, end: str) -> list[tuple[str, str]]:
        first = date.fromisoformat(begin)
        # There is no vintage after today; FRED refuses a window that begins there.
        last = min(date.fromisoformat(end), self._clock.now().date())
        if first >= last:
            raise Unanswered(f"fred {self._series}: too many vintages in one day", reason="bad_request")
        middle = first + (last - first) // 2
        return [(begin, middle.isoformat()), ((middle + timedelta(days=1)).isoformat(), end)]

    async def _read_window(self, begin: str, end: str, *, into: Readings) -> None:
        offset = 0
        while True:
            answer = await self._ask(begin, end, offset)
            rows = answer["observations"]
            page = read_rows(rows)
            into.rows += page.rows
            into.unreadable += page.unreadable
            offset += len(rows)
            count = answer.get("count")
            if not rows or not isinstance(count, int) or offset >= count:
                return

    async def _ask(self, begin: str, end: str, offset: int) -> dict[str, Any]:
        self._requests += 1
        if self._requests > _MOST_REQUESTS:
            raise Unanswered(f"fred {self._series}: more than {_MOST_REQUESTS} requests", reason="too_long")
        try:
            answer = await get_json(
                self._client,
                "/fred/series/observations",
                params={
                    "series_id": self._series,
                    "api_key": self._key.get_secret_value(),
                    "file_type": "json",
                    "realtime_start": begin,
                    "realtime_end": end,
                    "observation_start": self._begin.isoformat(),
                    "sort_order": "asc",
                    "limit": _PAGE,
                    "offset": offset,
                },
            )
        except Refused as error:
            # Whatever is wrong, FRED says it with status 400.
            if error.refusal is not Refusal.OTHER:
                raise
            raise _error_in(str(error), code=None) from None
        if isinstance(answer, dict) and isinstance(answer.get("observations"), list):
            return answer
        words = answer.get("error_message") if isinstance(answer, dict) else None
        if not isinstance(words, str):
            raise Unanswered(f"fred {self._series}: an answer without observations", reason="not_json")
        message = f"fred {self._series}: {words[:200]}"
        raise _error_in(message, code=answer.get("error_code"))


def _error_in(message: str, *, code: object) -> Exception:
    """Return what FRED's words mean."""
    said = message.lower()
    if code == _TOO_MANY_REQUESTS or "rate limit" in said:
        return error_of(Refusal.THROTTLED, message)
    if "vintage" in said:
        return TooManyVintages(message)
    if "api_key" in said:
        return error_of(Refusal.ACCESS, message)
    if "does not exist" in said:
        return error_of(Refusal.UNKNOWN_SYMBOL, message)
    return error_of(Refusal.OTHER, message)


def read_rows(rows: list[Any]) -> Readings:
    """Return the observations of an answer; one that cannot be read costs only itself.

    Examples
    --------
    >>> row = {"date": "2024-05-27", "value": ".", "realtime_start": "2024-05-28"}
    >>> read_rows([row]).rows
    [Reading(date='2024-05-27', value=None, vintage='2024-05-28')]
    """
    readings = Readings()
    for row in rows:
        _read_row(row, readings)
    return readings


def _read_row(row: Any, into: Readings) -> None:
    match row:
        case {"date": str(day), "value": str(text), "realtime_start": str(vintage)}:
            try:
                value = None if text.strip() == "." else decimal(text)
            except ValueError:
                pass
            else:
                into.rows.append(Reading(date=day, value=value, vintage=vintage))
                return
    error = DecodeError(f"an observation must have a date, a value and a vintage, was {row!r}"[:200])
    into.unreadable.append((repr(row)[:200].encode(), error))


def _series(client: httpx.AsyncClient, name: str, settings: IngestorSettings) -> FredSeries:
    if settings.fred_key is None:
        raise ConfigError(
            f"CONVEX_INGESTOR_FRED_KEY must be set for fred:{name}; fredgraph:{name} needs no key, "
            "but has no vintages"
        )
    return FredSeries(client, name, key=settings.fred_key, begin=settings.macro_start, clock=SystemClock())


FRED: Final = MacroProvider(
    name="fred",
    rest_url=lambda settings: settings.fred_url,
    make_source=_series,
    # 120 requests a minute are allowed.
    interval_seconds=0.6,
)
