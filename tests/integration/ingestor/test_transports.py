"""Each carrier of frames against real sockets: how it opens, what it brings, how it ends, and its bounds."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.transport import http_lines, polling, websocket
from services.ingestor.feeds.transport.carrier import Channel, ChannelEnded, Endpoint
from services.ingestor.feeds.transport.http_lines import MAX_LINE_BYTES, open_lines
from services.ingestor.feeds.transport.json_fields import MAX_FRAME_BYTES
from services.ingestor.feeds.transport.polling import open_polling
from services.ingestor.feeds.transport.websocket import MAX_FRAMES_QUEUED, MAX_MESSAGE_BYTES, open_websocket
from shared.clock import SystemClock
from shared.errors import ConfigError
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request

_CLOCK = SystemClock()
_HOST = "two-addresses.example"


async def _open_websocket(url: str, **parts: dict[str, str]) -> Channel:
    return await open_websocket(Endpoint(url=url, **parts), open_timeout_seconds=2.0, clock=_CLOCK)


# -- a host with a dead first address ----------------------------------------------------------------------


@asynccontextmanager
async def _dead_first_address(monkeypatch: pytest.MonkeyPatch, port: int) -> AsyncIterator[None]:
    """Let a host name have ::1, where nobody takes connections, before 127.0.0.1."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as dead:
        dead.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            dead.bind(("::1", port))
        except OSError:
            pytest.skip("no IPv6 here")
        dead.listen(0)
        # A queue that is full drops the first packet of further connections.
        fillers = [socket.socket(socket.AF_INET6, socket.SOCK_STREAM) for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("::1", port))
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def resolve(host: Any, at: Any, **options: Any) -> list[Any]:
            if host not in (_HOST, _HOST.encode()):
                return await real(host, at, **options)
            kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
            return [
                (socket.AF_INET6, *kind, ("::1", port, 0, 0)),
                (socket.AF_INET, *kind, ("127.0.0.1", port)),
            ]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        try:
            yield
        finally:
            for filler in fillers:
                filler.close()


