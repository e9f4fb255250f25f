"""``GET /v1/events``: a receiver proves that it missed nothing, and no client reaches what is not its own."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.notifier.api import events_api
from services.notifier.api.bounded_server import BoundedServer
from services.notifier.api.events_api import EventsApi, EventTokens
from services.notifier.api.serving import serving_events
from services.notifier.config import ApiSettings
from services.notifier.store.database import Database
from services.notifier.store.endpoint_events import EndpointEvent, EndpointEventPage
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.retention import Retention
from shared.clock import ManualClock
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Outcome
from shared.errors import ConfigError, StoreUnavailable
from tests.integration.notifier.stored_messages import ANN, DESK, HOUR_NS, defer, end, event, store

TOKEN = "desk-token-0123456789"
CLOCK = ManualClock(datetime(2025, 11, 28, 12, 0, tzinfo=UTC))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(store_url)
    yield opened
    await opened.close()


class Client:
    """Asks with a token."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session = session
        self.url = f"http://127.0.0.1:{port}"

    async def ask(self, query: str = "", *, token: str | None = TOKEN) -> tuple[int, Any, Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        async with self.session.get(f"{self.url}/v1/events{query}", headers=headers) as response:
            assert response.content_type == "application/json"
            return response.status, json.loads(await response.read()), response.headers


@asynccontextmanager
async def serving(url: str, **options: Any) -> AsyncIterator[Client]:
    tokens = {"desk": [TOKEN, "desk-second-token"], "ann": ["ann-token-0123456789"]}
    async with (
        serving_events(
            ApiSettings(port=0),
            database_url=url,
            tokens=tokens,
            clock=options.pop("clock", CLOCK),
            **options,
        ) as port,
        aiohttp.ClientSession() as session,
    ):
        assert port is not None
        yield Client(session, port)


@asynccontextmanager
async def serving_pages(source: Any) -> AsyncIterator[Client]:
    api = EventsApi(events=source, tokens=EventTokens({"desk": [TOKEN]}), clock=CLOCK)
    async with api.server() as server, aiohttp.ClientSession() as session:
        yield Client(session, await server.start("127.0.0.1", 0))


async def test_every_message_is_there_with_its_state_and_its_bytes(
    database: Database, store_url: str
) -> None:
    values = [
        DIVERGENCES.encode(event(1)),
        b'{ "b":1.0,\t"a" : 1e400, "\\u00e9": "\xc3\xa9" }',
        b'{"n":0.10}',
    ]
    first, second, third = [
        await store(database, event(number), DESK, at_ns=1_000 + number, value=value)
        for number, value in enumerate(values, 1)
    ]
    await store(database, event(4), DESK, at_ns=1_004)
    await end(database, first, Outcome.DELIVERED)
    await end(database, second, Outcome.EXPIRED, "deadline_passed")
    await end(database, third, Outcome.REJECTED, "not_found")

    async with serving(store_url) as client:
        status, answer, _ = await client.ask()
        async with client.session.get(
            f"{client.url}/v1/events", headers={"Authorization": f"bearer {TOKEN}"}
        ) as response:
            raw = await response.read()

    assert status == 200
    assert {name: answer[name] for name in answer if name != "events"} == {
        "subscription": "desk",
        "after": 0,
        "first_kept": 1,
        "last": 4,
        "next_after": 4,
        "has_more": False,
    }
    assert [(each["endpoint_sequence"], each["state"]) for each in answer["events"]] == [
        (1, "delivered"),
        (2, "expired"),
        (3, "rejected"),
        (4, "pending"),
    ]
    assert answer["events"][0]["event_id"] == event(1).event_id
    for value in values:
        assert b'"event":' + value + b"}" in raw


async def test_pages_join_without_a_gap_or_an_overlap(database: Database, store_url: str) -> None:
    for number in range(1, 124):
        await store(database, event(number), DESK, ANN, at_ns=1_000 + number)
    seen: list[int] = []
    after, has_more = 0, True
    async with serving(store_url) as client:
        while has_more:
            _, answer, _ = await client.ask(f"?after={after}&limit=57")
            seen += [each["endpoint_sequence"] for each in answer["events"]]
            after, has_more = answer["next_after"], answer["has_more"]
        _, beyond, _ = await client.ask("?after=500")
        _, whole, _ = await client.ask("?limit=123")

    assert seen == list(range(1, 124))
    assert (beyond["events"], beyond["next_after"], beyond["last"], beyond["has_more"]) == (
        [],
        500,
        123,
        False,
    )
    assert (len(whole["events"]), whole["has_more"]) == (123, False)


async def test_default_is_a_hundred_messages(database: Database, store_url: str) -> None:
    for number in range(1, 102):
        await store(database, event(number), DESK)
    async with serving(store_url) as client:
        _, answer, _ = await client.ask()

    assert (len(answer["events"]), answer["next_after"], answer["has_more"]) == (100, 100, True)


async def test_after_a_purge_it_says_from_where_on_nothing_is_missing(
    database: Database, store_url: str
) -> None:
    """The third message is of an old divergence that goes on, the fourth of one that has been deleted."""
    for number in (1, 2):
        await end(database, await store(database, event(number), DESK, at_ns=1_000), Outcome.DELIVERED)
    await store(database, event(3), DESK, at_ns=1_000)
    await end(database, await store(database, event(4), DESK, at_ns=1_000), Outcome.DELIVERED)
    for number in (5, 6):
        await store(database, event(number), DESK, at_ns=9_000)
    outbox = AuditOutbox(database)
    await outbox.mark_published(await outbox.unpublished(limit=100))
    await Retention(database).purge(5_000)

    async with serving(store_url) as client:
        _, answer, _ = await client.ask()

    assert [each["endpoint_sequence"] for each in answer["events"]] == [3, 5, 6]
    assert (answer["first_kept"], answer["last"]) == (5, 6)


async def test_store_whose_newest_message_was_deleted_has_none_complete(
    database: Database, store_url: str
) -> None:
    await store(database, event(1), DESK, at_ns=1_000)
    await end(database, await store(database, event(2), DESK, at_ns=1_000), Outcome.DELIVERED)
    outbox = AuditOutbox(database)
    await outbox.mark_published(await outbox.unpublished(limit=100))
    await Retention(database).purge(5_000)

    async with serving(store_url) as client:
        _, desk, _ = await client.ask()
        _, ann, _ = await client.ask(token="ann-token-0123456789")

    assert (len(desk["events"]), desk["first_kept"], desk["last"]) == (1, 3, 2)
    assert (ann["events"], ann["first_kept"], ann["last"]) == ([], 1, 0)


async def test_each_token_shows_its_own_subscription_only(database: Database, store_url: str) -> None:
    await store(database, event(1), DESK, ANN)
    await store(database, event(2), ANN)
    async with serving(store_url) as client:
        _, desk, _ = await client.ask(token="desk-second-token")
        _, ann, _ = await client.ask(token="ann-token-0123456789")

    assert (desk["subscription"], len(desk["events"])) == ("desk", 1)
    assert (ann["subscription"], len(ann["events"])) == ("ann", 2)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer desk",
        "Bearer \xe9",
        "Bearer " + "x" * 3_000,
    ],
)
async def test_who_has_no_token_learns_nothing(
    database: Database, store_url: str, authorization: str | None
) -> None:
    await store(database, event(1), DESK)
    async with serving(store_url) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]))
        lines = ["GET /v1/events?after=-1 HTTP/1.1", "Host: x"]
        lines += [f"Authorization: {authorization}"] if authorization is not None else []
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'WWW-Authenticate: Bearer realm="convex"\r\n' in answer
    assert b"desk" not in answer


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "query",
    [
        "?after=-1",
        "?after=",
        "?after=x",
        "?after=1.0",
        "?after=1e3",
        "?after=%2B1",
        "?after=1_0",
        "?after=%D9%A3",
        "?after=9223372036854775808",
        "?after=99999999999999999999999999",
        "?after=1&after=2",
        "?limit=0",
        "?limit=1001",
        "?limit=-5",
        "?limit=all",
    ],
)
async def test_number_that_is_none_is_refused_by_name(database: Database, store_url: str, query: str) -> None:
    async with serving(store_url) as client:
        status, answer, _ = await client.ask(query)

    assert (status, answer["error"]) == (400, "bad_request")
    assert answer["message"].startswith(query[1:6] + " must be one whole number from ")


