"""Receivers and relays that fail and come back are left alone, then served at once, the newest first."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from convex.deliveries import retry_deliveries
from services.notifier.config import SmtpSecurity, SmtpSettings
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Outcome
from shared.domain.divergences import DivergenceEvent, Severity, Transition
from shared.kafka.publisher import Message, Publisher
from tests.integration.notifier.conftest import email, notifier_settings, running_notifier, webhook
from tests.integration.notifier.test_events_to_receivers import outcomes, publish
from tests.support.builders import divergence
from tests.support.hostile_http import HostileServer
from tests.support.hostile_smtp import HostileSmtp, Says, Script
from tests.support.receivers import Answer, MailSink, WebhookReceiver


@pytest.fixture
async def kafka(embedded_kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with Publisher(embedded_kafka, client_id="test") as publisher:
        yield publisher


def opening(number: int, **changes: Any) -> DivergenceEvent:
    """Return the opening of a divergence of its own."""
    return divergence(onset=f"opening {number}", sequence=number, **changes)


async def publish_all(kafka: Publisher, events: list[DivergenceEvent]) -> None:
    await kafka.publish_in_order(
        [Message("divergences.v1", event.pair, DIVERGENCES.encode(event)) for event in events]
    )


async def until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - servers that only count
            await asyncio.sleep(0.02)


async def test_newest_state_follows_a_failed_opening_as_soon_as_the_receiver_may_be_asked(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """The schedule would have the opening wait for an hour."""
    escalation = divergence(type=Transition.ESCALATED, severity=Severity.CRITICAL, sequence=2)
    async with WebhookReceiver(Answer(status=503, headers={"retry-after": "2"})) as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), retry_delays_seconds="3600")
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, divergence())
            await receiver.wait_for(1)
            asked_at = asyncio.get_running_loop().time()
            await publish(kafka, escalation)
            await receiver.wait_for(2, timeout_seconds=10)
            waited = asyncio.get_running_loop().time() - asked_at
            ended = {each.event_id: each.outcome for each in await outcomes(embedded_kafka, 2)}

    assert receiver.ids == [divergence().event_id, escalation.event_id]
    assert 1.8 <= waited < 8.0
    assert ended == {divergence().event_id: Outcome.SUPERSEDED, escalation.event_id: Outcome.DELIVERED}


async def test_endpoint_that_asks_to_be_left_alone_is(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """Twenty divergences wait for it and more come; a neighbour is served meanwhile, and after a restart."""
    events = [opening(number) for number in range(20)]
    asks = [Answer(status=status, headers={"retry-after": "3600"}) for status in (503, 429, 500, 503)]
    async with WebhookReceiver(*asks) as receiver, WebhookReceiver() as neighbour:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), webhook("other", neighbour.url))
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, events)
            await neighbour.wait_for(20)
            await asyncio.sleep(0.5)
        # Another group reads from the beginning, and is there sooner than a member that comes back.
        async with running_notifier(embedded_kafka, settings.model_copy(update={"group": "again"})):
            await publish(kafka, opening(21))
            await neighbour.wait_for(21)
            await asyncio.sleep(0.5)

    assert len(receiver.requests) == 1
    assert len(neighbour.requests) == 21


async def test_longest_wait_that_can_be_asked_for_is_bounded_and_ends_by_an_operators_word(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    asks = Answer(status=429, headers={"retry-after": "9" * 300})
    async with WebhookReceiver(asks) as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url))
        async with running_notifier(embedded_kafka, settings):
            await publish(kafka, opening(1))
            await receiver.wait_for(1)
            await asyncio.sleep(0.3)
        async with running_notifier(embedded_kafka, settings.model_copy(update={"group": "again"})):
            await asyncio.sleep(0.5)
            assert len(receiver.requests) == 1
            await retry_deliveries(settings, subscription="desk", delivery_id=None)
            await receiver.wait_for(2)


class SleepyReceiver:
    """Reads requests and answers none, until it is well."""

    def __init__(self) -> None:
        self.is_well = False
        self.ids: list[str] = []

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(fields["content-length"]))
            self.ids.append(fields["webhook-id"])
            if not self.is_well:
                await reader.read()
                return
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def served_after(
    outage_seconds: float, embedded_kafka: KafkaSettings, kafka: Publisher, folder: Path, **changes: Any
) -> tuple[int, list[int], float]:
    """Let a receiver hang while 204 messages pile up.

    Return how often it was asked meanwhile, the numbers of the messages in the order in which it got them
    afterwards, and the seconds that took.
    """
    events = [opening(number) for number in range(204)]
    numbers = {event.event_id: event.sequence for event in events}
    sleepy = SleepyReceiver()
    async with HostileServer(sleepy.script) as server:
        settings = notifier_settings(folder, webhook("desk", server.url), **changes)
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, events)
            await asyncio.sleep(outage_seconds)
            asked = len(sleepy.ids)
            sleepy.is_well = True
            well_at = asyncio.get_running_loop().time()
            ended = await outcomes(embedded_kafka, 204, timeout_seconds=120.0)
            took = asyncio.get_running_loop().time() - well_at
    assert {each.outcome for each in ended} == {Outcome.DELIVERED}
    return asked, [numbers[each] for each in sleepy.ids[asked:]], took


async def test_receiver_that_hung_is_served_within_seconds_newest_first(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """More messages wait for it than are kept in memory."""
    asked, order, took = await served_after(
        6.0,
        embedded_kafka,
        kafka,
        tmp_path,
        request_timeout_seconds=0.5,
        retry_delays_seconds="5,300,1800",
        probe_min_seconds=0.5,
        probe_max_seconds=5,
    )

    assert asked < 12, "it was asked now and then, not for each message"
    assert len(set(order)) == 204
    # On a loaded machine an answer may take longer than half a second; that message is sent again.
    assert len(order) <= 220
    assert order[0] >= 195, "the newest is the first"
    # Several are on their way at a time, and memory is filled again, so the order is not strict.
    assert sum(order[:50]) / 50 > sum(order[-50:]) / 50 + 100
    assert took < 20


async def test_receiver_that_answers_well_every_other_time_gets_everything(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    events = [opening(number) for number in range(30)]
    async with WebhookReceiver(*[503, 204] * 60) as receiver:
        settings = notifier_settings(tmp_path, webhook("desk", receiver.url), probe_min_seconds=0.05)
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, events)
            ended = await outcomes(embedded_kafka, 30)

    assert {each.outcome for each in ended} == {Outcome.DELIVERED}


def login_settings(port: int) -> SmtpSettings:
    return SmtpSettings(
        host="127.0.0.1",
        port=port,
        security=SmtpSecurity.NONE,
        sender="alerts@convex.example",
        username="convex",
        password="wrong",
    )


@pytest.mark.parametrize("reply", [b"535 5.7.8 wrong\r\n", b"454 4.7.0 not now\r\n", b"334 \r\n"])
async def test_wrong_password_is_tried_once_or_twice_for_a_hundred_mails(
    reply: bytes, embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    script = {
        "ehlo": Says(reply=b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n"),
        "auth": Says(reply=reply),
        "auth-data": Says(reply=b"535 5.7.8 wrong\r\n"),
    }
    async with HostileSmtp(script) as server, WebhookReceiver() as neighbour:
        settings = notifier_settings(
            tmp_path,
            *(email(f"p{number}", f"p{number}@example.com") for number in range(10)),
            webhook("desk", neighbour.url),
            smtp=login_settings(server.port),
        )
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, [opening(number) for number in range(10)])
            await neighbour.wait_for(10)
            await until(lambda: server.count(b"AUTH"))
            await asyncio.sleep(4)

    assert 1 <= server.count(b"AUTH") <= 2


async def test_password_that_becomes_right_lets_all_mails_go_out(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    announced = Says(reply=b"250-mail.example\r\n250 AUTH PLAIN\r\n")
    wrong = {"ehlo": announced, "auth": Says(reply=b"535 5.7.8 wrong\r\n")}
    async with HostileSmtp(wrong, {"ehlo": announced}) as server:
        settings = notifier_settings(
            tmp_path,
            *(email(f"p{number}", f"p{number}@example.com") for number in range(10)),
            smtp=login_settings(server.port),
            probe_min_seconds=0.2,
        )
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, [opening(number) for number in range(5)])
            await until(lambda: server.count(b"AUTH"))
            await until(lambda: len(server.accepted) >= 50, seconds=60)

    assert len(server.accepted) == 50


async def test_relay_that_closes_after_each_mail_defers_none(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    bye = b"421 4.7.0 one mail a connection\r\n"
    script: Script = {"mail": [Says(), Says(reply=bye, closes=True)], "rset": Says(reply=bye, closes=True)}
    async with HostileSmtp(script) as server:
        settings = notifier_settings(
            tmp_path,
            *(email(f"p{number}", f"p{number}@example.com") for number in range(5)),
            mail_port=server.port,
            retry_delays_seconds="3600",
        )
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, [opening(number) for number in range(6)])
            ended = await outcomes(embedded_kafka, 30)

    assert {(each.outcome, each.attempts) for each in ended} == {(Outcome.DELIVERED, 1)}
    assert len(server.accepted) == 30


async def test_connections_that_died_in_silence_cost_one_attempt(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    """The receiver keeps eight connections, and then answers on none of them any more."""
    dead = asyncio.Event()
    connections: dict[asyncio.Task[Any], int] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        connections[me] = len(connections)
        is_old = not dead.is_set()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if is_old and dead.is_set():
                    await asyncio.sleep(3_600)
                await asyncio.sleep(0.1)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = notifier_settings(
        tmp_path, webhook("desk", f"http://127.0.0.1:{port}/"), request_timeout_seconds=1.0
    )
    async with server:
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, [opening(number) for number in range(30)])
            await outcomes(embedded_kafka, 30)
            opened = len(connections)
            dead.set()
            await publish(kafka, opening(100))
            ended = await outcomes(embedded_kafka, 31)
        for task in connections:
            task.cancel()

    assert opened > 2
    assert (ended[-1].outcome, ended[-1].attempts) == (Outcome.DELIVERED, 2)


async def test_relay_that_defers_at_first_gets_each_mail_in_the_end(
    embedded_kafka: KafkaSettings, kafka: Publisher, tmp_path: Path
) -> None:
    async with MailSink(mail_replies=["451 4.3.0 later"] * 3) as sink:
        settings = notifier_settings(
            tmp_path, email("ann", "ann@example.com"), mail_port=sink.port, probe_min_seconds=0.1
        )
        async with running_notifier(embedded_kafka, settings):
            await publish_all(kafka, [opening(number) for number in range(5)])
            await sink.wait_for(5, timeout_seconds=60)

    assert len(set(sink.message_ids)) == 5
