"""Whatever becomes of the connection to a receiver, an attempt has a result, in time and in little memory."""

import asyncio
import resource
import ssl
import time
from pathlib import Path

import pytest
from yarl import URL

from services.notifier.channels.webhook_client import make_tls_context
from services.notifier.core.attempt_result import AttemptResult, Delivered
from tests.integration.notifier.webhook_channel import MESSAGE, kind_of, ok, result_of, webhook
from tests.support.certificates import certificate_for
from tests.support.hostile_http import (
    HostileServer,
    Script,
    before_the_request,
    plain_bytes_within_tls,
    read_request,
    sending,
    sending_forever,
)
from tests.support.receivers import WebhookReceiver

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
EMPTY = b"content-length: 0\r\n\r\n"


def dripping(data: bytes, times: int) -> list[bytes | float]:
    """Return the same bytes again and again, with pauses."""
    return [part for _ in range(times) for part in (data, 0.1)]


def to_loopback(_name: str) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (before_the_request(end="reset"), "connection_lost"),
        (before_the_request(end="close"), "connection_lost"),
        (before_the_request(0.05, end="reset"), "connection_lost"),
        (before_the_request(b"HTTP/1.1 ", end="reset"), "connection_lost"),
        (sending(end="reset"), "connection_lost"),
        (sending(0.05, end="reset"), "connection_lost"),
        (sending(OK + b"content-le", 0.05, end="reset"), "connection_lost"),
        (sending(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05, end="reset"), "connection_lost"),
        (sending(end="hold"), "timed_out"),
        (before_the_request(end="hold"), "timed_out"),
        (sending(b"HTTP/1.1 200 OK\r\n", end="hold"), "timed_out"),
        (sending(b"HTTP/1.1 2", 0.5, b"00 O", 0.5, b"K"), "timed_out"),
        (sending(b"HTTP/1.1 200 OK\r\n", *dripping(b"x: y\r\n", 30)), "timed_out"),
        (sending(*dripping(b"HTTP/1.1 100 Continue\r\n\r\n", 30)), "timed_out"),
    ],
)
async def test_connection_that_ends_or_stalls_before_a_status_is_deferred(
    script: Script, reason: str
) -> None:
    began = time.monotonic()

    result = await result_of(script, timeout_seconds=0.8)

    assert kind_of(result) == ("deferred", reason)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "script",
    [
        sending(OK + b"content-length: 9\r\n\r\nhalf", end="reset"),
        sending(OK + b"content-length: 9\r\n\r\nhalf", 0.05, end="close"),
        sending(OK + b"content-length: 9\r\n\r\nhalf", end="hold"),
        sending(OK + b"\r\n", *dripping(b"x", 60)),
        sending_forever(OK + b"\r\n", b"x" * 65_536),
        sending_forever(OK + CHUNKED, b"1;" + b"e" * 1_000 + b"\r\nx\r\n"),
    ],
)
async def test_accepted_message_is_accepted_whatever_becomes_of_the_body(script: Script) -> None:
    began = time.monotonic()

    assert await result_of(script, timeout_seconds=3.0) == Delivered()
    assert time.monotonic() - began < 4


ENDLESS = {
    "body": (BUSY + b"\r\n", b"x" * 65_536),
    "chunks": (
        BUSY + CHUNKED,
        b"1000\r\n" + b"x" * 4_096 + b"\r\n",
    ),
    "extension of a chunk": (BUSY + CHUNKED + b"1;", b"e" * 65_536),
    "trailers": (BUSY + CHUNKED + b"0\r\n", b"x: y\r\n" * 10_000),
    "headers": (b"HTTP/1.1 503 Busy\r\n", b"x: y\r\n" * 10_000),
    "header": (BUSY + b"x: ", b"y" * 65_536),
    "header's name": (b"HTTP/1.1 503 Busy\r\n", b"y" * 65_536),
    "reason": (b"HTTP/1.1 503 ", b"y" * 65_536),
    "status line": (b"HTTP/1.1 5", b"0" * 65_536),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000),
    "interim answers with headers": (b"", (b"HTTP/1.1 103 Early\r\n" + b"x: y\r\n" * 100 + b"\r\n") * 50),
    "line ends": (b"", b"\r\n" * 30_000),
    "nonsense": (b"", b"\x00\xff" * 30_000),
}


