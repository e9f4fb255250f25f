"""The least that reads frames: a loop of ``websockets`` that decodes JSON, and counts quotes.

Started as a process of its own: ``python -m bench.ingestion.bare_reader WEBSOCKET QUOTES``. It closes the
connection after so many quotes, and connects again.
"""

import asyncio
import sys

import orjson
from websockets.asyncio.client import connect

from bench.latency.bare_script import subscribe


async def read(url: str, quotes: int) -> None:
    """Read for ever, one connection after the other."""
    while True:
        async with connect(url, compression=None) as socket:
            await subscribe(socket)
            left = quotes
            async for frame in socket:
                if orjson.loads(frame).get("channel") == "ticker":
                    left -= 1
                    if not left:
                        break


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], int(sys.argv[2])))
