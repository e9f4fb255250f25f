"""The bare consumer: aiokafka's ``getmany`` and our decoder, nothing else.

Started as a process of its own: ``python -m bench.topic.bare_reader BOOTSTRAP RECORDS``.
"""

import asyncio
import json
import sys
import time

from aiokafka import TopicPartition

from shared.config import KafkaSettings
from shared.contracts.ticks import decode_tick_record
from shared.domain.ticks import QuoteBatch
from shared.kafka.clients import make_reader
from shared.kafka.topics import TICKS


async def read(bootstrap: str, records: int) -> None:
    """Read and decode; report the time from after the history to after the last record."""
    consumer = make_reader(KafkaSettings(bootstrap_servers=bootstrap), client_id="bench-bare")
    await consumer.start()
    ticks, seen, began = 0, 0, 0.0
    try:
        partition = TopicPartition(TICKS.name, 0)
        consumer.assign([partition])
        while seen < records:
            found = await consumer.getmany(timeout_ms=1_000, max_records=500)
            for record in found.get(partition, ()):
                decoded = decode_tick_record(record.value)
                seen += 1
                if isinstance(decoded, QuoteBatch):
                    ticks += len(decoded.ts_event_ns)
                elif seen == 2:
                    began = time.monotonic()
        seconds = time.monotonic() - began
    finally:
        await consumer.stop()
    print(json.dumps({"ticks": ticks, "seconds": seconds}))


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], int(sys.argv[2])))
