"""A server of quotes that is never the slower side: frames are written as bytes, many at once.

It speaks as much of Kraken's WebSocket v2 as the one of part (c). Each quote has its own time and price.
"""

import asyncio
import itertools
import struct
import time
from datetime import UTC, datetime
from typing import Final

from bench.latency.venue import SYMBOL, Venue

_FRAMES_AT_ONCE: Final = 200
# More waits in the kernel; then the reader is the slower side.
_MOST_WAITING_BYTES: Final = 1 << 18
_TEXT_FRAME: Final = 0x81
_LENGTH_FOLLOWS: Final = 126


class FloodVenue(Venue):
    """Serve quotes one by one, or as fast as a contestant reads them."""

    def __init__(self) -> None:
        super().__init__()
        self._number = itertools.count()
        self._last_us = 0

    async def flood(self, name: str, count: int) -> None:
        """Send quotes as fast as they are read; return once the last one is on its way."""
        transport = self._ready[name].transport
        left = count
        while left:
            size = min(left, _FRAMES_AT_ONCE)
            transport.write(b"".join(self._frame() for _ in range(size)))
            left -= size
            await asyncio.sleep(0)
            while transport.get_write_buffer_size() > _MOST_WAITING_BYTES:  # noqa: ASYNC110 - asyncio's own buffer
                await asyncio.sleep(0.0005)

    async def until_closed(self, name: str) -> None:
        """Wait until a contestant has closed its connection."""
        await self._ready.pop(name).wait_closed()

    def next_price(self) -> float:
        """Return a price that no quote had before, near the others."""
        return 4000.0 + next(self._number) % 1_000_000 * 1e-6

    def _frame(self) -> bytes:
        price = self.next_price()
        self._last_us = max(self._last_us + 1, time.time_ns() // 1_000)
        moment = datetime.fromtimestamp(self._last_us / 1e6, UTC).isoformat(timespec="microseconds")[:-6]
        payload = (
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{SYMBOL}","bid":{price:.6f},'
            f'"bid_qty":1.25,"ask":{price + 0.5:.6f},"ask_qty":0.8,"last":0,"volume":1.0,"vwap":1.0,'
            f'"timestamp":"{moment}Z"}}]}}'
        ).encode()
        return struct.pack(">BBH", _TEXT_FRAME, _LENGTH_FOLLOWS, len(payload)) + payload
