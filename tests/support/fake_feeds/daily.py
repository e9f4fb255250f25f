"""Servers of daily bars: Yahoo's chart v8 and Tiingo's end-of-day, well or badly."""

import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from tests.support.fake_feeds.http_server import Answer, HttpServer, Request

NEW_YORK = ZoneInfo("America/New_York")


@dataclass
class Day:
    """One session; ``split`` and ``dividend`` are those of its ex-date."""

    close: float
    adj_close: float
    volume: float = 30_000_000
    split: float = 1.0
    dividend: float = 0.0


def float32(value: float) -> float:
    """Return a number as Yahoo gives it: a 32-bit float, widened."""
    widened: float = struct.unpack("f", struct.pack("f", value))[0]
    return widened


class FakeYahoo:
    """Serve the days of IWM and SPY, which are the same.

    Parameters
    ----------
    days
        By session label; a test changes them between two pulls.
    """

    def __init__(self, days: dict[str, Day]) -> None:
        self.days = days
        self.answers: list[Answer] = []
        self.null_sessions: set[str] = set()
        self.live_row: tuple[str, Day] | None = None
        self.duplicated: tuple[str, Day] | None = None
        self.splits: dict[str, float] = {}
        self.meta: dict[str, Any] = {}
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> Answer:
        assert "Mozilla" in request.headers["user-agent"]
        if self.answers:
            return self.answers.pop(0)
        if request.path not in ("/v8/finance/chart/IWM", "/v8/finance/chart/SPY"):
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return Answer(status=404, body=orjson.dumps({"chart": {"result": None, "error": error}}))
        begin, end = (
            datetime.fromtimestamp(int(request.query[name]), UTC).date().isoformat()
            for name in ("period1", "period2")
        )
        rows: list[tuple[int, Day | None]] = [
            (_open_of(session), None if session in self.null_sessions else day)
            for session, day in sorted(self.days.items())
            if begin <= session < end
        ]
        # A live row carries the present time, not the open's.
        extras = [extra for extra in (self.duplicated, self.live_row) if extra is not None]
        rows += [(_open_of(session) + 3_600, day) for session, day in extras]
        chart = _chart(rows)
        result = chart["chart"]["result"][0]
        result["meta"] |= self.meta
        result["events"] = {
            "splits": {
                str(_open_of(session)): {
                    "date": _open_of(session),
                    "numerator": ratio,
                    "denominator": 1.0,
                    "splitRatio": f"{ratio:g}:1",
                }
                for session, ratio in self.splits.items()
                if begin <= session < end
            }
        }
        return Answer(body=orjson.dumps(chart))


def _open_of(session: str) -> int:
    return int(datetime.combine(date.fromisoformat(session), time(9, 30), NEW_YORK).timestamp())


def _chart(rows: list[tuple[int, Day | None]]) -> dict[str, Any]:
    def column(scale: float) -> list[float | None]:
        return [None if day is None else float32(day.close * scale) for _, day in rows]

    quote = {
        "open": column(0.99),
        "high": column(1.02),
        "low": column(0.98),
        "close": column(1.0),
        "volume": [None if day is None else day.volume for _, day in rows],
    }
    adjusted = [None if day is None else float32(day.adj_close) for _, day in rows]
    result = {
        "meta": {"currency": "USD", "symbol": "IWM", "exchangeTimezoneName": "America/New_York"},
        "timestamp": [stamp for stamp, _ in rows],
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": adjusted}]},
    }
    return {"chart": {"result": [result], "error": None}}


class FakeTiingo:
    """Serve the days of one ticker to those who have the key."""

    def __init__(self, days: dict[str, Day], *, key: str) -> None:
        self.days = days
        self.answers: list[Answer] = []
        # Rows that stand at the end of each answer, whatever was asked for.
        self.extra_rows: list[dict[str, Any]] = []
        self._key = key
        self.server = HttpServer(self._answer)

    def _answer(self, request: Request) -> Answer:
        assert "token" not in request.query
        if request.headers.get("authorization") != f"Token {self._key}":
            return Answer(status=401, body=b'{"detail":"Invalid token."}')
        if self.answers:
            return self.answers.pop(0)
        if request.path != "/tiingo/daily/IWM/prices":
            return Answer(status=404, body=b'{"detail":"Error: Ticker not found"}')
        rows = [
            {
                "adjClose": day.adj_close,
                "adjHigh": day.adj_close,
                "adjLow": day.adj_close,
                "adjOpen": day.adj_close,
                "adjVolume": int(day.volume),
                "close": day.close,
                "date": f"{session}T00:00:00+00:00",
                "divCash": day.dividend,
                "high": day.close * 1.02,
                "low": day.close * 0.98,
                "open": day.close,
                "splitFactor": day.split,
                "volume": int(day.volume),
            }
            for session, day in sorted(self.days.items())
            if request.query["startDate"] <= session <= request.query["endDate"]
        ]
        return Answer(body=orjson.dumps(rows + self.extra_rows))
