"""GET against servers on loopback that answer badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from services.ingestor.feeds.streaming.events import Refusal
from services.ingestor.feeds.transport import http_json
from services.ingestor.feeds.transport.http_errors import Refused, Throttled, Unanswered
from services.ingestor.feeds.transport.http_json import fetch, get_json, get_text
from tests.support.fake_feeds.http_server import Answer, HttpServer, Request

_KEY = "a-very-secret-key"


@asynccontextmanager
async def _client(*answers: Answer | None) -> AsyncIterator[tuple[HttpServer, httpx.AsyncClient]]:
    """Answer the requests in this order; the last answer for all that follow."""
    left = list(answers)

    def answer(_: Request) -> Answer | None:
        return left.pop(0) if len(left) > 1 else left[0]

    server = HttpServer(answer)
    async with server, httpx.AsyncClient(base_url=server.url, timeout=5) as client:
        yield server, client


async def _error(*answers: Answer | None, **sent: dict[str, str | int]) -> Unanswered:
    async with _client(*answers) as (_, client):
        with pytest.raises(Unanswered) as caught:
            await get_json(client, "/data", params=sent.get("params"))
    return caught.value


async def test_json_with_a_byte_order_mark_and_any_content_type_is_read() -> None:
    async with _client(Answer(body=b'\xef\xbb\xbf {"a":1}', content_type="text/xml")) as (_, client):
        assert await get_json(client, "/data") == {"a": 1}


async def test_text_is_read_as_it_is() -> None:
    async with _client(
        Answer(body=b"\xef\xbb\xbfDATE,GVZ\r\n09/22/2026,23.59\r\n", content_type="text/csv")
    ) as (
        _,
        client,
    ):
        assert await get_text(client, "/data") == "DATE,GVZ\r\n09/22/2026,23.59\r\n"


@pytest.mark.parametrize("read", [get_json, get_text])
async def test_web_page_is_no_data_whatever_it_calls_itself(read: Callable[..., Awaitable[object]]) -> None:
    for answer in (
        Answer(body=b"<html>prove that you are no robot</html>", content_type="text/csv"),
        Answer(body=b"Date,Close", content_type="text/html"),
    ):
        async with _client(answer) as (_, client):
            with pytest.raises(Unanswered) as caught:
                await read(client, "/data")
            assert caught.value.reason == "blocked"


async def test_bytes_that_are_no_text_are_refused() -> None:
    async with _client(Answer(body=b"Date,\xff\xfe", content_type="text/csv")) as (_, client):
        with pytest.raises(Unanswered, match="not text"):
            await get_text(client, "/data")


async def test_provider_words_are_in_the_message_and_its_key_is_not() -> None:
    answer = Answer(status=401, body=f'{{"detail":"Invalid token {_KEY}."}}'.encode())
    async with _client(answer) as (server, client):
        with pytest.raises(Refused) as caught:
            await get_json(
                client, "/data", headers={"Authorization": f"Token {_KEY}"}, params={"apikey": _KEY}
            )
    assert str(caught.value) == "127.0.0.1/data: HTTP 401: Invalid token [key removed]."
    assert caught.value.refusal is Refusal.ACCESS
    assert server.requests[0].query == {"apikey": _KEY}


async def test_wait_is_read_as_seconds_and_as_a_date_of_the_providers_clock() -> None:
    headers = {"Retry-After": "Fri, 28 Nov 2025 12:05:00 GMT", "Date": "Fri, 28 Nov 2025 12:00:00 GMT"}
    error = await _error(Answer(status=429, body=b"", headers=headers))
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 300.0
    later = await _error(Answer(status=503, body=b"", headers={"Retry-After": "30"}))
    assert (later.reason, later.refusal, later.retry_after_seconds) == ("server_error", None, 30.0)


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2025 12:00:00 GMT"])
async def test_date_that_cannot_be_read_is_none(date: str) -> None:
    async with _client(Answer(body=b"{}", headers={"Date": date})) as (_, client):
        assert (await fetch(client, "/data")).at is None


async def test_answer_says_what_time_it_is_at_the_provider() -> None:
    async with _client(Answer(body=b"{}", headers={"Date": "Fri, 28 Nov 2025 12:00:00 GMT"})) as (_, client):
        answer = await fetch(client, "/data")
    assert answer.at is not None
    assert answer.at.isoformat() == "2025-11-28T12:00:00+00:00"


@pytest.mark.parametrize(
    "answer",
    [None, Answer(body=b'{"a":', headers={"Content-Length": "1000"})],
    ids=["closed without an answer", "cut off"],
)
async def test_answer_that_does_not_come_whole_is_unreachable(answer: Answer | None) -> None:
    error = await _error(answer, params={"token": _KEY})
    assert error.reason == "unreachable"
    assert _KEY not in str(error)


async def test_answer_without_end_is_given_up_in_bytes_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_json, "MAX_ANSWER_BYTES", 100_000)
    assert (await _error(Answer(body=b" " * 100_001))).reason == "too_long"

    is_over = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing() and not reader.at_eof():
            writer.write(b" ")
            await asyncio.sleep(0.02)
        writer.close()
        is_over.set()

    monkeypatch.setattr(http_json, "_BODY_SECONDS", 0.2)
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with (
        server,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=5
        ) as client,
    ):
        with pytest.raises(Unanswered, match="TimeoutError"):
            await get_json(client, "/data")
        await is_over.wait()


async def test_redirect_is_followed_to_the_value_and_not_for_ever() -> None:
    there = Answer(status=302, body=b"", headers={"Location": "/elsewhere"})
    async with _client(there, Answer(body=b'{"a":1}')) as (server, client):
        assert await get_json(client, "/data") == {"a": 1}
        assert [request.path for request in server.requests] == ["/data", "/elsewhere"]
    async with _client(there) as (server, client):
        with pytest.raises(Unanswered) as caught:
            await get_json(client, "/data")
        assert caught.value.reason == "server_error"
        assert len(server.requests) == 4


async def test_redirect_to_another_host_is_followed_only_without_a_key() -> None:
    async with _client(Answer(body=b'{"a":1}')) as (other, _):
        away = Answer(status=301, body=b"", headers={"Location": f"{other.url}/elsewhere"})
        async with _client(away) as (_, client):
            assert await get_json(client, "/data") == {"a": 1}
            with pytest.raises(Unanswered, match="301"):
                await get_json(client, "/data", headers={"X-Key-Id": _KEY})
        assert len(other.requests) == 1


@pytest.mark.parametrize("form", [str.upper, str.lower, lambda key: key.replace("/", "%2F"), str.swapcase])
@pytest.mark.parametrize("status", [200, 403])
async def test_key_that_an_answer_repeats_in_another_form_is_nowhere_in_what_is_read(
    form: Callable[[str], str], status: int
) -> None:
    key = "Zx9Key/Secret77Abc"
    answer = Answer(status=status, body=f'{{"message":"bad key {form(key)}"}}'.encode())
    async with _client(answer) as (_, client):
        try:
            said = str(await get_json(client, "/data", params={"apikey": key}))
        except Refused as error:
            said = str(error)
    assert "bad key [key removed]" in said


async def test_short_word_sent_as_a_key_leaves_the_data_alone() -> None:
    async with _client(Answer(body=b'{"demo":1}')) as (_, client):
        assert await get_json(client, "/data", params={"apikey": "demo"}) == {"demo": 1}


async def test_header_that_cannot_be_sent_is_a_refused_request_without_the_header() -> None:
    async with _client(Answer(body=b"{}")) as (server, client):
        with pytest.raises(Refused, match="cannot be sent: UnicodeEncodeError") as caught:
            await get_json(client, "/data", headers={"Authorization": "Token k\u00e9y-secret"})
    assert "secret" not in str(caught.value)
    assert not server.requests
