"""Every answer a receiver can give, well formed or not, has the result that the page about webhooks names."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
)
from shared.clock import ManualClock
from tests.integration.notifier.webhook_channel import MESSAGE, kind_of, ok, result_of, webhook
from tests.support.hostile_http import HostileServer, sending
from tests.support.receivers import Answer, WebhookReceiver

OK = b"HTTP/1.1 200 OK\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
EMPTY = b"content-length: 0\r\n\r\n"


def expected_of(status: int) -> tuple[str, str]:
    """Return what the page about webhooks says of a status."""
    if 200 <= status <= 299:
        return "delivered", ""
    if status == 410:
        return "gone", "gone"
    if status in (408, 425, 429):
        return "deferred", {408: "request_timeout", 425: "too_early", 429: "rate_limited"}[status]
    if 500 <= status <= 599:
        return "deferred", "server_error"
    if 300 <= status <= 399:
        return "rejected", "redirected"
    if 400 <= status <= 499:
        reasons = {401: "unauthorized", 403: "unauthorized", 404: "not_found"}
        return "rejected", reasons.get(status, "refused")
    return "deferred", "not_http"


async def test_every_status_from_200_to_599_has_its_result() -> None:
    statuses = range(200, 600)
    async with WebhookReceiver(*statuses) as receiver, webhook(receiver.url) as channel:
        results = {status: kind_of(await channel.attempt(MESSAGE)) for status in statuses}

    assert results == {status: expected_of(status) for status in statuses}


async def test_interim_answer_alone_is_no_answer() -> None:
    """HTTP allows any number of answers from 100 to 199 before the answer; 101 ends HTTP."""
    for status in (100, 102, 103, 150, 199):
        result = await result_of(sending(f"HTTP/1.1 {status} Wait\r\n\r\n".encode()))
        assert kind_of(result) == ("deferred", "connection_lost"), status
        result = await result_of(sending(f"HTTP/1.1 {status} Wait\r\n\r\n".encode(), 0.02, ok(202)))
        assert result == Delivered(), status
    assert kind_of(await result_of(sending(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"))) == (
        "deferred",
        "not_http",
    )


ODD_ANSWERS = {
    # The status line counts, whatever follows it.
    "204 with a body in the same packet": (
        b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello",
        "delivered",
        "",
    ),
    "204 with a chunked body": (
        b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "delivered",
        "",
    ),
    "304 with a body": (
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nhello",
        "rejected",
        "redirected",
    ),
    "body shorter than announced": (OK + b"content-length: 500\r\n\r\nhalf", "delivered", ""),
    "body longer than announced": (OK + b"content-length: 2\r\n\r\nmuch more", "delivered", ""),
    "length and chunks": (
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "delivered",
        "",
    ),
    "two different lengths": (
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "delivered",
        "",
    ),
    "negative length": (BUSY + b"content-length: -5\r\n\r\n", "deferred", "server_error"),
    "length that is no number": (b"HTTP/1.1 404 No\r\ncontent-length: many\r\n\r\n", "rejected", "not_found"),
    "huge length": (
        b"HTTP/1.1 410 Gone\r\ncontent-length: 99999999999999999999999999\r\n\r\n",
        "gone",
        "gone",
    ),
    "broken chunks": (OK + CHUNKED + b"zz\r\nhello", "delivered", ""),
    "huge chunk": (
        BUSY + CHUNKED + b"ffffffffffffffffffff\r\nhello",
        "deferred",
        "server_error",
    ),
    "unknown encoding": (OK + b"transfer-encoding: shuffled\r\n\r\nhello", "delivered", ""),
    "NUL in a header": (OK + b"x: a\x00b\r\n" + EMPTY, "delivered", ""),
    "space in a header's name": (
        BUSY + b"bad name : x\r\n" + EMPTY,
        "deferred",
        "server_error",
    ),
    "header without a colon": (b"HTTP/1.1 429 Slow\r\nnonsense\r\n\r\n", "deferred", "rate_limited"),
    "folded header": (OK + b"x: a\r\n b\r\n" + EMPTY, "delivered", ""),
    "Latin-1 in a header": (
        OK + b"x: Empf\xe4nger\r\n" + EMPTY,
        "delivered",
        "",
    ),
    "Latin-1 in the reason": (
        b"HTTP/1.1 404 Empf\xe4nger unbekannt\r\n" + EMPTY,
        "rejected",
        "not_found",
    ),
    "no reason": (b"HTTP/1.1 200\r\n" + EMPTY, "delivered", ""),
    "lines that end with a line feed": (b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", "delivered", ""),
    "a header of a megabyte": (OK + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n", "delivered", ""),
    "ten thousand headers": (
        b"HTTP/1.1 503 Busy\r\n" + b"x: y\r\n" * 10_000 + b"\r\n",
        "deferred",
        "server_error",
    ),
    "a body that is not UTF-8": (
        b"HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\n\xff\x00\xfe",
        "deferred",
        "server_error",
    ),
    "answer of HTTP/1.0 that ends with the connection": (b"HTTP/1.0 200 OK\r\n\r\nfine", "delivered", ""),
    "cookies that are no cookies": (
        OK + b"set-cookie: \xff=;;;=\x01;\r\n" + EMPTY,
        "delivered",
        "",
    ),
    "compressed body that is none": (
        OK + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        "delivered",
        "",
    ),
    # No status line of HTTP/1: a proxy in trouble, or another service.
    "HTTP/0.9": (b"<html>hello</html>\r\n", "deferred", "not_http"),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "deferred", "not_http"),
    "status line of HTTP/2": (b"HTTP/2 200 OK\r\n" + EMPTY, "deferred", "not_http"),
    "TLS": (b"\x15\x03\x03\x00\x02\x02\x28", "deferred", "not_http"),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", "deferred", "not_http"),
    "SMTP": (b"220 mail.example ESMTP\r\n", "deferred", "not_http"),
    "status -1": (b"HTTP/1.1 -1 Odd\r\n" + EMPTY, "deferred", "not_http"),
    "status 000": (b"HTTP/1.1 000 Odd\r\n" + EMPTY, "deferred", "not_http"),
    "status 600": (b"HTTP/1.1 600 Odd\r\n" + EMPTY, "deferred", "not_http"),
    "status 999": (b"HTTP/1.1 999 Odd\r\n" + EMPTY, "deferred", "not_http"),
    "status of four digits": (b"HTTP/1.1 2000 OK\r\n" + EMPTY, "deferred", "not_http"),
    "status of two digits": (b"HTTP/1.1 20 OK\r\n" + EMPTY, "deferred", "not_http"),
    "status in Arabic digits": ("HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode(), "deferred", "not_http"),
    "a status line of a megabyte": (b"HTTP/1.1 2" + b"0" * 1_000_000, "deferred", "not_http"),
    "a reason of a megabyte": (b"HTTP/1.1 503 " + b"x" * 1_000_000 + b"\r\n\r\n", "deferred", "server_error"),
    "nothing but line ends": (b"\r\n" * 50, "deferred", "connection_lost"),
    "half a status line": (b"HTTP/1.1 20", "deferred", "connection_lost"),
    "half a head": (OK + b"content-le", "deferred", "connection_lost"),
    "nothing": (b"", "deferred", "connection_lost"),
}


@pytest.mark.parametrize(("answer", "name", "reason"), ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_odd_answer_has_a_result_and_spoils_no_later_one(answer: bytes, name: str, reason: str) -> None:
    # The second answer is sound: nothing of the first may be taken for it.
    async with (
        HostileServer(sending(answer), sending(ok(202), end="next")) as server,
        webhook(server.url) as channel,
    ):
        results = [await channel.attempt(MESSAGE)]
        # The server closes the connection; that must have arrived.
        await asyncio.sleep(0.02)
        results.append(await channel.attempt(MESSAGE))

    assert [kind_of(each) for each in results] == [(name, reason), ("delivered", "")]


@pytest.mark.parametrize(("answer", "name", "reason"), ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_odd_answer_has_a_result_byte_after_byte_too(answer: bytes, name: str, reason: str) -> None:
    pieces = [answer[at : at + 1] for at in range(min(len(answer), 120))] + [answer[120:]]

    result = await result_of(sending(*(part for piece in pieces if piece for part in (piece, 0.0))))

    assert kind_of(result)[0] == name or kind_of(result) == ("deferred", "connection_lost")


@pytest.mark.parametrize(
    "location",
    [
        "mailto:x@y",
        "foo:bar",
        "http://xn--/",
        "http://[::1",
        "//",
        "",
        "\x00",
        "http://127.0.0.1:99999/",
        "javascript:alert(1)",
        "http://user:pass@127.0.0.1/",
        "Empf\xe4nger",
        "http://" + "a" * 5_000,
        "/hook",
    ],
)
async def test_redirect_is_rejected_wherever_it_points(location: str) -> None:
    for status in (300, 301, 302, 303, 305, 307, 308):
        answer = ok(status, f"Location: {location}")
        assert kind_of(await result_of(sending(answer))) == ("rejected", "redirected")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("99999999999999999999999999999999", 86_400.0),
        ("9" * 6_000, 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("1e9", None),
        ("nan", None),
        ("٣", None),
        ("", None),
        ("Fri, 28 Nov 2025 12:05:00 GMT", 300.0),
        ("Fri, 28 Nov 2025 12:05:00 +0000", 300.0),
        ("Fri, 28 Nov 2025 14:05:00 +0200", 300.0),
        ("Fri, 28 Nov 2025 12:05:00 -9999", None),
        ("Fri, 28 Nov 2025 12:05:00 +999999999999", None),
        ("Fri, 28 Nov 10000 12:05:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Fri, 28 Nov 2025 99:99:99 GMT", None),
        ("Thursday", None),
    ],
)
async def test_retry_after_is_a_wait_within_a_day_or_none(value: str, seconds: float | None) -> None:
    clock = ManualClock(datetime(2025, 11, 28, 12, 0, tzinfo=UTC))
    answer = Answer(status=503, headers={"retry-after": value.encode().decode("latin-1")})
    async with WebhookReceiver(answer) as receiver, webhook(receiver.url, clock=clock) as channel:
        result = await channel.attempt(MESSAGE)

    assert isinstance(result, Deferred)
    assert (result.reason, result.retry_after_seconds) == (FailureReason.SERVER_ERROR, seconds)


@pytest.mark.parametrize(
    ("status", "value", "result"),
    [
        (204, "disable", Delivered(disables=True)),
        (503, "Disable", Gone(reason=FailureReason.DISABLED, detail="HTTP 503")),
        (404, "abort, disable", Gone(reason=FailureReason.DISABLED, detail="HTTP 404")),
        (503, "abort", Rejected(reason=FailureReason.ABORTED, detail="HTTP 503")),
        (429, "ABORT-MESSAGE", Rejected(reason=FailureReason.ABORTED, detail="HTTP 429")),
        (200, "abort", Delivered()),
        (422, "abort", Rejected(reason=FailureReason.REFUSED, detail="HTTP 422")),
        (503, "later", Deferred(reason=FailureReason.SERVER_ERROR, detail="HTTP 503")),
    ],
)
async def test_receiver_can_abort_a_message_or_disable_itself(
    status: int, value: str, result: AttemptResult
) -> None:
    answer = Answer(status=status, headers={"Webhook-Delivery": value})
    async with WebhookReceiver(answer) as receiver, webhook(receiver.url) as channel:
        assert await channel.attempt(MESSAGE) == result


async def test_answer_is_kept_readable_for_the_operator() -> None:
    body = b"Empf\xe4nger \x00unbekannt\r\n\x1b[31m" + b"x" * 1_000
    result = await result_of(sending(ok(503, body=body)))

    assert isinstance(result, Deferred)
    assert result.detail.startswith("HTTP 503 Empfänger \ufffdunbekannt \ufffd[31mxxx")
    assert result.detail.isprintable()
    assert len(result.detail) <= 310
