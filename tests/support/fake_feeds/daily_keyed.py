"""Servers of daily bars that need a key, and Stooq: each answers in its own form, from the same days.

A test puts an answer into ``answers`` to have it given first, and looks up the form in the reference of the
provider that a class names.
"""

from abc import abstractmethod
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import orjson

from tests.support.fake_feeds.daily import NEW_YORK, Day
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request

KEY = "a-secret-key-of-bars"
SECOND_KEY = "another-secret-key-of-bars"


class FakeBars:
    """Serve the days of IWM to those who have the key.

    Parameters
    ----------
    days
        By session label; a test changes them between two pulls.
    """

    def __init__(self, days: dict[str, Day]) -> None:
        self.days = days
        self.answers: list[Answer] = []
        self.server = HttpServer(self._answer_or_next)
        # Changes the row of a session before it is sent.
        self.change: Callable[[str, dict[str, Any]], dict[str, Any] | None] = lambda _, row: row

    def _answer_or_next(self, request: Request) -> Answer:
        return self.answers.pop(0) if self.answers else self._answer(request)

    @abstractmethod
    def _answer(self, request: Request) -> Answer: ...

    def _rows(
        self, first: str, last: str, row_of: Callable[[str, Day], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        chosen = [
            (session, day) for session, day in sorted(self.days.items()) if first[:10] <= session <= last[:10]
        ]
        changed = [self.change(session, row_of(session, day)) for session, day in chosen]
        return [row for row in changed if row is not None]


def _midnight(session: str) -> datetime:
    return datetime.combine(date.fromisoformat(session), time(), NEW_YORK)


def _prices(day: Day, scale: float) -> dict[str, float]:
    close = day.close * scale
    return {"o": close * 0.99, "h": close * 1.02, "l": close * 0.98, "c": close, "v": day.volume}


class FakeAlpaca(FakeBars):
    def _answer(self, request: Request) -> Answer:
        keys = (request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key"))
        if keys != (KEY, SECOND_KEY):
            return Answer(status=403, body=b'{"message":"forbidden."}')
        assert request.path == "/v2/stocks/bars"
        assert request.query["feed"] == "sip"
        is_raw = request.query["adjustment"] == "raw"

        def row(session: str, day: Day) -> dict[str, Any]:
            scale = 1.0 if is_raw else day.adj_close / day.close
            return {"t": _midnight(session).isoformat(), "n": 1, "vw": 1.0, **_prices(day, scale)}

        rows = self._rows(request.query["start"], request.query["end"], row)
        # Two pages, so that the second one has to be asked for.
        page = int(request.query.get("page_token", "0"))
        half = len(rows) // 2
        part = rows[:half] if page == 0 else rows[half:]
        token = "1" if page == 0 and rows else None
        bars = {"IWM": part} if part else None
        return Answer(body=orjson.dumps({"bars": bars, "next_page_token": token}))


class FakeMassive(FakeBars):
    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Answer(
                status=401, body=b'{"status":"ERROR","request_id":"a1","error":"API Key was not provided"}'
            )
        if request.path == "/v3/reference/dividends":
            dividends = [
                {"ex_dividend_date": session, "cash_amount": day.dividend, "ticker": "IWM"}
                for session, day in self.days.items()
                if day.dividend
            ]
            return Answer(body=orjson.dumps({"results": dividends, "status": "OK"}))
        *_, first, last = request.path.split("/")
        is_raw = request.query["adjusted"] == "false"

        def row(session: str, day: Day) -> dict[str, Any]:
            later = [other.split for label, other in self.days.items() if label > session]
            scale = 1.0
            for split in later:
                scale /= split
            return {
                "t": int(_midnight(session).timestamp() * 1_000),
                "n": 1,
                **_prices(day, 1.0 if is_raw else scale),
            }

        rows = self._rows(first, last, row)
        body: dict[str, Any] = {"ticker": "IWM", "resultsCount": len(rows), "status": "OK"}
        return Answer(body=orjson.dumps(body | ({"results": rows} if rows else {})))


class FakeTwelveData(FakeBars):
    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"apikey {KEY}":
            body = {
                "code": 401,
                "message": "**apikey** parameter is incorrect or not specified.",
                "status": "error",
            }
            # Errors often come with HTTP 200.
            return Answer(body=orjson.dumps(body))
        assert request.path == "/time_series"
        is_raw = request.query["adjust"] == "none"

        def row(session: str, day: Day) -> dict[str, Any]:
            prices = _prices(day, 1.0 if is_raw else day.adj_close / day.close)
            names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
            return {"datetime": session, **{names[name]: f"{value!r}" for name, value in prices.items()}}

        rows = self._rows(request.query["start_date"], request.query["end_date"], row)
        return Answer(body=orjson.dumps({"meta": {"symbol": "IWM"}, "values": rows[::-1], "status": "ok"}))


class FakeAlphaVantage(FakeBars):
    is_premium = True

    def _answer(self, request: Request) -> Answer:
        key = request.query["apikey"]
        if key != KEY:
            text = f"the parameter apikey is invalid or missing: {key}. Please claim your free API key."
            return Answer(body=orjson.dumps({"Error Message": text}))
        is_adjusted = request.query["function"] == "TIME_SERIES_DAILY_ADJUSTED"
        if not self.is_premium and (is_adjusted or request.query["outputsize"] == "full"):
            text = f"We have detected your API key as {key}; this is a premium feature"
            return Answer(body=orjson.dumps({"Information": text}))

        def row(session: str, day: Day) -> dict[str, Any]:
            prices = {
                "1. open": f"{day.close * 0.99!r}",
                "2. high": f"{day.close * 1.02!r}",
                "3. low": f"{day.close * 0.98!r}",
                "4. close": f"{day.close!r}",
            }
            if not is_adjusted:
                return {"session": session, **prices, "5. volume": f"{day.volume:.0f}"}
            return {
                "session": session,
                **prices,
                "5. adjusted close": f"{day.adj_close!r}",
                "6. volume": f"{day.volume:.0f}",
                "7. dividend amount": f"{day.dividend!r}",
                "8. split coefficient": f"{day.split!r}",
            }

        rows = self._rows("", "9999-12-31", row)
        if request.query["outputsize"] == "compact":
            rows = rows[-100:]
        series = {each.pop("session"): each for each in reversed(rows)}
        meta = {"3. Last Refreshed": max(self.days)}
        return Answer(body=orjson.dumps({"Meta Data": meta, "Time Series (Daily)": series}))


class FakeStooq(FakeBars):
    def _answer(self, request: Request) -> Answer:
        assert request.query["s"] == "iwm.us"
        first, last = (
            f"{text[:4]}-{text[4:6]}-{text[6:]}" for text in (request.query["d1"], request.query["d2"])
        )

        def row(session: str, day: Day) -> dict[str, Any]:
            return {"date": session, **_prices(day, 1.0)}

        lines = [
            ",".join(str(row[name]) for name in ("date", "o", "h", "l", "c", "v"))
            for row in self._rows(first, last, row)
        ]
        table = "\r\n".join(["Date,Open,High,Low,Close,Volume", *lines, ""])
        return Answer(body=table.encode(), content_type="text/csv")
