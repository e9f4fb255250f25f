"""The least that sends one mail to many recipients: aiosmtplib over open connections, nothing stored.

Started as a process of its own: ``python -m bench.fanout.bare_mails PORT COUNT CONNECTIONS MAIL``; it sends
the bytes of MAIL for each line that it gets, and sends when it began.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiosmtplib

from bench.fanout.line_process import orders, send_answer

_SENDER = "convex@example.com"


async def _send(client: aiosmtplib.SMTP, recipients: Iterator[str], content: bytes) -> None:
    for recipient in recipients:
        await client.sendmail(_SENDER, [recipient], content)


async def main(port: str, count: str, connections: str, content: bytes) -> None:
    """Take orders as long as the starter runs."""
    waiting = await orders()
    clients = [
        aiosmtplib.SMTP(hostname="127.0.0.1", port=int(port), start_tls=False)
        for _ in range(int(connections))
    ]
    for client in clients:
        await client.connect()
    while await waiting.readline():
        send_answer(began_ns=time.time_ns())
        recipients = (f"r{number}@example.com" for number in range(int(count)))
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(_send(client, recipients, content))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], Path(sys.argv[4]).read_bytes()))
