"""The least that brings frames to Kafka: each quote is sent, and its acknowledgement waited for.

Started as a process of its own: ``python -m bench.ingestion.bare_sender BOOTSTRAP WEBSOCKET``.
"""

import asyncio
import sys

from bench.latency.bare_script import read_frames
from shared.config import KafkaSettings
from shared.kafka.clients import make_producer


async def main(bootstrap: str, websocket: str) -> None:
    """Run the loop of part (c) up to its first topic."""
    producer = make_producer(KafkaSettings(bootstrap_servers=bootstrap), client_id="bare")
    await producer.start()
    try:
        await read_frames(websocket, producer)
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