@pytest.mark.parametrize(("beginning", "again"), ENDLESS.values(), ids=ENDLESS)
async def test_answer_without_end_costs_neither_memory_nor_time(beginning: bytes, again: bytes) -> None:
    await result_of(sending(NO_CONTENT))
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()

    result = await result_of(sending_forever(beginning, again), timeout_seconds=4.0)

    assert result.name == "deferred"
    assert time.monotonic() - began < 3.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 8_192


async def test_neighbour_is_served_while_answers_without_end_come() -> None:
    """A receiver that sends without end may not hold the loop."""
    endless = [sending_forever(*each) for each in ENDLESS.values()]
    async with (
        HostileServer(*endless) as hostile,
        WebhookReceiver() as healthy,
        webhook(hostile.url, timeout_seconds=4.0) as bad,
        webhook(healthy.url) as good,
    ):
        await good.attempt(MESSAGE)
        attacks = [asyncio.create_task(bad.attempt(MESSAGE)) for _ in endless]
        slowest = 0.0
        while not all(attack.done() for attack in attacks):
            began = time.monotonic()
            assert await good.attempt(MESSAGE) == Delivered()
            slowest = max(slowest, time.monotonic() - began)
        results = await asyncio.gather(*attacks)

    assert {result.name for result in results} == {"deferred"}
    assert slowest < 2.0


async def test_bytes_that_nobody_asked_for_are_not_the_next_answer() -> None:
    """The second message must not be taken for refused because of what came late after the first."""
    late = sending(ok(200), 0.02, ok(404), end="next", times=1)
    results, connections = [], 0
    async with HostileServer(late, sending(ok(200), end="next")) as server, webhook(server.url) as channel:
        results.append(await channel.attempt(MESSAGE))
        await asyncio.sleep(0.1)
        results.append(await channel.attempt(MESSAGE))
        connections = server.connections

    assert results == [Delivered(), Delivered()]
    assert connections == 2


async def test_body_that_http_does_not_allow_is_not_the_next_answer() -> None:
    """A 204 announces a body, which comes with the next answer: that connection is not used again."""

    async def late_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n")
        await read_request(reader)
        writer.write(b"hello" + ok(202))
        await reader.read()

    async with (
        HostileServer(late_body, sending(ok(202), end="next")) as server,
        webhook(server.url) as channel,
    ):
        results = [await channel.attempt(MESSAGE) for _ in range(2)]
        connections = server.connections

    assert results == [Delivered(), Delivered()]
    assert connections == 2


async def test_unused_connections_are_limited_in_number() -> None:
    """Ten thousand receivers must not use up the files that a process may have open."""
    receivers = [WebhookReceiver() for _ in range(7)]
    for receiver in receivers:
        await receiver.__aenter__()
    async with webhook(receivers[0].url) as channel:
        client = channel._client
        for _ in range(2):
            for receiver in receivers:
                response = await client.post(URL(receiver.url), b"{}", {}, None)
                response.release()
        idle = len(client._connector._conns)
        oldest = await client.post(URL(receivers[0].url), b"{}", {}, None)
        oldest.release()
    for receiver in receivers:
        await receiver.__aexit__(None, None, None)

    assert idle == 4
    assert receivers[0].connections == 3


async def test_retry_does_not_use_a_connection_that_may_be_dead() -> None:
    """All four connections of the pool die silently: the first retry must open a new one."""
    dies = sending(NO_CONTENT, end="hold")
    concurrent = 4
    async with (
        HostileServer(*[dies] * concurrent, sending(NO_CONTENT, end="next", times=9)) as server,
        webhook(server.url, timeout_seconds=0.3) as channel,
    ):
        first = await asyncio.gather(*(channel.attempt(MESSAGE) for _ in range(concurrent)))
        failed = await channel.attempt(MESSAGE)
        retried = await channel.attempt(MESSAGE)

    assert first == [Delivered()] * concurrent
    assert kind_of(failed)[0] == "deferred"
    assert retried == Delivered()


