"""Servers that answer as the polled providers do: Swissquote, gold-api.com and Yahoo's minute rows.

Every request has the next answer of the scenario; after its end, the last answer is repeated, as all of them
do while nothing changes.
"""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final, Protocol, Self

import orjson

from tests.support.fake_feeds.http_server import Answer, HttpServer, Request
from tests.support.fake_feeds.played_venue import ExpectedTick, Fault
from tests.support.fake_feeds.venue import instant_of

_SECOND_NS: Final = 1_000_000_000
_HTML: Final = b"<!DOCTYPE html><html><body>Please enable cookies</body></html>"


class AnswerFormat(Protocol):
    """How a provider writes its answers."""

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[bytes, ExpectedTick]:
        """Return an answer with price ``number``, and what must come of it."""
        ...

    def without_price(self, symbol: str, at_ns: int) -> bytes:
        """Return an answer whose price is null."""
        ...

    def check(self, request: Request, symbol: str) -> None:
        """Require that the request is as the provider wants it."""
        ...


class PlayedAnswers:
    """Play a scenario, then repeat its last answer.

    Attributes
    ----------
    connections, handshakes
        Of requests that follow good ones, as those of one connection, only the first is counted; failed ones
        are handshakes.
    """

    def __init__(self, wire: AnswerFormat, *, scenario: str, symbol: str) -> None:
        self._wire = wire
        self._scenario = scenario
        self._symbol = symbol
        self._fault = Fault(scenario) if scenario in set(Fault) else None
        self._script = self._steps()
        self._last: Answer | None = None
        self._number = 0
        self._is_connected = False
        self.connections = 0
        self.handshakes = 0
        self.expected: list[ExpectedTick] = []
        self.answered: list[float] = []
        self.server = HttpServer(self._answer)

    def heal(self) -> None:
        """Refuse nothing from now on."""
        self._fault = None

    @property
    def url(self) -> str:
        return self.server.url

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.__aexit__()

    def _answer(self, request: Request) -> Answer | None:
        self._wire.check(request, self._symbol)
        self.answered.append(time.monotonic())
        self._last = answer = next(self._script, self._last)
        is_good = answer is not None and answer.status == HTTPStatus.OK
        self.handshakes += not (is_good and self._is_connected)
        self.connections += is_good and not self._is_connected
        self._is_connected = is_good
        return answer

    def _steps(self) -> Iterator[Answer | None]:
        while self._fault is not None:
            yield REFUSALS[self._fault]
        faults: Callable[[], Iterator[Answer | None]] | None = getattr(self, f"_{self._scenario}", None)
        if faults is not None:
            yield from faults()
            if self._scenario in ENDING:
                self._is_connected = False
        yield from self._ticks()

    def _ticks(self, *, age_seconds: float = 0.0, count: int = 3) -> Iterator[Answer]:
        for _ in range(count):
            self._number += 1
            # Two answers in the same millisecond have different times all the same.
            at_ns = time.time_ns() + self._number * 2_000_000 - int(age_seconds * _SECOND_NS)
            body, expected = self._wire.tick(self._symbol, self._number, at_ns)
            if not age_seconds:
                self.expected.append(expected)
            yield Answer(body=body)

    def _many_bad_frames(self) -> Iterator[Answer]:
        # As many as have come when the connection is watched next.
        yield from [Answer(body=b"{")] * 20

    def _bad_json(self) -> Iterator[Answer]:
        for body in (b'{"chart":', b"[", b"", b"NaN"):
            yield Answer(body=body)

    def _binary_frame(self) -> Iterator[Answer]:
        yield Answer(body=b"\x00\xff\x01")

    def _unknown_type(self) -> Iterator[Answer]:
        """Say more than the documentation has."""
        (answer,) = self._ticks(count=1)
        loaded = orjson.loads(answer.body)
        (loaded[0] if isinstance(loaded, list) else loaded)["nonsense"] = {"new": [1]}
        yield Answer(body=orjson.dumps(loaded))

    def _null_price(self) -> Iterator[Answer]:
        yield Answer(body=self._wire.without_price(self._symbol, time.time_ns()))

    def _clock_skew_future(self) -> Iterator[Answer]:
        yield from self._ticks(age_seconds=-3_600, count=1)

    def _clock_skew_past(self) -> Iterator[Answer]:
        # The first answer is a snapshot, which may be old.
        yield from self._ticks(age_seconds=7_200, count=2)

    def _frozen(self) -> Iterator[Answer]:
        """A shut market: Friday's price, again and again."""
        (answer,) = self._ticks(age_seconds=150_000, count=1)
        yield from [answer] * 20

    def _older_answer(self) -> Iterator[Answer]:
        """Of two servers behind one address, one is behind."""
        first, second = self._ticks(count=2)
        yield from (first, second, first)

    def _every_second_fails(self) -> Iterator[Answer]:
        """New prices, and an error after each of them."""
        for answer in self._ticks(count=20):
            yield answer
            yield Answer(body=_HTML, status=502, content_type="text/html")

    def _fails_for_long(self) -> Iterator[Answer]:
        """So often that the connection ends, between new prices."""
        for answer in self._ticks(count=4):
            yield answer
            yield from [Answer(body=_HTML, status=502, content_type="text/html")] * 3

    def _http_429_retry_after(self) -> Iterator[Answer]:
        yield Answer(
            body=b"Too Many Requests\r\n", status=429, headers={"Retry-After": "1"}, content_type="text/plain"
        )

    def _http_200_html(self) -> Iterator[Answer]:
        yield Answer(body=_HTML, content_type="text/html")

    def _http_5xx(self) -> Iterator[Answer]:
        yield Answer(body=_HTML, status=502, content_type="text/html")

    def _truncated_body(self) -> Iterator[Answer]:
        (answer,) = self._ticks(count=1)
        self.expected.pop()
        yield Answer(body=answer.body[:-30], headers={"Content-Length": str(len(answer.body))})

    def _no_answer(self) -> Iterator[None]:
        yield None

    def _huge_frame(self) -> Iterator[Answer]:
        yield Answer(body=b'{"junk":"' + b"x" * (1 << 20) + b'"}')


