"""The store after kill -9 at any moment: what was committed is there, and every delivery is in one state."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from services.notifier.store.database import Database
from services.notifier.store.queue import DeliveryQueue

pytestmark = pytest.mark.chaos

KILLS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def work_until_killed(url: str, first: int, seconds: float) -> list[list[str]]:
    """Return what the process said it had committed; a last line that is cut off is left out."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.store_process", url, str(first), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = [await process.stdout.readline()]
    killing = asyncio.get_running_loop().call_later(seconds, process.kill)
    while line := await process.stdout.readline():
        said.append(line)
    killing.cancel()
    await process.wait()
    assert process.returncode == -9
    return [line.decode().split() for line in said if line.endswith(b"\n")]


async def check(url: str, said: list[list[str]]) -> int:
    """Check everything that was promised, and return the number of deliveries that were interrupted."""
    database = await Database.open(url)
    loaded = (await DeliveryQueue(database).load(10_000)).deliveries
    rows = await database.run(
        lambda connection: connection.exec_driver_sql(
            "SELECT delivery_id, subscription, divergence_id, sequence, endpoint_sequence, state, attempts,"
            " ended_at_ns, owner FROM deliveries"
        ).all()
    )
    events = await database.run(
        lambda connection: connection.exec_driver_sql(
            "SELECT e.event_id, e.sequence, count(d.delivery_id) FROM events AS e"
            " LEFT JOIN deliveries AS d ON d.event_id = e.event_id GROUP BY e.event_id, e.sequence"
        ).all()
    )
    await database.close()
    state = {row.delivery_id: row.state for row in rows}
    attempts = {row.delivery_id: row.attempts for row in rows}
    for effect, *words in said:
        for word in words:
            delivery_id, _, recorded = word.partition("=")
            assert delivery_id in state
            assert effect == "added" or attempts[delivery_id] >= 1
            if recorded and recorded != "pending":
                assert state[delivery_id] == recorded
    # No event without all its deliveries: four of each opening, two of each end.
    assert {(sequence % 2, count) for _, sequence, count in events} <= {(0, 4), (1, 2)}
    for name in {row.subscription for row in rows}:
        numbers = sorted(row.endpoint_sequence for row in rows if row.subscription == name)
        assert numbers == list(range(1, len(numbers) + 1))
    sending = Counter((row.subscription, row.divergence_id) for row in rows if row.state == "sending")
    assert set(sending.values()) <= {1}
    for row in rows:
        assert (row.ended_at_ns is None) == (row.state in ("pending", "sending"))
        if row.state in ("pending", "sending"):
            assert row.owner == database.instance
    unended = {row.delivery_id for row in rows if row.state in ("pending", "sending")}
    assert {each.delivery_id for each in loaded} == unended
    interrupted = {each.delivery_id for each in loaded if each.is_interrupted}
    assert interrupted == {row.delivery_id for row in rows if row.state == "sending"}
    return len(interrupted)


@pytest.mark.slow
async def test_store_keeps_what_it_confirmed_through_kills_at_any_moment(store_url: str) -> None:
    random_moments = random.Random(7)
    interrupted = 0
    said: list[list[str]] = []
    for kill in range(KILLS):
        said += await work_until_killed(store_url, 1_000 * kill, random_moments.uniform(0.0, 0.15))
        interrupted += await check(store_url, said)

    # Otherwise no kill came between the beginning of an attempt and its result.
    assert interrupted > 0
