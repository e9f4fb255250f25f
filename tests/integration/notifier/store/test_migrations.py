"""The migrations build the declared tables, and keep what an older notifier stored."""

import asyncio

import pytest
from alembic import command
from sqlalchemy import Inspector, create_engine, inspect
from sqlalchemy.engine.interfaces import ReflectedIndex

from services.notifier.store.connecting import make_engine, parse_database_url
from services.notifier.store.database import Database
from services.notifier.store.endpoint_events import EndpointEvents
from services.notifier.store.migrating import migrate, migrations_of
from services.notifier.store.outbox import AuditOutbox
from services.notifier.store.queue import DeliveryQueue
from services.notifier.store.receivers import ReceiverLog
from services.notifier.store.tables import METADATA
from shared.domain.deliveries import Outcome
from shared.errors import ConfigError
from tests.support.builders import divergence
from tests.support.stored_events import DESK, added, scalar

EVENT = (
    "INSERT INTO events"
    " (event_id, value, pair, divergence_id, sequence, received_at_ns, published_at_ns, headers)"
    " VALUES ('ev_{number}', {value}, 'gold-iwm', '{lane}', {number}, {at_ns}, {at_ns}, '{{}}')"
)
DELIVERY = (
    "INSERT INTO deliveries (delivery_id, event_id, subscription, channel, receiver_id, pair, divergence_id,"
    " sequence, message_id, state, attempts, last_reason, next_attempt_at_ns, expires_at_ns, ended_at_ns,"
    " audited)"
    " VALUES ('{subscription}_{number}', 'ev_{number}', '{subscription}', 'webhook', 'rc_{subscription}',"
    " 'gold-iwm', '{lane}', {number}, 'ev_{number}', '{state}', {attempts}, '{reason}', 50, 10000, {ended},"
    " {audited})"
)


def old_store(url: str) -> None:
    """Make a store of the first schema, with what its notifier left."""
    engine = make_engine(parse_database_url(url))
    value = "X'3{}'" if engine.dialect.name == "sqlite" else "'\\x3{}'"
    rows = [
        *(
            EVENT.format(number=number, value=value.format(number), lane=lane, at_ns=at_ns)
            for number, lane, at_ns in ((1, "dv_a", 100), (2, "dv_a", 200), (3, "dv_b", 150))
        ),
        *(
            DELIVERY.format(
                number=number,
                subscription=name,
                lane=lane,
                state=state,
                attempts=attempts,
                reason=reason,
                ended=ended,
                audited=audited,
            )
            for number, name, lane, state, attempts, reason, ended, audited in (
                (1, "desk", "dv_a", "pending", 3, "server_error", "NULL", "false"),
                (2, "desk", "dv_a", "pending", 0, "", "NULL", "false"),
                (3, "desk", "dv_b", "delivered", 1, "", "160", "true"),
                (1, "ops", "dv_a", "delivered", 1, "", "110", "true"),
                (2, "ops", "dv_a", "rejected", 1, "not_found", "210", "false"),
                (3, "gone", "dv_b", "gone", 1, "gone", "170", "true"),
            )
        ),
        "INSERT INTO attempts VALUES ('desk_1', 3, 120, 0.5, 'deferred', 'server_error', 'HTTP 503')",
        "INSERT INTO gone_receivers VALUES ('rc_gone', 'gone', 170)",
    ]
    with engine.begin() as connection:
        migrate(connection, revision="0001")
        for row in rows:
            connection.exec_driver_sql(row)
    engine.dispose()


async def test_store_of_the_first_schema_is_taken_over_with_all_it_holds(store_url: str) -> None:
    old_store(store_url)

    database = await Database.open(store_url)

    (waits,) = (await DeliveryQueue(database).load(10)).deliveries
    assert (waits.delivery_id, waits.attempts, waits.endpoint_sequence) == ("desk_2", 0, 3)
    assert (waits.received_at_ns, waits.published_at_ns, waits.is_interrupted) == (200, 200, False)
    # An older message of the lane waited too; only the newest is worth sending.
    superseded, rejected = await AuditOutbox(database).unpublished(limit=10)
    assert (superseded.delivery_id, superseded.outcome, superseded.attempts) == (
        "desk_1",
        Outcome.SUPERSEDED,
        3,
    )
    assert (rejected.delivery_id, rejected.endpoint_sequence) == ("ops_2", 2)
    page = await EndpointEvents(database).after("desk", 0, limit=10)
    assert [(each.endpoint_sequence, each.value) for each in page.events] == [(1, b"1"), (2, b"3"), (3, b"2")]
    (gone,) = await ReceiverLog(database).all()
    assert (gone.receiver_id, gone.is_gone, gone.gone_reason, gone.gone_at_ns) == (
        "rc_gone",
        True,
        "gone",
        170,
    )
    assert await scalar(database, "SELECT count(*) FROM attempts") == 1
    (next_one,) = await added(database, divergence(sequence=9), DESK, at_ns=300)
    assert next_one.endpoint_sequence == 4
    await database.close()


async def test_store_can_go_back_to_the_first_schema(store_url: str) -> None:
    old_store(store_url)
    database = await Database.open(store_url)
    await DeliveryQueue(database).load(10)
    await DeliveryQueue(database).begin(["desk_2"], now_ns=1, on_disk=True)

    await database.run(lambda connection: command.downgrade(migrations_of(connection), "0001"))

    pending = "SELECT state FROM deliveries WHERE delivery_id = 'desk_2'"
    assert await scalar(database, pending) == "pending"
    assert await scalar(database, "SELECT receiver_id FROM gone_receivers") == "rc_gone"
    await database.close()
    again = await Database.open(store_url)
    assert await scalar(again, "SELECT last FROM endpoint_sequences WHERE subscription = 'desk'") == 3
    await again.close()


def described_index(index: ReflectedIndex) -> str:
    conditions = [str(option) for option in index.get("dialect_options", {}).values()]
    return f"{index['name']} {index['unique']} {index['column_names']} {conditions}"


def described(inspector: Inspector) -> dict[str, object]:
    return {
        table: (
            sorted(str(column) for column in inspector.get_columns(table)),
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(described_index(index) for index in inspector.get_indexes(table)),
            sorted(
                (str(key["constrained_columns"]), key["referred_table"])
                for key in inspector.get_foreign_keys(table)
            ),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


async def test_migrations_build_exactly_the_declared_tables(
    database: Database, store_url: str, request: pytest.FixtureRequest
) -> None:
    migrated = await database.run(lambda connection: described(inspect(connection)))
    if database.dialect.is_sqlite:
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            METADATA.create_all(connection)
            declared = described(inspect(connection))
        engine.dispose()
    else:
        engine = make_engine(parse_database_url(store_url))
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA declared")
            connection.exec_driver_sql("SET LOCAL search_path = declared")
            METADATA.create_all(connection)
            declared = described(inspect(connection))
        engine.dispose()

    assert migrated == declared
    assert len(migrated) == 9


async def test_two_notifiers_may_start_on_a_new_postgresql_at_once(postgres_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(postgres_url) for _ in range(4)))

    assert len({database.instance for database in opened}) == 4
    assert await scalar(opened[0], "SELECT count(*) FROM alembic_version") == 1
    await asyncio.gather(*(database.close() for database in opened))


async def test_store_of_a_newer_version_is_one_clear_error(store_url: str) -> None:
    database = await Database.open(store_url)
    newer = "UPDATE alembic_version SET version_num = '9999'"
    await database.run(lambda connection: connection.exec_driver_sql(newer))
    await database.close()

    with pytest.raises(ConfigError, match=r"newer version.*9999"):
        await Database.open(store_url)
