"""OANDA's hourly candles as closes of sessions: which are asked for, and which are used."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from services.ingestor.feeds.venues.oanda.candles import OandaCloses, parse_candles
from shared.calendars import xnys_calendar
from shared.errors import FeedUnavailable
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request

_TOKEN = "oanda-secret-token"


class _FakeOanda:
    """Have a candle of each hour, with a close that says its start; count the requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.missing: set[str] = set()
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        assert request.path == "/v3/instruments/XAU_USD/candles"
        assert request.headers["authorization"] == f"Bearer {_TOKEN}"
        assert (request.query["granularity"], request.query["price"]) == ("H1", "M")
        at, end = (datetime.fromisoformat(request.query[name]).astimezone(UTC) for name in ("from", "to"))
        assert end - at <= timedelta(hours=5_000)
        candles = []
        while at < end:
            if at.isoformat() not in self.missing:
                candles.append(_candle(at))
            at += timedelta(hours=1)
        return Answer(body=orjson.dumps({"instrument": "XAU_USD", "granularity": "H1", "candles": candles}))


def _candle(at: datetime, **changes: Any) -> dict[str, Any]:
    close = f"{4_000 + at.timestamp() // 3_600 % 1_000 / 10:.2f}"
    mid = {"o": "4000.0", "h": "4100.0", "l": "3999.0", "c": close}
    return {
        "complete": True,
        "volume": 7,
        "time": f"{at:%Y-%m-%dT%H:%M:%S}.000000000Z",
        "mid": mid,
        **changes,
    }


async def _rows(fake: _FakeOanda, sessions: list[str]) -> dict[str, float]:
    async with fake.server, httpx.AsyncClient(base_url=fake.server.url) as client:
        source = OandaCloses(client, instrument="XAU_USD", token=SecretStr(_TOKEN), calendar=xnys_calendar())
        return {row.session: row.close for row in (await source.rows(sessions)).rows}


async def test_close_of_a_session_is_that_of_the_hour_before_it_in_few_requests() -> None:
    labels = xnys_calendar().labels
    end = labels.index("2025-12-01")
    sessions, fake = list(labels[end - 599 : end + 1]), _FakeOanda()
    closes = await _rows(fake, sessions)
    assert list(closes) == sessions
    # An early close at 13:00 New York, and a day of summer time.
    for session, start in (("2025-11-28", "2025-11-28T17:00"), ("2025-07-08", "2025-07-08T19:00")):
        at = datetime.fromisoformat(f"{start}+00:00")
        assert closes[session] == float(_candle(at)["mid"]["c"])
    assert len(fake.requests) <= 5


async def test_hour_without_a_candle_leaves_its_session_out() -> None:
    fake = _FakeOanda()
    fake.missing = {"2025-12-01T20:00:00+00:00"}
    assert list(await _rows(fake, ["2025-11-28", "2025-12-01", "2025-12-02"])) == ["2025-11-28", "2025-12-02"]


@pytest.mark.parametrize("body", [[], "x", {}, {"candles": None}, {"candles": [1]}])
def test_body_that_is_no_list_of_candles_is_refused(body: Any) -> None:
    with pytest.raises(FeedUnavailable, match="OANDA"):
        parse_candles(body)


def test_odd_candle_costs_itself_and_many_the_answer() -> None:
    at = datetime(2026, 3, 10, 19, tzinfo=UTC)
    good = [_candle(at + timedelta(hours=hour)) for hour in range(3)]
    odd = [_candle(at, mid=None), _candle(at, time="0001-01-01T00:00:00Z"), _candle(at, mid={"c": "-1"})]
    assert len(parse_candles({"candles": [*good, *odd]})) == 3
    with pytest.raises(FeedUnavailable, match="most candles cannot be read"):
        parse_candles({"candles": odd})


def test_nothing_is_asked_for_no_session() -> None:
    fake = _FakeOanda()
    assert asyncio.run(_rows(fake, [])) == {}
    assert fake.requests == []
