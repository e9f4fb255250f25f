"""A notifier that dies between any two of its effects delivers, after a restart, what it would have."""

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from services.notifier.core.effects import Effect
from shared.config import KafkaSettings
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import Transition
from shared.kafka.publisher import Publisher
from tests.chaos.audit_reader import reading_outcomes
from tests.chaos.notifier_oracle import Facts, faults_of
from tests.chaos.notifier_process import EXIT_CODE, NotifierRun, start_notifier
from tests.chaos.notifier_store import read_store, wait_until_settled
from tests.chaos.random_receivers import RandomReceivers
from tests.integration.notifier.conftest import email, webhook, write_subscriptions
from tests.support.builders import divergence

EVENTS = (
    divergence(sequence=1),
    divergence(onset="another", sequence=2),
    divergence(type=Transition.CLOSED, sequence=3),
)
PUBLISHED = {event.event_id: DIVERGENCES.encode(event) for event in EVENTS}
SUBSCRIPTIONS = frozenset({"desk", "ann", "other"})


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/notifier.db"
    return str(request.getfixturevalue("postgres_url"))


async def run_through(
    bootstrap: str,
    folder: Path,
    database_url: str,
    effect: Effect,
    count: int,
    *,
    group: str,
    group_after: str,
) -> Facts:
    """Let a notifier die, let another one finish, and return what can be seen of both."""
    async with RandomReceivers(Random(1), is_well=True) as receivers:
        write_subscriptions(
            folder,
            webhook("desk", receivers.url("desk")),
            email("ann", "ann@example.com"),
            webhook("other", receivers.url("other"), 'pairs = ["no-such-pair"]'),
        )
        kafka = KafkaSettings(bootstrap_servers=bootstrap, fetch_max_wait_ms=10)
        async with Publisher(kafka, client_id="test") as publisher:
            for event in EVENTS:
                await publisher.publish("divergences.v1", key=event.pair, value=PUBLISHED[event.event_id])
        run = NotifierRun(
            bootstrap=bootstrap,
            folder=folder,
            database_url=database_url,
            group=group,
            mail_port=receivers.mail_port,
            effect=effect,
            count=count,
        )
        async with reading_outcomes(bootstrap) as outcomes:
            first = start_notifier(run)
            await asyncio.to_thread(first.process.join, 40)
            assert first.process.exitcode == EXIT_CODE, (folder / "notifier.log").read_text()
            second = start_notifier(replace(run, group=group_after, effect=None))
            try:
                await wait_until_settled(database_url, events=len(EVENTS), stuck_seconds=30)
            finally:
                second.process.terminate()
                await asyncio.to_thread(second.process.join, 30)
            await asyncio.sleep(0.2)
    return Facts(
        published=PUBLISHED,
        subscriptions=SUBSCRIPTIONS,
        store=read_store(database_url),
        outcomes=outcomes,
        calls=receivers.calls,
        mails=receivers.mails,
    )


def check(facts: Facts) -> None:
    assert faults_of(facts) == []
    # Everybody is well, so nothing is lost: only an opening whose attempt was cut off may be left out, if the
    # end is stored already, which says so. A restart repeats at most what was in flight: one of each lane.
    states = {(row["event_id"], row["subscription"]): row["state"] for row in facts.store.deliveries}
    assert {state for key, state in states.items() if key[0] != EVENTS[0].event_id} == {"delivered"}
    assert set(states.values()) <= {"delivered", "superseded"}
    assert list(states.values()).count("superseded") <= 2
    assert len(facts.calls) - len(EVENTS) <= 2
    assert len(facts.mails) - len(EVENTS) <= 2


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.parametrize(
    ("effect", "count"),
    [
        (Effect.STORED, 1),
        (Effect.STORED, 3),
        (Effect.COMMITTED, 1),
        (Effect.BEGUN, 1),
        (Effect.BEGUN, 2),
        (Effect.SENT, 1),
        (Effect.SENT, 2),
        (Effect.RECORDED, 1),
        (Effect.RECORDED, 6),
        (Effect.AUDITED, 1),
        (Effect.MARKED, 1),
    ],
)
async def test_dying_after_an_effect_loses_nothing_and_changes_no_identity(
    embedded_broker: str, tmp_path: Path, database_url: str, effect: Effect, count: int
) -> None:
    # A new group reads everything again, and need not wait until the dead member's session has ended.
    check(
        await run_through(
            embedded_broker, tmp_path, database_url, effect, count, group="first", group_after="again"
        )
    )


@pytest.mark.chaos
@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("effect", [Effect.STORED, Effect.SENT])
async def test_dying_between_store_and_send_on_apache_kafka(
    fresh_kafka: str, tmp_path: Path, database_url: str, effect: Effect
) -> None:
    group = f"notifier-{uuid4()}"
    check(await run_through(fresh_kafka, tmp_path, database_url, effect, 2, group=group, group_after=group))
