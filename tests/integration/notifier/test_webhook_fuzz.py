"""Any bytes that a receiver may answer with: an attempt has a result, in time, and nothing else happens.

The gate tries the same examples on every run; ``HYPOTHESIS_PROFILE=deep`` tries many more.
"""

import asyncio
import contextlib
import dataclasses
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    Gone,
    Rejected,
)
from tests.integration.notifier.webhook_channel import MESSAGE, webhook
from tests.support.hostile_http import End, HostileServer, sending

TIMEOUT_SECONDS = 0.2
FRESH = dataclasses.replace(MESSAGE, needs_fresh_connection=True)
_T = TypeVar("_T")
Answering = Callable[[list[bytes], End], AttemptResult]

status_lines = st.one_of(
    st.integers(100, 599).map(lambda status: f"HTTP/1.1 {status} Odd\r\n".encode()),
    st.builds(
        lambda version, status, reason, end: f"HTTP/{version} {status} ".encode() + reason + end,
        st.sampled_from(["1.0", "1.1", "0.9", "1.2", "2", "11", ""]),
        st.integers(-10, 2_000),
        st.binary(max_size=12),
        st.sampled_from([b"\r\n", b"\n", b"\r", b""]),
    ),
)
names = st.sampled_from(
    [
        b"content-length",
        b"transfer-encoding",
        b"content-encoding",
        b"connection",
        b"retry-after",
        b"location",
        b"set-cookie",
        b"webhook-delivery",
        b"upgrade",
        b"x",
        b"",
        b"sec-websocket-key1",
    ]
) | st.binary(max_size=8)
values = st.sampled_from(
    [
        b"0",
        b"1",
        b"5",
        b"-1",
        b"99999999999999999999",
        b"chunked",
        b"gzip",
        b"identity",
        b"close",
        b"keep-alive",
        b"abort",
        b"disable",
        b"mailto:x@y",
        b"Fri, 31 Dec 9999 23:59:59 GMT",
        b"Fri, 28 Nov 2025 12:05:00 +999999999999",
        b"Empf\xe4nger",
        b"",
    ]
) | st.binary(max_size=20)
headers = st.lists(
    st.builds(
        lambda name, colon, value, end: name + colon + value + end,
        names,
        st.sampled_from([b": ", b":", b" : ", b""]),
        values,
        st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r\n "]),
    ),
    max_size=8,
).map(b"".join)
bodies = st.one_of(
    st.just(b""),
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"5\r\nhello\r\n0\r\n\r\n",
            b"5;ext=1\r\nhello\r\n0\r\nx: y\r\n\r\n",
            b"zz\r\n",
            b"ffffffffffffffff\r\nx",
        ]
    ),
)
well_formed_in_parts = st.builds(
    lambda interim, status, fields, end, body: interim + status + fields + end + body,
    st.sampled_from(
        [b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n" * 3]
    ),
    status_lines,
    headers,
    st.sampled_from([b"\r\n", b"\n", b""]),
    bodies,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound answer in which some bytes are others, missing or repeated."""
    answer = bytearray(
        b"HTTP/1.1 503 Busy\r\ncontent-length: 5\r\nretry-after: 120\r\nwebhook-delivery: x\r\n\r\nhello"
    )
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(answer) - 1))
        answer[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
        answer = answer or bytearray(b"x")
    return bytes(answer)


answers = well_formed_in_parts | damaged() | st.binary(max_size=200)
ends: st.SearchStrategy[End] = st.sampled_from(["close", "close", "close", "reset", "reset", "next"])


@pytest.fixture(scope="module")
def answering() -> Iterator[Answering]:
    """Yield what makes an attempt at a server that sends given bytes; any stray error fails the test."""
    errors: list[dict[str, Any]] = []
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        runner.get_loop().set_exception_handler(lambda _, context: errors.append(context))

        def entered(manager: AbstractAsyncContextManager[_T]) -> _T:
            value = runner.run(manager.__aenter__())
            stack.callback(lambda: runner.run(manager.__aexit__(None, None, None)))
            return value

        server = entered(HostileServer(sending()))
        channel = entered(webhook(server.url, timeout_seconds=TIMEOUT_SECONDS))

        def run(parts: list[bytes], end: End) -> AttemptResult:
            server.script = sending(*(piece for part in parts for piece in (part, 0.0)), end=end)
            began = time.monotonic()
            result = runner.run(channel.attempt(FRESH))
            # A body that hangs is given up after two seconds, or with the attempt.
            assert time.monotonic() - began < TIMEOUT_SECONDS + 2.5
            assert not errors
            return result

        yield run


def check(result: AttemptResult, answer: bytes) -> None:
    if isinstance(result, Delivered):
        # Never delivered without a status that says so.
        assert re.search(rb"HTTP/(0\.9|1\.[01]|2\.0) 2\d\d", answer)
        return
    assert isinstance(result, Deferred | Rejected | Gone)
    assert len(result.detail) <= 320
    assert result.detail.isprintable()
    if isinstance(result, Deferred) and result.retry_after_seconds is not None:
        assert 0 <= result.retry_after_seconds <= 86_400


@given(answer=answers, end=ends)
def test_any_answer_has_a_result(answering: Answering, answer: bytes, end: End) -> None:
    check(answering([answer], end), answer)


@given(parts=st.lists(well_formed_in_parts | st.binary(max_size=20), min_size=1, max_size=3), end=ends)
def test_answers_in_pieces_and_several_at_once_have_a_result(
    answering: Answering, parts: list[bytes], end: End
) -> None:
    check(answering(parts, end), b"".join(parts))
