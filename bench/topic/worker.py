"""``convex signals`` as it is in production, measured by its own checkpoints in Kafka.

The record that ends the history and the one that ends the log both change the pair, so a checkpoint follows
each. A checkpoint names the last offset applied, and Kafka stamps it in milliseconds: ticks between the two
offsets, divided by the time between the two stamps, is the rate. The service is neither changed nor watched
from inside.
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
# The offset of the second leg's history; ticks follow.
_HISTORY_END = 1


async def run_worker(bootstrap: str, *, pair: str, records: int, folder: Path) -> tuple[int, float]:
    """Return how many records of ticks the worker applied, and in how many seconds.

    Parameters
    ----------
    pair
        A name that no worker had before. The lead's checkpoint is deleted, so it begins at the beginning.
    records
        How many the log has: two of history, then ticks, then one that ends it.
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
        forgotten = await publisher.publish(STATE.name, key=key, value=None, partition=0)
    with running(["-m", "convex", "signals"], environ, log) as process:
        consumer = make_reader(KafkaSettings(bootstrap_servers=bootstrap), client_id="bench-watch")
        await consumer.start()
        try:
            partition = TopicPartition(STATE.name, 0)
            consumer.assign([partition])
            # What comes before is of the workers of earlier rounds.
            consumer.seek(partition, forgotten.offset + 1)
            first: tuple[int, int] | None = None
            deadline = time.monotonic() + 180
            while time.monotonic() < deadline:
                require_running(process, log)
                for record in (await consumer.getmany(timeout_ms=500)).get(partition, ()):
                    if record.key != key.encode() or record.value is None:
                        continue
                    applied = applied_offset_of(record.value)
                    if first is None and applied >= _HISTORY_END:
                        first = applied, record.timestamp
                    if first is not None and applied == records - 1:
                        # The last record has no ticks.
                        return applied - 1 - first[0], (record.timestamp - first[1]) / 1_000
            raise RuntimeError(f"the worker did not come to the end:\n{log.read_text()[-3000:]}")
        finally:
            await consumer.stop()


def measure_worker(bootstrap: str, *, pair: str, records: int, folder: Path) -> tuple[int, float]:
    """Run `run_worker` in a loop of its own."""
    return asyncio.run(run_worker(bootstrap, pair=pair, records=records, folder=folder))
