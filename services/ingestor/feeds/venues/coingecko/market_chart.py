"""Daily prices of coins from CoinGecko: what a coin costs in USD at 00:00 UTC of each date.

The last point of an answer is the present price, which is no daily value. Without a key five to fifteen
requests a minute are allowed.
"""

from typing import Any, Final

import httpx
from pydantic import SecretStr

from services.ingestor.config import IngestorSettings
from services.ingestor.core.macro_vintages import Reading
from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.macro.ports import MacroProvider, Readings
from services.ingestor.feeds.transport.http_errors import Unanswered, error_of
from services.ingestor.feeds.transport.http_json import get_json
from shared.domain.instants import INSTANTS_END_NS, from_ns
from shared.domain.macro import MOST_VALUE
from shared.errors import DecodeError

# More is refused without a paid plan; from 91 days on the points are daily.
_DAYS: Final = 365
_MS_PER_DAY: Final = 86_400_000
_INSTANTS_END_MS: Final = INSTANTS_END_NS // 1_000_000
_TOO_MANY_REQUESTS: Final = 429


class CoinGeckoChart:
    """One coin, such as ``pax-gold``.

    Parameters
    ----------
    key
        Sent as a header, which differs between CoinGecko's two hosts.
    """

    name = "coingecko"
    unit = "usd"

    def __init__(self, client: httpx.AsyncClient, coin: str, *, key: SecretStr | None) -> None:
        self._client = client
        self._coin = coin
        self._key = key

    async def readings(self, *, since: str | None) -> Readings:
        """Return a year of daily prices; CoinGecko has no vintages."""
        answer = await get_json(
            self._client,
            f"/api/v3/coins/{self._coin}/market_chart",
            params={"vs_currency": "usd", "days": _DAYS},
            headers=self._headers(),
        )
        return daily_prices(answer, self._coin)

    def _headers(self) -> dict[str, str]:
        if self._key is None:
            return {}
        is_paid = self._client.base_url.host.startswith("pro-")
        name = "x-cg-pro-api-key" if is_paid else "x-cg-demo-api-key"
        return {name: self._key.get_secret_value()}


def daily_prices(answer: Any, coin: str) -> Readings:
    """Return the points of an answer that are at 00:00 UTC.

    Raises
    ------
    Unanswered
        If it is an error, or has no points.

    Examples
    --------
    >>> answer = {"prices": [[1767225600000, 4320.5], [1767262123456, 4331.0]]}
    >>> [(row.date, row.value) for row in daily_prices(answer, "pax-gold").rows]
    [('2026-01-01', 4320.5)]
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("prices"), list):
        raise _error_in(answer, coin)
    readings = Readings()
    for point in answer["prices"]:
        match point:
            case [int(ms), int() | float() | None as price] if _is_point(ms, price):
                if ms % _MS_PER_DAY == 0:
                    day = from_ns(ms * 1_000_000).date().isoformat()
                    readings.rows.append(Reading(date=day, value=None if price is None else float(price)))
            case _:
                error = DecodeError(f"a point must be an instant and a price, was {point!r}"[:200])
                readings.unreadable.append((repr(point)[:200].encode(), error))
    if not readings.rows:
        raise Unanswered(f"coingecko {coin}: no daily price", reason="empty")
    return readings


def _is_point(ms: int, price: float | None) -> bool:
    """Return whether both are numbers that can be read on: True is an int, and some ints are no floats."""
    if isinstance(ms, bool) or isinstance(price, bool) or not 0 <= ms < _INSTANTS_END_MS:
        return False
    return price is None or abs(price) <= MOST_VALUE


def _error_in(answer: Any, coin: str) -> Unanswered:
    """Return the error of a body without prices; CoinGecko also sends one with status 200."""
    fields = answer if isinstance(answer, dict) else {}
    inner = fields.get("error")
    status = (inner if isinstance(inner, dict) else fields).get("status")
    status = status if isinstance(status, dict) else {}
    words = status.get("error_message", inner)
    message = f"coingecko {coin}: {str(words)[:200] if words else 'an answer without prices'}"
    if status.get("error_code") == _TOO_MANY_REQUESTS:
        return error_of(Refusal.THROTTLED, message)
    return error_of(Refusal.OTHER, message) if words else Unanswered(message, reason="not_json")


def _chart(client: httpx.AsyncClient, name: str, settings: IngestorSettings) -> CoinGeckoChart:
    return CoinGeckoChart(client, name, key=settings.coingecko_key)


COINGECKO: Final = MacroProvider(
    name="coingecko",
    rest_url=lambda settings: settings.coingecko_url,
    make_source=_chart,
    interval_seconds=6.0,
)
