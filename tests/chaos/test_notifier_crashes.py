"""A notifier that dies between any two of its effects delivers, after a restart, what it would have."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from services.notifier.core.effects import Effect
from services.notifier.core.message_ids import delivery_id_of, mail_message_id
from shared.config import KafkaSettings
from shared.contracts.records import DELIVERIES, DIVERGENCES
from shared.domain.divergences import Transition
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from tests.chaos.notifier_process import EXIT_CODE
from tests.integration.notifier.conftest import email, webhook, write_subscriptions
from tests.support.builders import divergence
from tests.support.receivers import MailSink, WebhookReceiver

EVENTS = (
    divergence(sequence=1),
    divergence(onset="another", sequence=2),
    divergence(type=Transition.CLOSED, sequence=3),
)
EVENT_IDS = [event.event_id for event in EVENTS]
MESSAGE_IDS = [
    mail_message_id(event_id=event_id, recipient="ann@example.com", domain="convex.example")
    for event_id in EVENT_IDS
]
DELIVERY_IDS = {
    delivery_id_of(event_id=event_id, subscription=name) for event_id in EVENT_IDS for name in ("desk", "ann")
}


@asynccontextmanager
async def notifier_process(
    bootstrap: str, folder: Path, effect: str = "never", count: int = 1, *, group: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    with (folder / "notifier.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "tests.chaos.notifier_process",
                bootstrap,
                str(folder),
                group,
                effect,
                str(count),
            ),
            cwd=Path(__file__).parents[2],
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()


async def audited(bootstrap: str) -> list[str]:
    """Return the delivery ids in the audit topic, in order, once each delivery is there."""
    settings = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
    reader = make_reader(settings, client_id="audit-reader")
    reader.subscribe(["deliveries.v1"])
    found: list[str] = []
    await reader.start()
    try:
        async with asyncio.timeout(30):
            while set(found) != DELIVERY_IDS:
                found.append(DELIVERIES.decode((await reader.getone()).value).delivery_id)
    finally:
        await reader.stop()
    return found


def first_of_each(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


async def run_through(
    bootstrap: str, folder: Path, effect: str, count: int, *, group: str, group_after: str
) -> None:
    """Let a notifier die, start another, and compare what arrived with what an undisturbed run sends."""
    async with WebhookReceiver() as receiver, MailSink() as sink:
        write_subscriptions(folder, webhook("desk", receiver.url), email("ann", "ann@example.com"))
        (folder / "mail_port").write_text(str(sink.port))
        kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
        async with Publisher(kafka, client_id="test") as publisher:
            for event in EVENTS:
                await publisher.publish("divergences.v1", key=event.pair, value=DIVERGENCES.encode(event))
        async with notifier_process(bootstrap, folder, effect, count, group=group) as process:
            async with asyncio.timeout(40):
                code = await process.wait()
        assert code == EXIT_CODE, (folder / "notifier.log").read_text()
        async with notifier_process(bootstrap, folder, group=group_after):
            outcomes = await audited(bootstrap)

    # None is missing, none differs, and of one divergence the opening comes before the end.
    assert sorted(first_of_each(receiver.ids)) == sorted(EVENT_IDS)
    assert sorted(first_of_each(sink.message_ids)) == sorted(MESSAGE_IDS)
    for ids, expected in ((receiver.ids, EVENT_IDS), (sink.message_ids, MESSAGE_IDS)):
        assert ids.index(expected[0]) < ids.index(expected[2])
        # A restart repeats at most what was in flight: one for each lane.
        assert len(ids) - len(set(ids)) <= 2
    bodies = {request.headers["webhook-id"]: request.body for request in receiver.requests}
    assert bodies == {event.event_id: DIVERGENCES.encode(event) for event in EVENTS}
    assert set(outcomes) == DELIVERY_IDS


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.parametrize(
    ("effect", "count"),
    [
        (Effect.STORED, 3),
        (Effect.COMMITTED, 1),
        (Effect.SENT, 1),
        (Effect.RECORDED, 6),
        (Effect.AUDITED, 1),
    ],
)
async def test_dying_after_an_effect_loses_nothing_and_changes_no_identity(
    embedded_broker: str, tmp_path: Path, effect: Effect, count: int
) -> None:
    # A new group reads everything again, and need not wait until the dead member's session has ended.
    await run_through(embedded_broker, tmp_path, effect.value, count, group="first", group_after="again")


@pytest.mark.chaos
@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("effect", [Effect.STORED, Effect.SENT])
async def test_dying_between_store_and_send_on_apache_kafka(
    fresh_kafka: str, tmp_path: Path, effect: Effect
) -> None:
    group = f"notifier-{uuid4()}"
    await run_through(fresh_kafka, tmp_path, effect.value, 2, group=group, group_after=group)