async def test_websocket_connects_over_the_second_address_when_the_first_is_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Would have caught: a host whose IPv6 address is a black hole was never reached."""

    async def greet(peer: ServerConnection) -> None:
        await peer.send("hello")
        await peer.wait_closed()

    async with serve(greet, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with _dead_first_address(monkeypatch, port):
            channel = await _open_websocket(f"ws://{_HOST}:{port}/")
            assert await channel.receive() == "hello"
            await channel.close()


@pytest.mark.parametrize("carrier", ["lines", "polling"])
async def test_http_connects_over_the_second_address_when_the_first_is_dead(
    monkeypatch: pytest.MonkeyPatch, carrier: str
) -> None:
    async with HttpServer(lambda _: Answer(body=b'{"a":1}\n')) as server, httpx.AsyncClient() as client:
        port = int(server.url.rpartition(":")[2])
        async with _dead_first_address(monkeypatch, port):
            endpoint = Endpoint(url=f"http://{_HOST}:{port}/")
            channel: Channel = (
                await open_lines(client, endpoint, open_timeout_seconds=2.0, clock=_CLOCK)
                if carrier == "lines"
                else await open_polling(
                    client, endpoint, every_seconds=1.0, timeout_seconds=2.0, clock=_CLOCK
                )
            )
            assert str(await channel.receive()).strip() == '{"a":1}'
            await channel.close()


# -- websockets --------------------------------------------------------------------------------------------


async def test_websocket_sends_query_and_headers_and_shows_neither() -> None:
    asked: list[tuple[str, str | None]] = []

    async def note(peer: ServerConnection) -> None:
        assert peer.request is not None
        asked.append((peer.request.path, peer.request.headers.get("X-Key")))
        await peer.wait_closed()

    async with serve(note, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        endpoint = Endpoint(
            url=f"ws://127.0.0.1:{port}/v1?a=1", query={"token": "s3/c"}, headers={"X-Key": "k3y"}
        )
        channel = await open_websocket(endpoint, open_timeout_seconds=2.0, clock=_CLOCK)
        await channel.close()
    assert asked == [("/v1?a=1&token=s3%2Fc", "k3y")]
    assert "s3/c" not in repr(endpoint)
    assert "k3y" not in repr(endpoint)


async def test_address_that_is_no_websocket_is_a_wrong_setting_and_its_key_is_not_shown() -> None:
    with pytest.raises(ConfigError) as raised:
        await _open_websocket("http://127.0.0.1:1/", query={"token": "s3cret"})
    assert "http://127.0.0.1:1/" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def _head(status: str, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", "")).encode()


@pytest.mark.parametrize(
    "answer",
    [
        _head("302 Found", "Location: https://example.com/login"),
        _head("301 Moved", "Location: ws://127.0.0.1:99999/"),
        _head("307 Temporary", "Location: ws://[::1"),
        _head("308 Permanent", "Location: /elsewhere"),
        _head("303 See Other", "Location: "),
        _head("300 Choices", "Location: ws://:x@h:0/"),
        _head("302 Found"),
        _head("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"),
        _head("101 Switching Protocols", "Upgrade: h2c", "Connection: close", "Sec-WebSocket-Accept: x"),
        _head("101 Switching Protocols", "Upgrade: websocket, websocket", "Connection: ,,;"),
        _head("204 Nothing"),
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 403 \xff\xfe\r\nX: \x00\r\n\r\n",
        b"\x00\xff\xfe",
        b"",
    ],
)
async def test_whatever_answers_a_handshake_ends_one_attempt_and_asks_nobody_else(answer: bytes) -> None:
    """Would have caught: one redirect, as a wall before the venue sends it, ended the whole process."""
    asked = 0

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with _serving(reply) as url:
        with pytest.raises(ChannelEnded) as raised:
            await _open_websocket(url.replace("http://", "ws://"))
    assert raised.value.reason in ("refused", "unreachable")
    assert asked == 1


_JSON = "application/json"
_WALL = b"<!DOCTYPE html><title>Just a moment...</title>"


@pytest.mark.parametrize(
    ("body", "content_type", "parts", "refusal"),
    [
        (b'{"msg":"bad key"}', _JSON, {"query": {"apikey": "k"}}, Refusal.ACCESS),
        (b'{"msg":"bad key"}', _JSON, {"headers": {"X-Key": "k"}}, Refusal.ACCESS),
        (b'{"msg":"bad key"}', _JSON, {"query": {"interval": "1m"}}, Refusal.BLOCKED),
        (b"Forbidden", "text/plain", {}, Refusal.BLOCKED),
        (_WALL, "text/html; charset=UTF-8", {}, Refusal.OTHER),
        (_WALL, "text/html", {"query": {"token": "k"}}, Refusal.OTHER),
        (b"\n " + _WALL, "text/plain", {"query": {"token": "k"}}, Refusal.OTHER),
        (b"Forbidden", "TEXT/HTML", {"headers": {"X-Key": "k"}}, Refusal.OTHER),
    ],
)
@pytest.mark.parametrize("carrier", ["websocket", "lines", "polling"])
async def test_forbidden_is_about_a_key_only_where_one_was_sent_and_the_answer_is_no_web_page(
    carrier: str, body: bytes, content_type: str, parts: dict[str, dict[str, str]], refusal: Refusal
) -> None:
    """Would have caught: a firewall's page told the operator of a venue without keys to mend a key."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 403 F\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    async with _serving(refuse) as url, httpx.AsyncClient() as client:
        endpoint = Endpoint(url=url if carrier != "websocket" else url.replace("http://", "ws://"), **parts)
        opened: dict[str, Callable[[], Awaitable[Channel]]] = {
            "websocket": lambda: open_websocket(endpoint, open_timeout_seconds=2.0, clock=_CLOCK),
            "lines": lambda: open_lines(client, endpoint, open_timeout_seconds=2.0, clock=_CLOCK),
            "polling": lambda: open_polling(
                client, endpoint, every_seconds=1.0, timeout_seconds=2.0, clock=_CLOCK
            ),
        }
        with pytest.raises(ChannelEnded) as raised:
            await opened[carrier]()
    assert (raised.value.reason, raised.value.refusal) == ("refused", refusal)
    assert "<" not in raised.value.words


async def test_websocket_that_nobody_serves_is_unreachable() -> None:
    with pytest.raises(ChannelEnded) as raised:
        await _open_websocket("ws://127.0.0.1:1/")
    assert (raised.value.reason, raised.value.refusal) == ("unreachable", None)


