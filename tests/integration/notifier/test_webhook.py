"""Webhooks against a real HTTP server: what is sent, what answers mean, and where nothing is sent."""

from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
)
from shared.clock import ManualClock
from shared.version import CODE_VERSION
from tests.integration.notifier.webhook_channel import LOOPBACK, MESSAGE, SECRET, webhook
from tests.support.certificates import certificate_for
from tests.support.receivers import Answer as Scripted
from tests.support.receivers import WebhookReceiver

EVERYWHERE = (*LOOPBACK, ip_network("::1/128"))


async def answer_to(*script: int | Scripted, timeout_seconds: float = 5.0) -> AttemptResult:
    async with (
        WebhookReceiver(*script) as receiver,
        webhook(receiver.url, timeout_seconds=timeout_seconds) as channel,
    ):
        return await channel.attempt(MESSAGE)


async def test_request_is_what_standard_webhooks_asks_for() -> None:
    async with WebhookReceiver() as receiver, webhook(receiver.url) as channel:
        assert await channel.attempt(MESSAGE) == Delivered()

    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.body == MESSAGE.body
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == f"convex/{CODE_VERSION}"
    assert request.headers["webhook-id"] == "ev_1"
    assert Webhook(SECRET).verify(request.body, request.headers) == {"pair": "gold–iwm"}


async def test_timestamp_is_whole_seconds_of_the_attempt() -> None:
    clock = ManualClock(datetime(2025, 11, 28, 12, 0, 0, 999_999, tzinfo=UTC))
    async with WebhookReceiver() as receiver, webhook(receiver.url, clock=clock) as channel:
        await channel.attempt(MESSAGE)

    assert receiver.requests[0].headers["webhook-timestamp"] == "1764331200"


async def test_connection_is_kept_for_the_next_one() -> None:
    script = (200, Scripted(status=503, body=b"x" * 10_000), 200)
    async with WebhookReceiver(*script) as receiver, webhook(receiver.url) as channel:
        for _ in range(3):
            await channel.attempt(MESSAGE)

    assert len(receiver.requests) == 3
    assert receiver.connections == 1


async def test_connection_that_the_receiver_closed_is_replaced() -> None:
    async with WebhookReceiver(200, Scripted(is_cut=True), 200) as receiver, webhook(receiver.url) as channel:
        answers = [await channel.attempt(MESSAGE) for _ in range(3)]

    assert [type(answer) for answer in answers] == [Delivered, Deferred, Delivered]
    assert receiver.connections == 2


async def test_answers_are_classified() -> None:
    assert await answer_to(
        Scripted(status=429, headers={"retry-after": "120"}, body=b"slow down")
    ) == Deferred(reason=FailureReason.RATE_LIMITED, retry_after_seconds=120.0, detail="HTTP 429 slow down")
    assert await answer_to(410) == Gone(detail="HTTP 410")
    assert await answer_to(404) == Rejected(reason=FailureReason.NOT_FOUND, detail="HTTP 404")


async def test_receiver_that_hangs_is_deferred() -> None:
    answer = await answer_to(Scripted(wait_seconds=2.0), timeout_seconds=0.1)

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.TIMED_OUT


async def test_receiver_that_hangs_up_is_deferred() -> None:
    answer = await answer_to(Scripted(is_cut=True))

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.CONNECTION_LOST


async def test_receiver_that_is_not_there_is_deferred() -> None:
    async with WebhookReceiver() as receiver:
        url = receiver.url
    async with webhook(url) as channel:
        answer = await channel.attempt(MESSAGE)

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.CONNECT_FAILED


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".example"])
async def test_name_without_an_address_is_deferred(host: str) -> None:
    async with webhook(f"http://{host}/") as channel:
        answer = await channel.attempt(MESSAGE)

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.DNS_FAILED


async def test_accepted_message_stays_accepted_whatever_becomes_of_the_answers_body() -> None:
    broken = Scripted(status=200, headers={"content-length": "500"}, body=b"half of it")
    huge = Scripted(status=200, body=b"x" * 5_000_000)
    async with WebhookReceiver(broken, huge, 200) as receiver, webhook(receiver.url) as channel:
        receiver_closes = channel.attempt(MESSAGE)
        answers = [await receiver_closes, await channel.attempt(MESSAGE), await channel.attempt(MESSAGE)]

    assert answers == [Delivered()] * 3


async def test_compressed_answer_is_not_unpacked() -> None:
    bomb = Scripted(status=500, headers={"content-encoding": "gzip"}, body=b"this is no gzip")

    answer = await answer_to(bomb)

    assert isinstance(answer, Deferred)
    assert answer.detail == "HTTP 500 this is no gzip"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "224.0.0.1",
    ],
)
async def test_nothing_is_sent_to_a_private_address_however_it_is_written(host: str) -> None:
    async with (
        WebhookReceiver() as receiver,
        webhook(f"http://{host}:{receiver.port}/hook", allowed=()) as channel,
    ):
        answer = await channel.attempt(MESSAGE)

    assert isinstance(answer, Rejected)
    assert answer.reason is FailureReason.ADDRESS_REFUSED
    assert receiver.connections == 0


async def test_redirect_to_a_private_address_is_not_followed() -> None:
    async with WebhookReceiver() as inside:
        redirect = Scripted(status=307, headers={"location": inside.url})
        assert await answer_to(redirect) == Rejected(reason=FailureReason.REDIRECTED, detail="HTTP 307")

    assert inside.connections == 0


async def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy connects to where it likes: the check of addresses would be worth nothing."""
    async with WebhookReceiver() as proxy, WebhookReceiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with webhook(receiver.url) as channel:
            assert await channel.attempt(MESSAGE) == Delivered()

    assert proxy.connections == 0


async def test_certificate_is_verified_for_the_name_although_the_address_is_connected_to(
    tmp_path: Path,
) -> None:
    server, ca_file = certificate_for("localhost", tmp_path)
    async with WebhookReceiver(tls=server) as receiver:
        right = receiver.url.replace("127.0.0.1", "localhost")
        async with webhook(right, ca_file=ca_file, allowed=EVERYWHERE) as channel:
            assert await channel.attempt(MESSAGE) == Delivered()
        async with webhook(receiver.url, ca_file=ca_file) as channel:
            wrong_name = await channel.attempt(MESSAGE)
        async with webhook(right, allowed=EVERYWHERE) as channel:
            unknown_ca = await channel.attempt(MESSAGE)

    for answer in (wrong_name, unknown_ca):
        assert isinstance(answer, Deferred)
        assert answer.reason is FailureReason.CONNECT_FAILED
    assert len(receiver.requests) == 1