async def test_largest_numbers_are_no_error(database: Database, store_url: str) -> None:
    async with serving(store_url) as client:
        status, answer, _ = await client.ask("?after=999999999999999999&limit=1000")

    assert (status, answer["events"]) == (200, [])


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/events", 405),
        ("DELETE", "/v1/events", 405),
        ("GET", "/", 404),
        ("GET", "/v1/events/", 404),
        ("GET", "/v2/events", 404),
    ],
)
async def test_there_is_one_path_and_one_method(
    database: Database, store_url: str, method: str, path: str, status: int
) -> None:
    async with (
        serving(store_url) as client,
        client.session.request(
            method, client.url + path, headers={"Authorization": f"Bearer {TOKEN}"}
        ) as response,
    ):
        assert response.status == status
        assert "message" in json.loads(await response.read())


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_receiver_that_asks_too_often_waits_and_others_do_not(
    database: Database, store_url: str
) -> None:
    clock = ManualClock(datetime(2025, 11, 28, 12, 0, tzinfo=UTC))
    statuses: list[int] = []
    async with serving(store_url, clock=clock, on_answer=statuses.append) as client:
        for _ in range(21):
            status, answer, headers = await client.ask()
        other, _, _ = await client.ask(token="ann-token-0123456789")
        clock.advance(timedelta(seconds=1))
        later, _, _ = await client.ask()

    assert (status, answer["error"], headers["Retry-After"]) == (429, "rate_limited", "1")
    assert (other, later) == (200, 200)
    assert statuses == [200] * 20 + [429, 200, 200]


