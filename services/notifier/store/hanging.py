"""End a connection whose server answers nothing: the driver itself waits forever.

PostgreSQL bounds statements and waits for locks itself, and the kernel notices a host that is gone. What is
left is a server that keeps its connections and does not run: stopped, or without its disk.
"""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from sqlalchemy import Engine, event

log = structlog.get_logger(__name__)

# Longer than PostgreSQL's own limit of a statement.
MOST_SECONDS: Final = 45.0
_LOOK_SECONDS: Final = 1.0


class HangingConnections:
    """Close the socket of a connection under a transaction that takes too long; the transaction then fails.

    Parameters
    ----------
    most_seconds
        Longest that a transaction may take.
    """

    def __init__(self, most_seconds: float = MOST_SECONDS) -> None:
        self.most_seconds = most_seconds
        self._newest: Any = None
        self._began_at: float | None = None

    def listen(self, engine: Engine) -> None:
        """Learn of each new connection of an engine."""
        event.listen(engine, "connect", self._connected)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the newest connection during a block, which runs in the store's thread."""
        self._began_at = time.monotonic()
        try:
            yield
        finally:
            self._began_at = None

    async def watch(self) -> None:
        """Look about once a second until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            began_at = self._began_at
            if began_at is not None and time.monotonic() - began_at > self.most_seconds:
                log.error("store_hangs", seconds=round(time.monotonic() - began_at))
                self._cut()

    def _connected(self, connection: Any, _record: Any) -> None:
        self._newest = connection

    def _cut(self) -> None:
        if self._newest is None or self._newest.closed:
            return
        # The descriptor stays the driver's; its wait ends with an error.
        with socket.socket(fileno=os.dup(self._newest.fileno())) as ours:
            ours.shutdown(socket.SHUT_RDWR)