async def test_message_that_needs_a_fresh_connection_gets_one() -> None:
    fresh = type(MESSAGE)(
        event_id="ev_2", message_id="ev_2", body=b"{}", first_seen_ns=0, needs_fresh_connection=True
    )
    async with WebhookReceiver() as receiver, webhook(receiver.url) as channel:
        results = [await channel.attempt(each) for each in (MESSAGE, MESSAGE, fresh, MESSAGE)]

    assert results == [Delivered()] * 4
    assert receiver.connections == 2


async def attempt_over_tls(server: ssl.SSLContext, ca_file: Path, script: Script) -> AttemptResult:
    async with HostileServer(script, tls=server) as hostile:
        url = hostile.url.replace("127.0.0.1", "localhost")
        async with webhook(url, ca_file=ca_file, timeout_seconds=3.0, look_up=to_loopback) as channel:
            return await channel.attempt(MESSAGE)


async def test_plain_bytes_after_the_handshake_are_deferred(tmp_path: Path) -> None:
    server, ca_file = certificate_for("localhost", tmp_path)
    for data in (
        b"HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n\r\n",
        b"\x00" * 100,
        b"\x17\x03\x03\x00\x05hello",
    ):
        result = await attempt_over_tls(server, ca_file, plain_bytes_within_tls(data))
        assert kind_of(result) in {("deferred", "connection_lost"), ("deferred", "connect_failed")}


async def test_tls_alert_instead_of_an_answer_is_deferred(tmp_path: Path) -> None:
    server, ca_file = certificate_for("localhost", tmp_path)
    alert = b"\x15\x03\x03\x00\x02\x02\x28"
    result = await attempt_over_tls(server, ca_file, plain_bytes_within_tls(alert))

    assert result.name == "deferred"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_server_that_wants_a_client_certificate_is_deferred(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    server, ca_file = certificate_for("localhost", tmp_path)
    server.minimum_version = server.maximum_version = version
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(ca_file)

    result = await attempt_over_tls(server, ca_file, sending(ok(200)))

    # TLS 1.3 sends the alert after the handshake; the connection may end before it is read.
    assert kind_of(result) in {("deferred", "connect_failed"), ("deferred", "connection_lost")}


async def test_client_certificate_is_shown_to_the_receiver_that_asks_for_it(tmp_path: Path) -> None:
    server, certificate = certificate_for("localhost", tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(certificate)
    tls = make_tls_context(
        ca_file=certificate, client_certificate_file=certificate, client_key_file=tmp_path / "key.pem"
    )
    async with WebhookReceiver(tls=server) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        async with webhook(url, tls=tls, look_up=to_loopback) as channel:
            assert await channel.attempt(MESSAGE) == Delivered()


async def test_server_without_tls_is_deferred(tmp_path: Path) -> None:
    _, ca_file = certificate_for("localhost", tmp_path)
    async with HostileServer(before_the_request(b"HTTP/1.1 400 Bad\r\n\r\n", end="hold")) as hostile:
        url = hostile.url.replace("http:", "https:")
        async with webhook(url, ca_file=ca_file, timeout_seconds=2.0) as channel:
            assert kind_of(await channel.attempt(MESSAGE)) == ("deferred", "connect_failed")


async def test_handshake_that_hangs_ends_in_time(tmp_path: Path) -> None:
    _, ca_file = certificate_for("localhost", tmp_path)
    async with HostileServer(before_the_request(end="hold")) as hostile:
        url = hostile.url.replace("http:", "https:")
        async with webhook(url, ca_file=ca_file, timeout_seconds=0.6) as channel:
            began = time.monotonic()
            assert kind_of(await channel.attempt(MESSAGE)) == ("deferred", "timed_out")

    assert time.monotonic() - began < 1.5
