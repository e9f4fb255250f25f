"""The least that does the same two Kafka hops: frame, record, record, signed POST. Nothing is computed.

Started as a process of its own: ``python -m bench.latency.bare_script BOOTSTRAP WEBSOCKET WEBHOOK SECRET``.
"""

import asyncio
import sys
import time
import uuid

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from websockets.asyncio.client import ClientConnection, connect

from services.notifier.core.signing import parse_secret, webhook_signature
from shared.config import KafkaSettings
from shared.kafka.clients import make_group_consumer, make_producer

FIRST, SECOND = "bench-frames", "bench-events"


async def subscribe(socket: ClientConnection) -> None:
    """Ask for quotes and trades of one symbol."""
    for number, channel in enumerate(("ticker", "trade"), 1):
        request = {
            "method": "subscribe",
            "params": {"channel": channel, "symbol": ["PAXG/USD"]},
            "req_id": number,
        }
        await socket.send(orjson.dumps(request).decode())


async def read_frames(url: str, producer: AIOKafkaProducer) -> None:
    """Subscribe, and put each quote into the first topic."""
    async with connect(url) as socket:
        await subscribe(socket)
        async for frame in socket:
            if orjson.loads(frame).get("channel") == "ticker":
                await producer.send_and_wait(FIRST, str(frame).encode(), key=b"PAXG/USD")


async def hop(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
    """Put each record of the first topic into the second."""
    while True:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                await producer.send_and_wait(SECOND, record.value, key=record.key)
            await consumer.commit()


async def post(consumer: AIOKafkaConsumer, url: str, secret: str) -> None:
    """Post each record of the second topic, signed."""
    keys = [parse_secret(secret)]
    async with httpx.AsyncClient(timeout=10) as client:
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    message_id, timestamp = uuid.uuid4().hex, int(time.time())
                    signature = webhook_signature(
                        record.value, message_id=message_id, timestamp_seconds=timestamp, keys=keys
                    )
                    headers = {
                        "content-type": "application/json",
                        "webhook-id": message_id,
                        "webhook-timestamp": str(timestamp),
                        "webhook-signature": signature,
                    }
                    (await client.post(url, content=record.value, headers=headers)).raise_for_status()
                await consumer.commit()


async def main(bootstrap: str, websocket: str, webhook: str, secret: str) -> None:
    """Run the three loops."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap)
    producers = [make_producer(kafka, client_id=f"bare-{number}") for number in (1, 2)]
    consumers = [
        make_group_consumer(kafka, topic, group=f"bare-{topic}", client_id="bare")
        for topic in (FIRST, SECOND)
    ]
    for client in (*producers, *consumers):
        await client.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(hop(consumers[0], producers[1]))
        group.create_task(post(consumers[1], webhook, secret))
        group.create_task(read_frames(websocket, producers[0]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
