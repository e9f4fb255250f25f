"""The loop that empties a queue into Kafka: the same for each queue of the ingestor."""

import asyncio
from collections.abc import Awaitable, Callable


class QueueDrain:
    """Send what a queue holds, sleep while it is empty, and end once it is closed and empty.

    Parameters
    ----------
    send_next
        Takes something from the queue and sends it; returns False when the queue was empty.

    Examples
    --------
    >>> waiting, sent = ["tick", "bar"], []
    >>> async def send_next() -> bool:
    ...     if not waiting:
    ...         return False
    ...     sent.append(waiting.pop(0))
    ...     return True
    >>> drain = QueueDrain(send_next)
    >>> drain.close()
    >>> asyncio.run(drain.run())
    >>> sent
    ['tick', 'bar']
    """

    def __init__(self, send_next: Callable[[], Awaitable[bool]]) -> None:
        self._send_next = send_next
        self._filled = asyncio.Event()
        self._is_closing = False

    def wake(self) -> None:
        """Say that something was queued."""
        self._filled.set()

    def close(self) -> None:
        """Let `run` return once everything queued is sent."""
        self._is_closing = True
        self._filled.set()

    async def run(self) -> None:
        """Send until closed, and then until nothing is left."""
        while True:
            # Cleared first, so that what is queued during a send is not overlooked.
            self._filled.clear()
            if await self._send_next():
                continue
            if self._is_closing:
                return
            await self._filled.wait()
