"""The least that posts one event to many URLs: aiohttp, signed, nothing stored and nothing repeated.

Started as a process of its own: ``python -m bench.fanout.bare_webhooks PORT COUNT CONNECTIONS SECRET BODY``;
it posts for each line that it gets, and sends when it began.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from bench.fanout.line_process import orders, send_answer
from services.notifier.core.signing import parse_secret, webhook_signature


async def main(port: str, count: str, connections: str, secret: str, content: bytes) -> None:
    """Take orders as long as the starter runs."""
    keys = [parse_secret(secret)]
    waiting = await orders()
    async with ClientSession(connector=TCPConnector(limit=int(connections))) as session:

        async def post(urls: Iterator[str], message_id: str) -> None:
            for url in urls:
                timestamp = int(time.time())
                signature = webhook_signature(
                    content, message_id=message_id, timestamp_seconds=timestamp, keys=keys
                )
                headers = {
                    "content-type": "application/json",
                    "webhook-id": message_id,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signature,
                }
                async with session.post(url, data=content, headers=headers) as response:
                    response.raise_for_status()

        while await waiting.readline():
            send_answer(began_ns=time.time_ns())
            # Tasks take the next URL from one list: no task for each of 10,000.
            urls = (f"http://127.0.0.1:{port}/{number}" for number in range(int(count)))
            message_id = uuid.uuid4().hex
            async with asyncio.TaskGroup() as group:
                for _ in range(int(connections)):
                    group.create_task(post(urls, message_id))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], Path(sys.argv[5]).read_bytes()))