# Scenarios in which the present connection ends.
ENDING: Final = frozenset(
    {
        "many_bad_frames",
        "http_429_retry_after",
        "http_200_html",
        "http_5xx",
        "truncated_body",
        "no_answer",
        "huge_frame",
    }
)
REFUSALS: Final = {
    Fault.BAD_KEY: Answer(
        body=b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}',
        status=401,
    ),
    Fault.UNKNOWN_SYMBOL: Answer(
        body=b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}',
        status=404,
    ),
    Fault.THROTTLED: Answer(body=b"Too Many Requests\r\n", status=429, content_type="text/plain"),
    Fault.TOO_MANY_CONNECTIONS: Answer(body=b"", status=503),
}


class SwissquoteFormat:
    """Write two platforms, the wanted one first or second."""

    def check(self, request: Request, symbol: str) -> None:
        assert request.path == f"/public-quotes/bboquotes/instrument/{symbol}"
        assert request.headers["user-agent"]

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[bytes, ExpectedTick]:
        bid, ask, ms = 4000.0 + number, 4000.5 + number, at_ns // 1_000_000
        wanted = self._platform("SwissquoteLtd", bid, ask, ms)
        other = self._platform("AT", bid - 1, ask + 1, ms)
        platforms = [wanted, other] if number % 2 else [other, wanted]
        expected = ExpectedTick(symbol=symbol, prices=(bid, ask), ts_event_ns=ms * 1_000_000)
        return orjson.dumps(platforms), expected

    def without_price(self, symbol: str, at_ns: int) -> bytes:
        return orjson.dumps([self._platform("SwissquoteLtd", None, 4000.0, at_ns // 1_000_000)])

    def _platform(self, name: str, bid: float | None, ask: float, ms: int) -> dict[str, object]:
        prices = [
            {"spreadProfile": "elite", "bidSpread": 16.0, "askSpread": 16.0, "bid": 1.0, "ask": 2.0},
            {"spreadProfile": "premium", "bidSpread": 25.6, "askSpread": 25.6, "bid": bid, "ask": ask},
        ]
        return {"topo": {"platform": name, "server": "Live5"}, "spreadProfilePrices": prices, "ts": ms}


class GoldApiFormat:
    """Write one price, with the time of its last change."""

    def check(self, request: Request, symbol: str) -> None:
        assert request.path == f"/price/{symbol.partition('/')[0]}"

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[bytes, ExpectedTick]:
        price = 4000.0 + number
        expected = ExpectedTick(symbol=symbol, prices=(price, price), ts_event_ns=at_ns // 1_000 * 1_000)
        return self._answer(symbol, price, at_ns), expected

    def without_price(self, symbol: str, at_ns: int) -> bytes:
        return self._answer(symbol, None, at_ns)

    def _answer(self, symbol: str, price: float | None, at_ns: int) -> bytes:
        fields = {"currency": "USD", "name": "Gold", "price": price, "symbol": symbol.partition("/")[0]}
        return orjson.dumps(
            {**fields, "updatedAt": instant_of(at_ns), "updatedAtReadable": "a few seconds ago"}
        )


class YahooMinutesFormat:
    """Write the rows of two minutes; the last is of the present one, and its prices are widened floats."""

    def check(self, request: Request, symbol: str) -> None:
        assert request.path == f"/v8/finance/chart/{symbol}"
        assert request.query == {"range": "1d", "interval": "1m", "includePrePost": "false"}
        assert request.headers["user-agent"].startswith("Mozilla/5.0")

    def tick(self, symbol: str, number: int, at_ns: int) -> tuple[bytes, ExpectedTick]:
        # Times are in seconds: each price must have one of its own.
        price, at = 240.0 + number / 100, at_ns // _SECOND_NS - 1 + number
        widened = price + 0.00001
        expected = ExpectedTick(symbol=symbol, prices=(price, price), ts_event_ns=at * _SECOND_NS)
        return self._chart(symbol, [240.0, widened, None], at), expected

    def without_price(self, symbol: str, at_ns: int) -> bytes:
        return self._chart(symbol, [None, None, None], at_ns // _SECOND_NS)

    def _chart(self, symbol: str, closes: list[float | None], at: int) -> bytes:
        meta = {
            "symbol": symbol,
            "dataGranularity": "1m",
            "regularMarketTime": at,
            "currentTradingPeriod": {"regular": {"start": at - 3_600, "end": at + 3_600}},
        }
        result = {
            "meta": meta,
            "timestamp": [at - 60, at, at + 1],
            "indicators": {"quote": [{"close": closes, "volume": [1, 0, None]}]},
        }
        return orjson.dumps({"chart": {"result": [result], "error": None}})