class Pages:
    """Messages of one size, none of which is stored."""

    def __init__(self, count: int, size: int) -> None:
        self.count = count
        self.value = b'"' + b"x" * (size - 2) + b'"'
        self.largest = 0

    async def after(self, subscription: str, after: int, *, limit: int) -> EndpointEventPage:
        numbers = range(after + 1, min(after + limit, self.count) + 1)
        self.largest = max(self.largest, len(numbers))
        return EndpointEventPage(
            events=tuple(
                EndpointEvent(
                    endpoint_sequence=number, state="delivered", event_id=f"ev_{number}", value=self.value
                )
                for number in numbers
            ),
            first_kept=1,
            last=self.count,
        )


@pytest.mark.parametrize(("size", "count"), [(1_000_000, 4), (5_000_000, 1), (4 * 1024 * 1024, 1), (100, 60)])
async def test_answer_is_bounded_and_the_next_one_goes_on(size: int, count: int) -> None:
    pages = Pages(60, size)
    async with serving_pages(pages) as client:
        _, first, _ = await client.ask("?limit=1000")
        _, second, _ = await client.ask(f"?limit=1000&after={first['next_after']}")

    assert len(first["events"]) == count
    assert first["has_more"] is (count < 60)
    assert pages.largest <= 50
    if count < 60:
        assert second["events"][0]["endpoint_sequence"] == count + 1


class Away:
    """A store that fails as told."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def after(self, subscription: str, after: int, *, limit: int) -> EndpointEventPage:
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("error", [StoreUnavailable("disk full"), None], ids=["fails", "hangs"])
async def test_store_that_is_away_is_an_answer_for_later(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_api, "_READ_SECONDS", 0.05)
    async with serving_pages(Away(error)) as client:
        status, answer, headers = await client.ask()

    assert (status, answer["error"], headers["Retry-After"]) == (503, "unavailable", "5")
    assert "disk" not in json.dumps(answer)


async def answer_ok(_request: object) -> aiohttp.web.Response:
    return aiohttp.web.Response(text="ok")


async def test_client_that_sends_nothing_or_slowly_is_cut() -> None:
    async with BoundedServer(answer_ok, connection_seconds=0.2) as server:
        port = await server.start("127.0.0.1", 0)
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            async with asyncio.timeout(5):
                (answer,) = await asyncio.gather(reader.read(), return_exceptions=True)
            assert answer == b"" or isinstance(answer, ConnectionError)
            writer.close()


async def test_connections_beyond_the_limit_are_refused_and_the_next_are_served() -> None:
    async with BoundedServer(answer_ok, max_connections=3) as server:
        port = await server.start("127.0.0.1", 0)
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://127.0.0.1:{port}/")
            for _, writer in held:
                writer.close()
                await writer.wait_closed()
            await asyncio.sleep(0.05)
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                assert (response.status, response.headers["Connection"]) == (200, "close")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x00\x05hello\r\n\r\n",
        b"GET /v1/events HTTP/9.9\r\n\r\n",
        b"GET /v1/events?after=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET " + b"/x" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1_000 + b"\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_bytes_that_are_no_request_cost_nobody_else(
    database: Database, store_url: str, sent: bytes
) -> None:
    async with serving(store_url) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rpartition(":")[2]))
        writer.write(sent)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        status, _, _ = await client.ask()

    assert status == 200
    assert answer[9:10] in (b"", b"4")


async def test_reads_go_on_while_the_notifier_writes(database: Database, store_url: str) -> None:
    """The notifier's own connection holds a transaction; the API reads over another."""
    await store(database, event(1), DESK)
    started, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(connection: Any) -> None:
        connection.exec_driver_sql("UPDATE events SET pair = 'held'")
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(10)

    async with serving(store_url) as client:
        holding = asyncio.create_task(database.run(hold))
        await started.wait()
        status, answer, _ = await client.ask()
        release.set()
        await holding

    assert (status, len(answer["events"])) == (200, 1)


async def test_nothing_is_served_without_a_port(tmp_path: Path) -> None:
    async with serving_events(
        ApiSettings(), database_url=f"sqlite:///{tmp_path}/none.db", tokens={}, clock=CLOCK
    ) as port:
        assert port is None
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib is refused in a coroutine


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_port_that_is_taken_is_one_clear_error(database: Database, store_url: str) -> None:
    async with serving(store_url) as client:
        taken = int(client.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match="CONVEX_NOTIFIER_API__HOST and __PORT: cannot listen on"):
            async with serving_events(
                ApiSettings(port=taken),
                database_url=store_url,
                tokens={},
                clock=CLOCK,
            ):
                pass


def test_one_token_for_two_subscriptions_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError, match="subscriptions desk and ann have the same events token") as caught:
        EventTokens({"desk": ["s3cret-token"], "ann": ["other", "s3cret-token"]})

    assert "s3cret" not in str(caught.value)


async def test_message_that_waits_for_its_next_attempt_is_pending(database: Database, store_url: str) -> None:
    await defer(database, await store(database, event(1), DESK), until_ns=HOUR_NS)
    async with serving(store_url) as client:
        _, answer, _ = await client.ask()

    assert [each["state"] for each in answer["events"]] == ["pending"]
