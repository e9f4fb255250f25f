"""``convex signals`` as it is in production; its own checkpoints in Kafka say when it was where.

The record that ends the history and the one that ends the log both change the pair, so the worker writes a
checkpoint after each; the producer's time stamps of the two, in milliseconds, are the measurement. Nothing in
the service is changed or watched from inside.
"""

import asyncio
import time
from pathlib import Path

from aiokafka import TopicPartition

from bench.processes import require_running, running
from services.signals.checkpoint.codec import applied_offset_of, key_of_lead
from shared.config import KafkaSettings
from shared.kafka.clients import make_reader
from shared.kafka.publisher import Publisher
from shared.kafka.topics import STATE

_LEAD = "XAU/USD.REPLAY"


async def run_worker(bootstrap: str, *, pair: str, records: int, folder: Path) -> float:
    """Return the seconds from the end of the history to the end of the log.

    Parameters
    ----------
    pair
        A name that no worker had before. The lead's checkpoint is deleted, so it begins at the beginning.
    records
        How many the log has, the two of the history and the last one included.
    """
    pairs, log = folder / f"{pair}.toml", folder / f"{pair}.log"
    pairs.write_text(
        f'[[pair]]\nname = "{pair}"\ntitle = "Gold vs IWM"\nlead = "{_LEAD}"\nother = "IWM.REPLAY"\n'
        'lead_title = "Gold"\nother_title = "IWM"\n'
    )
    environ = {
        "CONVEX_PAIRS": str(pairs),
        "CONVEX_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CONVEX_SIGNALS_GROUP": f"group-{pair}",
        "CONVEX_SIGNALS_INSTANCE_ID": f"worker-{pair}",
    }
    key = key_of_lead(_LEAD)
    async with Publisher(KafkaSettings(bootstrap_servers=bootstrap), client_id="bench-forget") as publisher:
        await publisher.publish(STATE.name, key=key, value=None, partition=0)
    with running(["-m", "convex", "signals"], environ, log) as process:
        consumer = make_reader(KafkaSettings(bootstrap_servers=bootstrap), client_id="bench-watch")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(STATE.name, 0)])
            began_ms, deadline = None, time.monotonic() + 180
            while time.monotonic() < deadline:
                require_running(process, log)
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    for record in batch:
                        if record.key != key.encode() or record.value is None:
                            continue
                        offset = applied_offset_of(record.value)
                        if offset == 1:
                            began_ms = record.timestamp
                        if offset == records - 1 and began_ms is not None:
                            return (record.timestamp - began_ms) / 1_000
            raise RuntimeError(f"the worker did not come to the end:\n{log.read_text()[-3000:]}")
        finally:
            await consumer.stop()


def measure_worker(bootstrap: str, *, pair: str, records: int, folder: Path) -> float:
    """Run `run_worker` in a loop of its own."""
    return asyncio.run(run_worker(bootstrap, pair=pair, records=records, folder=folder))
