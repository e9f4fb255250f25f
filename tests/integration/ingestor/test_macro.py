"""Macro series from servers that answer as FRED, Cboe and CoinGecko do, with what goes wrong there."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.ingestor.core.refusals import Patience, Refusal
from services.ingestor.feeds.macro.feed import MacroFeed
from services.ingestor.feeds.macro.ports import Readings, SeriesSource
from services.ingestor.feeds.transport.http_errors import Refused, Throttled, Unanswered
from services.ingestor.feeds.transport.secrets import Redactor
from services.ingestor.feeds.venues.cboe.indices import CboeIndex
from services.ingestor.feeds.venues.coingecko.market_chart import CoinGeckoChart
from services.ingestor.feeds.venues.fred.graph_csv import FredGraphSeries
from services.ingestor.feeds.venues.fred.series import FredSeries
from services.ingestor.metrics import IngestorMetrics
from shared.clock import ManualClock
from shared.domain.macro import Observation
from tests.support.fake_feeds.fred import FakeFred
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request
from tests.support.fake_feeds.sink import RecordingSink

_KEY = "fred-secret-key"
_PATIENCE = Patience()
_VALUES = {
    # Thursday to Tuesday; Monday the 27th is Memorial Day. Each is published on the next business day.
    "2024-05-23": {"2024-05-24": "2.11"},
    "2024-05-24": {"2024-05-28": "2.13", "2024-06-03": "2.14"},
    "2024-05-27": {"2024-05-28": "."},
    "2024-05-28": {"2024-05-29": "2.20"},
}
# 19:00 New York is the time of the daily pull.
_NOON = datetime(2024, 6, 10, 16, 0, tzinfo=UTC)


def _fred(**changes: object) -> FakeFred:
    values = {day: dict(vintages) for day, vintages in _VALUES.items()}
    return FakeFred(series={"DFII10": values}, **changes)  # type: ignore[arg-type]  # any of its fields


def _source(client: httpx.AsyncClient, *, series: str = "DFII10", key: str = _KEY) -> FredSeries:
    return FredSeries(client, series, key=SecretStr(key), begin=date(2000, 1, 1), clock=ManualClock(_NOON))


@asynccontextmanager
async def _client(server: HttpServer) -> AsyncIterator[httpx.AsyncClient]:
    async with server, httpx.AsyncClient(base_url=server.url) as client:
        yield client


class _Running:
    def __init__(self, task: asyncio.Task[None], sink: RecordingSink, registry: CollectorRegistry) -> None:
        self.task = task
        self.sink = sink
        self._registry = registry

    def count(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"convex_ingestor_{name}", {"series": "fred:DFII10", **labels})

    def observations(self, outcome: str) -> float | None:
        return self.count("macro_observations_total", outcome=outcome)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.005)


@asynccontextmanager
async def _running(
    source: SeriesSource,
    *,
    clock: ManualClock | None = None,
    known: tuple[Observation, ...] = (),
    patience: Patience = _PATIENCE,
) -> AsyncIterator[_Running]:
    registry = CollectorRegistry()

    async def known_observations() -> tuple[Observation, ...]:
        return known

    feed = MacroFeed(
        source,
        series="fred:DFII10",
        known=known_observations,
        uniform=lambda: 0.01,
        metrics=IngestorMetrics(
            registry, feeds=(source.name,), instruments=(), streams={}, macro_series=("fred:DFII10",)
        ),
        clock=clock if clock is not None else ManualClock(_NOON),
        patience=patience,
        redactor=Redactor(["Zx9Key/Secret"]),
    )
    sink = RecordingSink()
    running = _Running(asyncio.create_task(feed.run(sink)), sink, registry)
    try:
        yield running
    finally:
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


def _rows(observations: list[Observation]) -> list[tuple[str, str, float | None]]:
    return [(each.date, each.vintage, each.value) for each in observations]


_ALL = [
    ("2024-05-23", "2024-05-24", 2.11),
    ("2024-05-24", "2024-05-28", 2.13),
    ("2024-05-27", "2024-05-28", None),
    ("2024-05-28", "2024-05-29", 2.20),
    ("2024-05-24", "2024-06-03", 2.14),
]


async def test_every_vintage_is_published_and_a_dot_is_no_value() -> None:
    fred = _fred()
    async with _client(fred.server) as client, _running(_source(client)) as running:
        await running.until(lambda: bool(running.sink.observations))
    assert _rows(running.sink.observations) == _ALL
    assert {each.unit for each in running.sink.observations} == {"percent"}
    assert (running.observations("added"), running.observations("revised")) == (4, 1)


async def test_only_what_is_new_is_published_at_the_next_start() -> None:
    fred = _fred()
    async with _client(fred.server) as client:
        async with _running(_source(client)) as first:
            await first.until(lambda: bool(first.sink.observations))
        fred.series["DFII10"]["2024-05-29"] = {"2024-05-30": "2.25"}
        async with _running(_source(client), known=tuple(first.sink.observations)) as second:
            await second.until(lambda: bool(second.sink.observations))
    assert _rows(second.sink.observations) == [("2024-05-29", "2024-05-30", 2.25)]
    assert second.observations("unchanged") == 5


async def test_daily_pull_asks_for_the_last_vintages_only_and_finds_a_revision() -> None:
    fred = _fred()
    clock = ManualClock(datetime(2024, 6, 10, 22, 59, 59, 950_000, tzinfo=UTC))
    async with _client(fred.server) as client, _running(_source(client), clock=clock) as running:
        await running.until(lambda: bool(running.sink.observations))
        running.sink.observations.clear()
        fred.series["DFII10"]["2024-05-28"]["2024-06-10"] = "2.21"
        clock.advance(timedelta(seconds=1))
        await running.until(lambda: bool(running.sink.observations))
    assert _rows(running.sink.observations) == [("2024-05-28", "2024-06-10", 2.21)]
    assert fred.windows() == [("1776-07-04", "9999-12-31"), ("2024-05-27", "9999-12-31")]


async def test_window_that_shrinks_at_the_source_removes_nothing() -> None:
    fred = _fred()
    async with _client(fred.server) as client:
        async with _running(_source(client)) as first:
            await first.until(lambda: bool(first.sink.observations))
        for day in ("2024-05-23", "2024-05-24", "2024-05-27"):
            del fred.series["DFII10"][day]
        fred.series["DFII10"]["2024-05-29"] = {"2024-05-30": "2.25"}
        async with _running(_source(client), known=tuple(first.sink.observations)) as second:
            await second.until(lambda: bool(second.sink.observations))
    assert _rows(second.sink.observations) == [("2024-05-29", "2024-05-30", 2.25)]


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_too_many_vintages_are_asked_for_in_windows_with_the_same_result(most: int) -> None:
    fred = _fred(most_vintages=most)
    async with _client(fred.server) as client, _running(_source(client)) as running:
        await running.until(lambda: bool(running.sink.observations))
    assert _rows(running.sink.observations) == _ALL
    assert len(fred.windows()) > 2
    assert fred.windows()[-1][1] == "9999-12-31"


async def test_vintages_of_one_day_that_are_too_many_are_an_error_and_no_endless_loop() -> None:
    refused = Answer(status=400, body=b'{"error_code":400,"error_message":"Too many vintage dates."}')
    fred = _fred(answers=[refused] * 100)
    async with _client(fred.server) as client:
        with pytest.raises(Unanswered, match="too many vintages in one day"):
            await _source(client).readings(since=None)
    assert len(fred.server.requests) < 30


async def test_long_answer_is_read_page_by_page() -> None:
    fred = _fred(page=2)
    async with _client(fred.server) as client, _running(_source(client)) as running:
        await running.until(lambda: bool(running.sink.observations))
    assert _rows(running.sink.observations) == _ALL
    assert [each.query["offset"] for each in fred.server.requests] == ["0", "2", "4"]


async def test_pages_without_end_are_given_up() -> None:
    row = b'{"realtime_start":"2024-05-24","date":"2024-05-23","value":"2.11"}'
    page = Answer(body=b'{"count":1000000000,"observations":[' + row + b"]}")
    fred = _fred(answers=list(itertools.repeat(page, 300)))
    async with _client(fred.server) as client:
        with pytest.raises(Unanswered, match="more than 200 requests"):
            await _source(client).readings(since=None)


@pytest.mark.parametrize("content_type", ["application/json", "text/xml; charset=UTF-8"])
@pytest.mark.parametrize(
    ("series", "key", "refusal"),
    [("DFII10", "wrong-key-of-ours", Refusal.ACCESS), ("NOPE", _KEY, Refusal.UNKNOWN_SYMBOL)],
)
async def test_errors_of_fred_are_told_apart_whatever_their_content_type(
    content_type: str, series: str, key: str, refusal: Refusal
) -> None:
    fred = _fred(content_type=content_type)
    async with _client(fred.server) as client:
        with pytest.raises(Unanswered) as caught:
            await _source(client, series=series, key=key).readings(since=None)
    assert caught.value.refusal is refusal
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=429, body=b'{"error_code":429,"error_message":"Too Many Requests."}'), "throttled"),
        (Answer(body=b'{"error_code":429,"error_message":"Exceeded Rate Limit"}'), "throttled"),
        (Answer(status=400, body=b'{"error_message":"Exceeded Rate Limit"}'), "throttled"),
        (Answer(body=b'{"error_code":400,"error_message":"api_key fred-secret-key is bad"}'), "refused"),
        (Answer(status=423, body=b'{"error_message":"Locked"}'), "bad_request"),
        (Answer(status=500, body=b"oops", content_type="text/plain"), "server_error"),
        (Answer(status=504, body=b"", content_type="text/plain"), "server_error"),
        (Answer(body=b"<html>maintenance</html>", content_type="text/html"), "blocked"),
        (
            Answer(body=b'<?xml version="1.0"?><error code="400" message="no"/>', content_type="text/xml"),
            "blocked",
        ),
        (Answer(body=b'{"observations":['), "not_json"),
        (Answer(body=b"[]"), "not_json"),
        (Answer(body=b'{"observations":{}}'), "not_json"),
        (Answer(body=b'{"count":0,"observations":[]}'), "empty"),
        (Answer(body=b'{"obs', headers={"Content-Length": "500"}), "unreachable"),
        (None, "unreachable"),
    ],
)
async def test_answer_without_observations_is_classified_and_asked_again(
    answer: Answer | None, reason: str
) -> None:
    fred = _fred(answers=[answer])
    patience = Patience(cool_down_seconds=0.0)
    with capture_logs() as logs:
        async with _client(fred.server) as client:
            with pytest.raises(Unanswered) as caught:
                await _source(client).readings(since=None)
            assert caught.value.reason == reason
            assert _KEY not in str(caught.value)
            if isinstance(caught.value, Throttled):
                assert caught.value.retry_after_seconds == 60.0
                return
            fred.answers = [answer]
            async with _running(_source(client), patience=patience) as running:
                await running.until(lambda: bool(running.sink.observations))
    assert _KEY not in str(logs)


async def test_throttling_is_waited_out_as_long_as_asked() -> None:
    busy = Answer(status=429, body=b"", content_type="text/plain", headers={"Retry-After": "1"})
    fred = _fred(answers=[busy])
    async with (
        _client(fred.server) as client,
        _running(_source(client), patience=Patience(cool_down_seconds=0.0)) as running,
    ):
        began = asyncio.get_running_loop().time()
        await running.until(lambda: bool(running.sink.observations))
        assert asyncio.get_running_loop().time() - began >= 0.95


async def test_key_that_stays_refused_is_reported_once_and_accepted_when_it_works_again() -> None:
    fred = _fred(key="another-key")
    patience = Patience(refusals=3, over_seconds=0.0, ask_again_seconds=0.05)
    with capture_logs() as logs:
        async with _client(fred.server) as client, _running(_source(client), patience=patience) as running:
            await running.until(lambda: running.count("macro_refused") == 1)
            await running.until(lambda: len(fred.server.requests) >= 5)
            fred.key = _KEY
            await running.until(lambda: bool(running.sink.observations))
            assert running.count("macro_refused") == 0
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["feed_refused"]
    assert "api_key is not registered" in str(logs)
    assert _KEY not in str(logs)


async def test_one_refusal_is_no_refusal_for_good() -> None:
    fred = _fred(answers=[Answer(status=403, body=b'{"error_message":"Forbidden"}')])
    with capture_logs() as logs:
        async with _client(fred.server) as client, _running(_source(client)) as running:
            await running.until(lambda: bool(running.sink.observations))
            assert running.count("macro_refused") == 0
    assert [each["event"] for each in logs if each["log_level"] == "error"] == []


async def test_row_that_cannot_be_read_is_a_dead_letter_and_the_others_are_published() -> None:
    fred = _fred()
    fred.series["DFII10"]["2024-05-29"] = {"2024-05-30": "n/a"}
    fred.series["DFII10"]["2024-05-30"] = {"2024-05-31": "1e300"}
    fred.series["DFII10"]["2024-05-31"] = {"2024-06-03": "2.30"}
    async with _client(fred.server) as client, _running(_source(client)) as running:
        await running.until(lambda: bool(running.sink.observations))
    assert ("2024-05-31", "2024-06-03", 2.30) in _rows(running.sink.observations)
    assert sorted(reason for reason, _ in running.sink.rejected) == ["outside_range", "undecodable"]
    assert running.observations("rejected") == 2


def _csv_server(body: bytes, *, path: str, content_type: str = "text/csv") -> HttpServer:
    def answer(request: Request) -> Answer:
        if request.path != path:
            return Answer(status=404, body=b"not here", content_type="text/plain")
        return Answer(body=body, content_type=content_type)

    return HttpServer(answer)


_VIX = "/api/global/us_indices/daily_prices/VIX_History.csv"
_GVZ = "/api/global/us_indices/daily_prices/GVZ_History.csv"


async def test_cboe_file_with_prices_of_the_day_gives_its_close() -> None:
    body = (
        b"DATE,OPEN,HIGH,LOW,CLOSE\r\n01/02/1990,17.2,17.3,17.1,17.24\r\n06/07/2024,12.6,12.7,12.1,12.22\r\n"
    )
    async with _client(_csv_server(body, path=_VIX)) as client:
        readings = await CboeIndex(client, "VIX").readings(since=None)
    assert [(each.date, each.value) for each in readings.rows] == [
        ("1990-01-02", 17.24),
        ("2024-06-07", 12.22),
    ]
    assert readings.unreadable == []


@pytest.mark.parametrize("header", [b"DATE,GVZ", b"Date,gvz", b"\xef\xbb\xbfDATE, GVZ "])
async def test_cboe_file_with_one_column_gives_that_column(header: bytes) -> None:
    body = header + b"\n09/21/2026,.\n09/22/2026,23.590000\n"
    async with _client(_csv_server(body, path=_GVZ)) as client:
        readings = await CboeIndex(client, "GVZ").readings(since=None)
    assert [(each.date, each.value) for each in readings.rows] == [
        ("2026-09-21", None),
        ("2026-09-22", 23.59),
    ]


async def test_cboe_redirect_is_followed() -> None:
    target = _csv_server(b"DATE,GVZ\n09/22/2026,23.59\n", path="/elsewhere.csv")
    async with target:
        moved = Answer(status=302, body=b"", headers={"Location": f"{target.url}/elsewhere.csv"})
        async with _client(HttpServer(lambda _: moved)) as client:
            readings = await CboeIndex(client, "GVZ").readings(since=None)
    assert [each.value for each in readings.rows] == [23.59]


async def test_cboe_redirects_without_end_are_an_error() -> None:
    moved = Answer(status=302, body=b"", headers={"Location": _GVZ})
    server = HttpServer(lambda _: moved)
    async with _client(server) as client:
        with pytest.raises(Unanswered):
            await CboeIndex(client, "GVZ").readings(since=None)
    assert len(server.requests) < 10


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"DATE,OTHER\n09/22/2026,23.59\n", "not_json"),
        (b"DAY,GVZ\n09/22/2026,23.59\n", "not_json"),
        (b"DATE,GVZ\n", "empty"),
        (b'DATE,GVZ\n"09/22/2026,23.59\n', "not_json"),
        (b"<!doctype html><p>Access denied", "blocked"),
        (b"DATE,GVZ\n09/22/2026,\xff\xfe\n", "not_json"),
    ],
)
async def test_file_that_is_no_series_is_asked_for_again(body: bytes, reason: str) -> None:
    async with _client(_csv_server(body, path=_GVZ)) as client:
        with pytest.raises(Unanswered) as caught:
            await CboeIndex(client, "GVZ").readings(since=None)
    assert caught.value.reason == reason


async def test_odd_rows_of_a_file_cost_only_themselves() -> None:
    body = b"DATE,GVZ\n09/18/2026\n2026-09-19,1\n02/30/2026,1\n09/21/2026,n/a\n\n09/22/2026,23.59\n"
    async with _client(_csv_server(body, path=_GVZ)) as client:
        readings = await CboeIndex(client, "GVZ").readings(since=None)
    assert [each.date for each in readings.rows] == ["2026-09-22"]
    assert len(readings.unreadable) == 4


@pytest.mark.parametrize("header", [b"observation_date,GVZCLS", b"DATE,GVZCLS"])
async def test_graph_csv_is_read_with_both_headers_and_both_ways_to_write_no_value(header: bytes) -> None:
    server = _csv_server(
        header + b"\n2026-01-01,\n2026-01-02,.\n2026-01-05,19.5\n", path="/graph/fredgraph.csv"
    )
    async with _client(server) as client:
        readings = await FredGraphSeries(client, "GVZCLS", begin=date(2026, 1, 1)).readings(since=None)
    assert [(each.date, each.value, each.vintage) for each in readings.rows] == [
        ("2026-01-01", None, None),
        ("2026-01-02", None, None),
        ("2026-01-05", 19.5, None),
    ]
    assert server.requests[0].query == {"id": "GVZCLS", "cosd": "2026-01-01"}


_MIDNIGHT = 1_767_225_600_000
_CHART = b'{"prices":[[%d,4320.5],[%d,4331],[%d,4340.25]],"market_caps":[],"total_volumes":[]}' % (
    _MIDNIGHT,
    _MIDNIGHT + 86_400_000,
    _MIDNIGHT + 90_000_000,
)


async def test_coingecko_gives_the_price_at_each_midnight_and_the_key_goes_into_a_header() -> None:
    server = _csv_server(_CHART, path="/api/v3/coins/pax-gold/market_chart", content_type="application/json")
    async with _client(server) as client:
        key = SecretStr("CG-secret")
        readings = await CoinGeckoChart(client, "pax-gold", key=key).readings(since=None)
    assert [(each.date, each.value) for each in readings.rows] == [
        ("2026-01-01", 4320.5),
        ("2026-01-02", 4331.0),
    ]
    assert server.requests[0].headers["x-cg-demo-api-key"] == "CG-secret"
    assert "CG-secret" not in str(server.requests[0].query)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            Answer(
                status=429,
                body=b'{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}',
            ),
            "throttled",
        ),
        (
            Answer(body=b'{"status":{"error_code":429,"error_message":"You\'ve exceeded the Rate Limit."}}'),
            "throttled",
        ),
        (Answer(status=404, body=b'{"error":"coin not found"}'), "not_found"),
        (Answer(body=b'{"error":{"status":{"error_code":10012,"error_message":"no"}}}'), "bad_request"),
        (Answer(body=b'{"prices":[]}'), "empty"),
        (Answer(body=b'{"prices":{}}'), "not_json"),
        (Answer(body=b'"hello"'), "not_json"),
        (Answer(body=b'{"error":null,"status":[]}'), "not_json"),
    ],
)
async def test_answers_of_coingecko_without_prices_are_classified(answer: Answer, reason: str) -> None:
    async with _client(HttpServer(lambda _: answer)) as client:
        with pytest.raises(Unanswered) as caught:
            await CoinGeckoChart(client, "pax-gold", key=None).readings(since=None)
    assert caught.value.reason == reason


async def test_odd_points_of_coingecko_cost_only_themselves() -> None:
    points = b'["x",1],[1],[true,2],[1767225600000,false],[1e300,2],[-86400000,2],[1767225600000,null]'
    async with _client(HttpServer(lambda _: Answer(body=b'{"prices":[' + points + b"]}"))) as client:
        readings = await CoinGeckoChart(client, "pax-gold", key=None).readings(since=None)
    assert [(each.date, each.value) for each in readings.rows] == [("2026-01-01", None)]
    assert len(readings.unreadable) == 6


class _Echo:
    """Refuses with the key in capitals."""

    name = "fred"
    unit = "percent"

    async def readings(self, *, since: str | None) -> Readings:
        raise Refused(f"bad key ZX9KEY%2fSECRET since {since}", refusal=Refusal.ACCESS)


async def test_key_that_a_provider_repeats_is_not_in_the_log() -> None:
    with capture_logs() as logs:
        async with _running(_Echo()):
            for _ in range(500):
                if not logs:
                    await asyncio.sleep(0.01)
    assert {each["error"] for each in logs} == {"bad key [key removed] since None"}
