"""Faust as its tutorial has it: the default settings, and a table that is written for every tick.

Started as a process of its own: ``python -m bench.topic.faust_table_reader BOOTSTRAP TOPIC TICKS GROUP``. The
topic has one tick in each record, or many: a record's ticks are written one by one.
"""

import asyncio
import json
import math
import sys
import time

import faust

from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import QuoteBatch


async def run(bootstrap: str, topic_name: str, ticks: int, group: str) -> None:
    """Run the app until every tick is in the table."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=1,
        topic_replication_factor=1,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        autodiscover=False,
        datadir=f"/tmp/{group}",  # noqa: S108 - nothing is kept there
    )
    topic = app.topic(
        topic_name, key_serializer="raw", value_serializer="raw", value_type=bytes, partitions=1
    )
    latest = app.Table("latest", default=float, partitions=1)
    done = asyncio.Event()
    seen, began, seconds = 0, 0.0, 0.0

    @app.agent(topic)
    async def keep(stream: faust.Stream) -> None:
        nonlocal seen, began, seconds
        async for value in stream:
            if not began:
                began = time.monotonic()
            record = decode_tick_record(value)
            if isinstance(record, QuoteBatch):
                for bid, ask in zip(record.bid.tolist(), record.ask.tolist(), strict=True):
                    latest[record.instrument] = math.log((bid + ask) * 0.5)
                    seen += 1
            if seen >= ticks and not done.is_set():
                seconds = time.monotonic() - began
                done.set()

    app.finalize()
    starting = asyncio.create_task(app.start())
    try:
        async with asyncio.timeout(120):
            await done.wait()
    finally:
        print(json.dumps({"ticks": seen, "seconds": seconds}), flush=True)
        await app.stop()
        starting.cancel()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