async def test_message_above_the_bound_ends_the_connection() -> None:
    async def flood(peer: ServerConnection) -> None:
        await peer.send("x" * (MAX_MESSAGE_BYTES + 1))
        await peer.wait_closed()

    async with serve(flood, "127.0.0.1", 0) as server:
        channel = await _open_websocket(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/")
        with pytest.raises(ChannelEnded, match="1009"):
            await channel.receive()
        await channel.close()


async def test_slow_reader_holds_the_venue_up_and_loses_no_frame() -> None:
    sent = 0
    size = 100_000

    async def flood(peer: ServerConnection) -> None:
        nonlocal sent
        for number in range(1_000):
            await peer.send(f"{number}".ljust(size))
            sent += 1
        await peer.wait_closed()

    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        channel = await _open_websocket(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/")
        await asyncio.sleep(0.5)
        # What waits here, and in the buffers of the two sockets.
        assert sent < MAX_FRAMES_QUEUED + 200
        for number in range(1_000):
            assert str(await channel.receive()).strip() == str(number)
        await channel.close()


async def test_unread_messages_of_the_greatest_length_take_no_more_than_the_bound() -> None:
    """Would have caught: half a gigabyte waited for one slow reader."""
    sent = 0
    most = 60
    message = "x" * MAX_MESSAGE_BYTES

    async def flood(peer: ServerConnection) -> None:
        nonlocal sent
        for _ in range(most):
            await peer.send(message)
            sent += 1
        await peer.wait_closed()

    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        channel = await _open_websocket(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/")
        await asyncio.sleep(1.5)
        # What waits here, and a few messages in the buffers of the two sockets.
        assert sent < MAX_FRAMES_QUEUED + 10
        assert len(await channel.receive()) == MAX_MESSAGE_BYTES
        await channel.close()


# -- lines -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _serving(
    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve HTTP by hand; at the end, wait until every conversation is over."""
    conversations: set[asyncio.Task[Any]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            await converse(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


@asynccontextmanager
async def _chunks(
    write: Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]],
) -> AsyncIterator[str]:
    """Serve one chunked answer, chunk by chunk as a test says."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def chunk(data: bytes) -> None:
            writer.write(b"%x\r\n%b\r\n" % (len(data), data))
            await writer.drain()
            await asyncio.sleep(0.01)

        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await write(chunk)
        await asyncio.Event().wait()

    async with _serving(converse) as url:
        yield url


async def test_lines_come_whole_wherever_the_chunks_are_cut() -> None:
    async def write(chunk: Callable[[bytes], Awaitable[None]]) -> None:
        await chunk(b'{"type":"PRI')
        await chunk(b'CE"}\n{"b":2}\r\n\r\n\n{"c"')
        await chunk(b":3}\n")
        await chunk("é".encode()[:1])
        await chunk("é".encode()[1:] + b"\n\xff\xfe\n")

    async with _chunks(write) as url, httpx.AsyncClient() as client:
        channel = await open_lines(client, Endpoint(url=url), open_timeout_seconds=2.0, clock=_CLOCK)
        received = [await channel.receive() for _ in range(5)]
        assert received == ['{"type":"PRICE"}', '{"b":2}', '{"c":3}', "é", b"\xff\xfe"]
        await channel.close()


async def test_line_above_the_bound_is_cut_and_the_next_is_whole() -> None:
    async def write(chunk: Callable[[bytes], Awaitable[None]]) -> None:
        for _ in range(20):
            await chunk(b"x" * (MAX_LINE_BYTES // 10))
        await chunk(b'\n{"a":1}\n')

    async with _chunks(write) as url, httpx.AsyncClient() as client:
        channel = await open_lines(client, Endpoint(url=url), open_timeout_seconds=2.0, clock=_CLOCK)
        assert await channel.receive() == "x" * MAX_LINE_BYTES
        assert await channel.receive() == '{"a":1}'
        await channel.close()


async def test_answer_that_is_over_is_an_end() -> None:
    async with HttpServer(lambda _: Answer(body=b'{"a":1}\n')) as server, httpx.AsyncClient() as client:
        channel = await open_lines(client, Endpoint(url=server.url), open_timeout_seconds=2.0, clock=_CLOCK)
        await channel.receive()
        with pytest.raises(ChannelEnded) as raised:
            await channel.receive()
        await channel.close()
    assert raised.value.reason == "closed"


async def test_lines_ask_for_no_compression_and_send_the_key_as_they_were_told() -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Answer:
        asked.append(request)
        return Answer(body=b"{}\n")

    async with HttpServer(answer) as server, httpx.AsyncClient() as client:
        endpoint = Endpoint(
            url=f"{server.url}/stream",
            query={"instruments": "XAU_USD"},
            headers={"Authorization": "Bearer k"},
        )
        channel = await open_lines(client, endpoint, open_timeout_seconds=2.0, clock=_CLOCK)
        await channel.close()
    (request,) = asked
    assert request.query == {"instruments": "XAU_USD"}
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["authorization"] == "Bearer k"


async def test_each_polled_answer_gives_the_time_of_its_server() -> None:
    dates = [f"Mon, 04 May 2026 12:00:0{second} GMT" for second in (0, 3, 5)]
    left = list(dates)

    def answer(_: Request) -> Answer:
        return Answer(body=b"{}", headers={"Date": left.pop(0)})

    async with HttpServer(answer) as server, httpx.AsyncClient() as client:
        channel = await _open("polling", client, server.url)
        seen = []
        for _ in dates:
            await channel.receive()
            assert channel.server_time is not None
            seen.append(channel.server_time.second)
        await channel.close()
    assert seen == [0, 3, 5]


_REFUSED = [
    (401, Refusal.ACCESS, b'{"errorMessage":"Insufficient authorization"}', "Insufficient authorization"),
    (404, Refusal.UNKNOWN_SYMBOL, b'{"detail":"no such"}', "no such"),
    (429, Refusal.THROTTLED, b"slow down", "slow down"),
    (451, Refusal.BLOCKED, b"<html>blocked</html>", ""),
    (503, None, b"", ""),
]


async def _open(carrier: str, client: httpx.AsyncClient, url: str) -> Channel:
    endpoint = Endpoint(url=url, headers={"Authorization": "Bearer k"})
    if carrier == "lines":
        return await open_lines(client, endpoint, open_timeout_seconds=2.0, clock=_CLOCK)
    return await open_polling(client, endpoint, every_seconds=0.05, timeout_seconds=2.0, clock=_CLOCK)


@pytest.mark.parametrize("carrier", ["lines", "polling"])
@pytest.mark.parametrize(("status", "refusal", "body", "words"), _REFUSED)
async def test_http_status_is_evidence_with_the_providers_words_and_the_wait_it_asks_for(
    carrier: str, status: int, refusal: Refusal | None, body: bytes, words: str
) -> None:
    answer = Answer(body=body, status=status, headers={"Retry-After": "7"})
    async with HttpServer(lambda _: answer) as server, httpx.AsyncClient() as client:
        with pytest.raises(ChannelEnded) as raised:
            await _open(carrier, client, server.url)
    assert (raised.value.reason, raised.value.refusal) == ("refused", refusal)
    assert raised.value.words == (f"HTTP {status}: {words}" if words else f"HTTP {status}")
    assert raised.value.retry_after_seconds == 7.0


@pytest.mark.parametrize("carrier", ["lines", "polling"])
async def test_http_that_does_not_answer_is_unreachable_and_shows_no_address(carrier: str) -> None:
    async with HttpServer(lambda _: None) as server, httpx.AsyncClient() as client:
        with pytest.raises(ChannelEnded) as raised:
            await _open(carrier, client, f"{server.url}/?token=s3cret")
    assert raised.value.reason == "unreachable"
    assert "s3cret" not in raised.value.words


# -- polling -----------------------------------------------------------------------------------------------


async def test_polled_venue_is_asked_again_at_its_interval_and_an_unchanged_answer_is_a_frame_too() -> None:
    answers = [
        Answer(body=b'{"n":1}'),
        Answer(body=b"", status=304),
        Answer(body=b'{"n":2}'),
        Answer(body=b"\xff"),
    ]
    asked_at: list[float] = []

    def answer(_: Request) -> Answer:
        asked_at.append(_CLOCK.monotonic())
        return answers[len(asked_at) - 1]

    async with HttpServer(answer) as server, httpx.AsyncClient() as client:
        channel = await _open("polling", client, server.url)
        received = [await channel.receive() for _ in answers]
        await channel.close()
    assert received == ['{"n":1}', '{"n":1}', '{"n":2}', b"\xff"]
    # Three waits of 0.05 s; a busy machine may note a request late.
    assert asked_at[-1] - asked_at[0] >= 0.1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"x" * (polling.MAX_POLLED_BYTES + 1), "more than"),
        (b"  <html>maintenance</html>", "a web page instead of data"),
    ],
)
async def test_polled_answer_that_is_no_data_is_an_end(body: bytes, words: str) -> None:
    async with HttpServer(lambda _: Answer(body=body)) as server, httpx.AsyncClient() as client:
        with pytest.raises(ChannelEnded, match=words):
            await _open("polling", client, server.url)


_BAD_POLLS = [
    Answer(body=b"", status=502),
    Answer(body=b"<html>", status=403, content_type="text/html"),
    Answer(body=b"{}", status=404),
    Answer(body=b"<html>", content_type="text/html"),
    Answer(body=b"x" * (polling.MAX_POLLED_BYTES + 1)),
    None,
]


@pytest.mark.parametrize("bad", _BAD_POLLS)
async def test_polled_connection_outlives_failed_requests_up_to_a_number_in_a_row(bad: Answer | None) -> None:
    """Would have caught: a provider whose every second request failed was STALE, its prices new."""
    most = polling.MAX_FAILED_REQUESTS
    good = Answer(body=b"{}")
    script = [good, *([bad] * (most - 1) + [good]) * 3, *[bad] * most]
    answers = iter(script)
    asked = 0

    def answer(_: Request) -> Answer | None:
        nonlocal asked
        asked += 1
        return next(answers)

    async with HttpServer(answer) as server, httpx.AsyncClient() as client:
        channel = await _open("polling", client, server.url)
        assert [await channel.receive() for _ in range(4)] == ["{}"] * 4
        with pytest.raises(ChannelEnded):
            await channel.receive()
    assert asked == len(script)


@pytest.mark.parametrize(
    "bad",
    [
        Answer(body=b"", status=429),
        Answer(body=b"", status=451),
        Answer(body=b"", status=503, headers={"Retry-After": "9"}),
    ],
)
async def test_polled_provider_that_wants_a_pause_gets_it_at_once(bad: Answer) -> None:
    answers = iter([Answer(body=b"{}"), bad])
    async with HttpServer(lambda _: next(answers)) as server, httpx.AsyncClient() as client:
        channel = await _open("polling", client, server.url)
        await channel.receive()
        with pytest.raises(ChannelEnded, match=f"HTTP {bad.status}"):
            await channel.receive()


async def test_polled_venue_that_never_answers_is_given_up_in_time() -> None:
    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with _serving(hang) as url, httpx.AsyncClient() as client:
        began = _CLOCK.monotonic()
        with pytest.raises(ChannelEnded, match="TimeoutError"):
            await open_polling(
                client, Endpoint(url=url), every_seconds=1.0, timeout_seconds=0.2, clock=_CLOCK
            )
        assert _CLOCK.monotonic() - began < 0.5


def test_bounds_have_names() -> None:
    assert websocket.MAX_FRAMES_QUEUED * websocket.MAX_MESSAGE_BYTES == 32 << 20
    assert polling.MAX_FAILED_REQUESTS == 3
    # A frame that a protocol counts as too long must still come through.
    assert websocket.MAX_MESSAGE_BYTES > MAX_FRAME_BYTES
    assert http_lines.MAX_LINE_BYTES == (1 << 20) + 1
    assert polling.MAX_POLLED_BYTES == 1 << 20


async def test_an_attempt_to_connect_that_is_given_up_leaves_no_socket() -> None:
    async with await asyncio.start_server(_close_at_once, "127.0.0.1", 0) as server:
        url = f"ws://localhost:{server.sockets[0].getsockname()[1]}"
        for attempt in range(200):
            # From before the first step to after the last one.
            with suppress(ChannelEnded, TimeoutError):
                await open_websocket(
                    Endpoint(url=url), open_timeout_seconds=attempt * 1e-5, clock=SystemClock()
                )
    # A socket that is forgotten is a warning once it is collected, and a warning is an error here.
    gc.collect()


async def _close_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
