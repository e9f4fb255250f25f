"""The store on a real SQLite file: all or nothing, once, in order, durable."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Inspector, create_engine, inspect

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.retry import DeliveryEnded, RetryAt
from services.notifier.core.routing import (
    DeliveryPlan,
    RoutingHistory,
    Subscription,
    TimeBase,
    plan_deliveries,
)
from services.notifier.store.database import Database
from services.notifier.store.events import EventLog, ReceivedEvent, Repeated
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import Attempt, DeliveryQueue
from services.notifier.store.tables import METADATA
from shared.contracts.records import DIVERGENCES
from shared.domain.deliveries import Channel, Outcome
from shared.domain.divergences import DivergenceEvent, Transition
from shared.errors import ConfigError
from tests.support.builders import divergence

DESK = Subscription(name="desk", channel=Channel.WEBHOOK, receiver="https://desk.example/")
ANN = Subscription(name="ann", channel=Channel.EMAIL, receiver="ann@example.com")
ATTEMPT = Attempt(started_at_ns=1, duration_seconds=0.5, answer="delivered", reason="", detail="")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    await opened.close()


async def add(
    database: Database, event: DivergenceEvent, *subscriptions: Subscription, at_ns: int = 1_000
) -> DeliveryPlan | Repeated:
    def plan(history: RoutingHistory) -> DeliveryPlan:
        return plan_deliveries(
            event,
            subscriptions=subscriptions,
            history=history,
            first_seen_ns=at_ns,
            time_base=TimeBase.REPLAY,
            mail_domain="convex.example",
        )

    received = ReceivedEvent(
        event_id=event.event_id,
        value=DIVERGENCES.encode(event),
        pair=event.pair,
        divergence_id=event.divergence_id,
        sequence=event.sequence,
        received_at_ns=at_ns,
        published_at_ns=at_ns,
        headers={"origin_topic": "ticks.v1"},
    )
    return await EventLog(database).add(received, plan)


async def waiting(database: Database) -> list[tuple[str, int]]:
    heads = await DeliveryQueue(database).heads(limit=100)
    return [(head.delivery.subscription, head.delivery.sequence) for head in heads]


async def test_event_is_stored_once_with_its_deliveries(database: Database) -> None:
    first = await add(database, divergence(), DESK, ANN)
    again = await add(database, divergence(), DESK, ANN, at_ns=2_000)

    assert isinstance(first, DeliveryPlan)
    assert again == Repeated(is_identical=True)
    assert sorted(await waiting(database)) == [("ann", 1), ("desk", 1)]


async def test_event_that_comes_again_with_other_bytes_is_noticed(database: Database) -> None:
    await add(database, divergence(), DESK)

    again = await add(database, divergence(sequence=99), DESK)

    assert again == Repeated(is_identical=False)
    assert await waiting(database) == [("desk", 1)]


async def test_event_and_deliveries_are_one_transaction(database: Database) -> None:
    """Two subscriptions of one name cannot both be stored: then the event must not be either."""
    with pytest.raises(Exception, match="UNIQUE"):
        await add(database, divergence(), DESK, DESK)

    assert isinstance(await add(database, divergence(), DESK), DeliveryPlan)


async def test_value_comes_back_byte_for_byte(database: Database) -> None:
    await add(database, divergence(), DESK)

    (head,) = await DeliveryQueue(database).heads(limit=1)

    assert head.value == DIVERGENCES.encode(divergence())


async def test_plan_is_given_who_was_notified_of_the_divergence(database: Database) -> None:
    seen: list[RoutingHistory] = []
    await add(database, divergence(), DESK)
    await add(database, divergence(onset="another"), ANN)
    event = divergence(type=Transition.CLOSED, sequence=3)

    def plan(history: RoutingHistory) -> DeliveryPlan:
        seen.append(history)
        return DeliveryPlan(deliveries=(), suppressed=())

    received = ReceivedEvent(
        event_id=event.event_id,
        value=b"",
        pair=event.pair,
        divergence_id=event.divergence_id,
        sequence=3,
        received_at_ns=0,
        published_at_ns=0,
        headers={},
    )
    await EventLog(database).add(received, plan)

    assert seen == [RoutingHistory(notified=frozenset({"desk"}), gone=frozenset())]


async def test_only_the_first_of_a_divergence_is_handed_out(database: Database) -> None:
    await add(database, divergence(sequence=4), DESK)
    await add(database, divergence(type=Transition.CLOSED, sequence=6), DESK)
    await add(database, divergence(onset="another", sequence=5), DESK)

    assert sorted(await waiting(database)) == [("desk", 4), ("desk", 5)]


async def test_end_of_the_first_lets_the_next_one_out(database: Database) -> None:
    queue = DeliveryQueue(database)
    await add(database, divergence(sequence=4), DESK)
    await add(database, divergence(type=Transition.CLOSED, sequence=6), DESK)
    (head,) = await queue.heads(limit=1)

    ended = await queue.record(
        head.delivery, DeliveryEnded(outcome=Outcome.DELIVERED, reason=""), now_ns=5, attempt=ATTEMPT
    )

    assert ended == 1
    assert await waiting(database) == [("desk", 6)]


async def test_deferral_survives_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    first = await Database.open(url)
    await add(first, divergence(), DESK)
    (head,) = await DeliveryQueue(first).heads(limit=1)
    later = RetryAt(reason=FailureReason.SERVER_ERROR, next_attempt_at_ns=77)
    await DeliveryQueue(first).record(head.delivery, later, now_ns=5, attempt=ATTEMPT)
    await first.close()

    second = await Database.open(url)
    (head,) = await DeliveryQueue(second).heads(limit=1)
    await second.close()

    assert head.delivery.attempts == 1
    assert head.delivery.last_reason == "server_error"
    assert head.delivery.next_attempt_at_ns == 77


async def test_long_queue_of_one_subscription_does_not_hide_another(database: Database) -> None:
    for number in range(5):
        await add(database, divergence(onset=str(number), sequence=number), DESK, at_ns=1)
    await add(database, divergence(onset="last", sequence=9), ANN, at_ns=2_000)

    heads = await DeliveryQueue(database).heads(limit=2)

    assert [head.delivery.subscription for head in heads] == ["desk", "desk", "ann"]


async def test_subscription_can_be_left_out(database: Database) -> None:
    await add(database, divergence(), DESK, ANN)

    heads = await DeliveryQueue(database).heads(limit=2, without=["desk"])

    assert [head.delivery.subscription for head in heads] == ["ann"]


async def test_receiver_that_is_gone_takes_everything_with_it(database: Database) -> None:
    queue = DeliveryQueue(database)
    for number in range(3):
        await add(database, divergence(onset=str(number), sequence=number), DESK, ANN)
    first, second = [head for head in await queue.heads(limit=9) if head.delivery.subscription == "desk"][:2]
    gone = DeliveryEnded(outcome=Outcome.GONE, reason="gone")

    ended = await queue.record(first.delivery, gone, now_ns=5, attempt=ATTEMPT)
    # It was in flight at the same time, and its answer comes a moment later.
    ended_later = await queue.record(second.delivery, gone, now_ns=6, attempt=ATTEMPT)

    assert (ended, ended_later) == (3, 0)
    assert {name for name, _ in await waiting(database)} == {"ann"}
    assert isinstance(await add(database, divergence(onset="more"), DESK), DeliveryPlan)
    assert {name for name, _ in await waiting(database)} == {"ann"}


async def test_outcome_is_handed_out_until_it_is_marked(database: Database) -> None:
    queue, outbox = DeliveryQueue(database), AuditOutbox(database)
    await add(database, divergence(), DESK)
    assert await outbox.unpublished(limit=10) == ()
    (head,) = await queue.heads(limit=1)
    ended = DeliveryEnded(outcome=Outcome.REJECTED, reason="not_found")
    await queue.record(head.delivery, ended, now_ns=1_399_034_110_000_000_000, attempt=ATTEMPT)

    (outcome,) = await outbox.unpublished(limit=10)
    await outbox.mark_published([outcome])

    assert outcome.outcome is Outcome.REJECTED
    assert outcome.reason == "not_found"
    assert outcome.attempts == 1
    assert outcome.message_id == divergence().event_id
    assert outcome.ended_at == "2014-05-02T12:35:10.000000Z"
    assert await outbox.unpublished(limit=10) == ()


async def test_backlog_counts_what_waits(database: Database) -> None:
    queue = DeliveryQueue(database)
    assert await queue.backlog() == ()
    await add(database, divergence(), DESK, ANN, at_ns=500)
    await add(database, divergence(onset="another"), DESK, at_ns=600)

    backlog = {each.channel: (each.count, each.oldest_received_at_ns) for each in await queue.backlog()}

    assert backlog == {Channel.WEBHOOK: (2, 500), Channel.EMAIL: (1, 500)}


def indexes(inspector: Inspector, table: str) -> list[tuple[str, str, str]]:
    return sorted(
        (
            str(index["name"]),
            str(index["column_names"]),
            str(index.get("dialect_options", {}).get("sqlite_where")),
        )
        for index in inspector.get_indexes(table)
    )


async def test_migrations_build_exactly_the_declared_tables(database: Database, tmp_path: Path) -> None:
    migrated = create_engine(f"sqlite:///{tmp_path}/store.db")
    declared = create_engine(f"sqlite:///{tmp_path}/declared.db")
    METADATA.create_all(declared)
    with migrated.connect() as left, declared.connect() as right:
        ours, theirs = inspect(left), inspect(right)
        assert set(ours.get_table_names()) - {"alembic_version"} == set(theirs.get_table_names())
        for table in theirs.get_table_names():
            assert [str(column) for column in ours.get_columns(table)] == [
                str(column) for column in theirs.get_columns(table)
            ]
            assert indexes(ours, table) == indexes(theirs, table)
    migrated.dispose()
    declared.dispose()


async def test_commits_are_on_disk_before_they_count(database: Database) -> None:
    async def pragma(name: str) -> object:
        return await database.run(lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar())

    assert await pragma("journal_mode") == "wal"
    assert await pragma("synchronous") == 2
    assert await pragma("foreign_keys") == 1


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite:////nowhere/at/all/store.db", "cannot be opened"),
        ("notifier.db", "write for example sqlite:///notifier.db"),
        ("oracel://x", "write for example sqlite:///notifier.db"),
        ("sqlite+aiosqlite:///notifier.db", "asynchronous driver; write sqlite:///FILE"),
    ],
)
async def test_unusable_url_is_one_clear_error(url: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match="CONVEX_NOTIFIER_DATABASE_URL") as caught:
        await Database.open(url)

    assert complaint in str(caught.value)


async def test_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("this is not a database" * 100)

    with pytest.raises(ConfigError, match="cannot be opened: file is not a database"):
        await Database.open(f"sqlite:///{tmp_path}/store.db")


async def test_store_that_fails_says_that_it_is_not_reachable(database: Database, tmp_path: Path) -> None:
    assert database.is_reachable
    with sqlite3.connect(tmp_path / "store.db") as other:
        other.execute("DROP TABLE gone_receivers")
    other.close()

    with pytest.raises(Exception, match="no such table"):
        await add(database, divergence(), DESK)

    assert not database.is_reachable
