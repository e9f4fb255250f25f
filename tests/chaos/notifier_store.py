"""Read a notifier's store from outside, and wait until nothing of it is left to do."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from services.notifier.store.connecting import parse_database_url
from services.notifier.store.tables import ATTEMPTS, DELIVERIES, ENDPOINT_SEQUENCES, EVENTS, SUPPRESSIONS

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRows:
    """What is in a notifier's store."""

    events: Sequence[Row]
    deliveries: Sequence[Row]
    attempts: Sequence[Row]
    suppressions: Sequence[Row]
    endpoint_sequences: Mapping[str, int]


def read_store(url: str) -> StoreRows:
    """Read everything that is in a store."""
    engine = create_engine(parse_database_url(url))
    try:
        with engine.begin() as connection:
            tables = {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in (EVENTS, DELIVERIES, ATTEMPTS, SUPPRESSIONS, ENDPOINT_SEQUENCES)
            }
    finally:
        engine.dispose()
    last = {row["subscription"]: row["last"] for row in tables.pop("endpoint_sequences")}
    return StoreRows(endpoint_sequences=last, **tables)


async def wait_until_settled(url: str, *, events: int, stuck_seconds: float) -> None:
    """Return when every event is stored, every delivery has ended and everything is in the audit topic.

    Raises
    ------
    TimeoutError
        If nothing changes for so long; with what is left.
    """
    query = text("""
        SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM deliveries WHERE ended_at_ns IS NULL),
            (SELECT count(*) FROM deliveries WHERE NOT audited),
            (SELECT count(*) FROM suppressions WHERE NOT audited)
    """)
    engine = create_engine(parse_database_url(url))
    before: object = None
    changed_at = time.monotonic()
    try:
        while time.monotonic() - changed_at < stuck_seconds:
            try:
                with engine.begin() as connection:
                    found: object = tuple(connection.execute(query).one())
            except DBAPIError as error:
                # Not made yet, or away at the moment.
                found = str(error.orig)
            if found == (events, 0, 0, 0):
                return
            if found != before:
                before, changed_at = found, time.monotonic()
            await asyncio.sleep(0.1)
    finally:
        engine.dispose()
    raise TimeoutError(
        f"nothing changes: {events} events were published, (stored, not ended, not audited, "
        f"suppressions not audited) = {before}"
    )
