"""What the application answers: headers, bounds, refusals, and clients that take nothing."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from prometheus_client import CollectorRegistry

from services.dashboard.core.reading import Phase, Reading
from services.dashboard.metrics import DashboardMetrics
from services.dashboard.streams import StreamLimits, Streams
from services.dashboard.view import PairsView, PublishedSnapshot
from services.dashboard.web import make_web
from shared.clock import SystemClock
from shared.contracts.records import SIGNALS
from shared.domain.pairs import Pair
from tests.support.snapshot_builder import PAIR, snapshot

OTHER = Pair(
    name="oil-xle",
    title="Oil vs XLE",
    lead="WTI/USD.REPLAY",
    other="XLE.REPLAY",
    lead_title="Oil",
    other_title="XLE",
)
STATIC = Path(__file__).parents[3] / "services" / "dashboard" / "static"
PATIENCE_SECONDS = 30.0


class Site:
    """The application over a view that a test writes to."""

    def __init__(
        self, *, pairs: tuple[Pair, ...] = (PAIR,), max_streams: int = 2, send_timeout_seconds: float = 10
    ) -> None:
        reading = Reading(
            servers="kafka:9092", phase=Phase.FOLLOWING, since=datetime(2020, 3, 18, tzinfo=UTC)
        )
        self.view = PairsView(pairs, reading=reading, kept_events=10)
        self.registry = CollectorRegistry()
        metrics = DashboardMetrics(self.registry, topics=(), pairs=())
        limits = StreamLimits(
            max_streams=max_streams,
            heartbeat_seconds=0.1,
            send_timeout_seconds=send_timeout_seconds,
            least_interval_seconds=0.0,
        )
        self.streams = Streams(self.view, limits=limits, metrics=metrics)
        self.web = make_web(self.view, streams=self.streams, clock=SystemClock())

    def show(self, title: str = PAIR.title) -> None:
        one = snapshot(title=title)
        self.view.show(
            PAIR.name,
            PublishedSnapshot(snapshot=one, value=SIGNALS.encode(one), published_ms=1_584_561_600_000),
        )

    def count(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"convex_dashboard_{name}")

    @asynccontextmanager
    async def visited(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.web)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            yield client


PATHS = ["/", "/compare", PAIR.page, "/nowhere", "/api/v1/pairs", "/api/v1/pairs/gold-iwm", "/api/docs"]


@pytest.mark.parametrize("path", [*PATHS, "/api/v1/pairs/nope", "/static/page.css", "/api/openapi.json"])
async def test_every_answer_carries_the_security_headers_and_no_cookie(path: str) -> None:
    async with Site().visited() as client:
        headers = (await client.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert "set-cookie" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", [*PATHS, "/compare/", "/static", f"{PAIR.page}/"])
async def test_the_host_header_is_never_repeated(path: str) -> None:
    site = Site()
    site.show()
    async with site.visited() as client:
        answer = await client.get(path, headers={"Host": "evil.example"})
    assert "evil.example" not in answer.text
    assert "evil.example" not in str(answer.headers)


async def test_pages_load_nothing_from_elsewhere_and_have_no_inline_script_or_style() -> None:
    site = Site()
    site.show()
    async with site.visited() as client:
        for path in (PAIR.page, "/compare", "/nowhere", "/api/docs"):
            page = (await client.get(path)).text
            assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) <= _own_addresses(page)
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
            assert re.findall(r"<script[^>]*>", page) in (
                [],
                ['<script src="/static/page.js" type="module">'],
            )
    for file in STATIC.iterdir():
        assert not re.findall(r"https?://(?!www\.w3\.org/)", file.read_text())


async def test_one_pair_is_the_front_page_and_several_are_a_list() -> None:
    async with Site().visited() as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.headers["location"]) == (307, PAIR.page)
    async with Site(pairs=(PAIR, OTHER)).visited() as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert "/compare/gold-vs-iwm" in page.text
    assert "/compare/oil-vs-xle" in page.text
    assert "Waiting for the first snapshot of oil-xle" in page.text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/compare/gold", "/compare/GOLD%3Cscript%3E", "/compare/" + 99 * "a-"]
)
async def test_a_wrong_address_gets_the_list_of_pairs(path: str) -> None:
    async with Site(pairs=(PAIR, OTHER)).visited() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert 'href="/compare/gold-vs-iwm"' in answer.text
    assert 'href="/compare/oil-vs-xle"' in answer.text
    assert "script>" not in answer.text.lower()


async def test_an_unknown_pair_of_the_api_gets_the_known_ones() -> None:
    async with Site().visited() as client:
        answer = await client.get("/api/v1/pairs/oil-xle")
    assert (answer.status_code, answer.json()["pairs"]) == (404, ["gold-iwm"])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("limit=501", "limit: Input should be less than or equal to 500"),
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("after=-1", "after: Input should be greater than or equal to 0"),
        ("after=99999999999999999999", "after: Input should be less than or equal to 9007199254740991"),
        ("after=soon", "after: Input should be a valid integer, unable to parse string as an integer"),
    ],
)
async def test_every_parameter_is_bounded_with_one_clear_error(query: str, error: str) -> None:
    async with Site().visited() as client:
        answer = await client.get(f"/api/v1/pairs/gold-iwm/divergences?{query}")
    assert (answer.status_code, answer.json()) == (422, {"error": error})


async def test_a_last_event_id_that_is_no_number_is_refused() -> None:
    async with Site().visited() as client:
        answer = await client.get("/api/v1/pairs/gold-iwm/stream", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 422


async def test_text_from_kafka_is_escaped() -> None:
    site = Site()
    site.show(title="<script>alert(1)</script>")
    async with site.visited() as client:
        page = (await client.get(PAIR.page)).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


async def test_head_is_answered_without_a_body() -> None:
    async with Site().visited() as client:
        assert (await client.head(PAIR.page)).status_code == 200


async def test_the_openapi_document_lists_every_route_of_the_api() -> None:
    async with Site().visited() as client:
        paths = (await client.get("/api/openapi.json")).json()["paths"]
        docs = (await client.get("/api/docs")).text
    assert set(paths) == {
        "/api/v1/pairs",
        "/api/v1/pairs/{pair}",
        "/api/v1/pairs/{pair}/divergences",
        "/api/v1/pairs/{pair}/stream",
    }
    assert all(path in docs for path in paths)


async def test_one_live_connection_too_many_is_refused_and_a_free_place_is_given_again() -> None:
    site = Site(max_streams=1)
    async with served(site) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        path = "/api/v1/pairs/gold-iwm/stream"
        async with client.stream("GET", path) as first:
            assert first.status_code == 200
            assert site.count("streams") == 1.0
            refused = await client.get(path)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
            assert refused.json()["error"].startswith("1 live connections are open")
        await until(lambda: site.count("streams") == 0.0)
        async with client.stream("GET", path) as again:
            assert again.status_code == 200
    assert site.count("streams_refused_total") == 1.0


@pytest.mark.slow
async def test_a_client_that_takes_nothing_is_dropped_while_others_are_served() -> None:
    site = Site(send_timeout_seconds=0.5)
    async with served(site) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        deaf = socket.socket()
        host, port = url.removeprefix("http://").split(":")
        # A small window, so that not megabytes of snapshots fit on the way.
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect((host, int(port)))
        deaf.sendall(b"GET /api/v1/pairs/gold-iwm/stream HTTP/1.1\r\nHost: site\r\n\r\n")
        await until(lambda: site.count("streams") == 1.0)
        async with client.stream("GET", "/api/v1/pairs/gold-iwm/stream") as hearing:
            names: list[str] = []
            hearer = asyncio.create_task(_collect(hearing, names))
            number = 0

            def dropped() -> bool:
                nonlocal number
                number += 1
                site.show(title=f"{number} " + 50_000 * "x")
                return (
                    site.registry.get_sample_value(
                        "convex_dashboard_streams_dropped_total", {"reason": "slow"}
                    )
                    == 1.0
                )

            await until(dropped)
            assert site.count("streams") == 1.0
            before = len(names)
            site.show(title="after")
            await until(lambda: len(names) > before)
            hearer.cancel()
        deaf.close()


async def _collect(answer: httpx.Response, names: list[str]) -> None:
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            names.append(line.removeprefix("event: "))  # noqa: PERF401  read while it grows


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(site.web, log_config=None, access_log=False, lifespan="off")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        site.streams.close()
        server.should_exit = True
        await serving
        listener.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  what is waited for is a counter, which sets no event
            await asyncio.sleep(0.01)


def _own_addresses(page: str) -> set[str]:
    return {
        address for address in re.findall(r'(?:src|href)="([^"]*)"', page) if re.match(r"[/#](?!/)", address)
    }
