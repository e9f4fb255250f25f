"""The sink of a dry run: every tick, bar, status and observation as a JSON line, and nothing into Kafka.

========================= ==================================================================================
``type``                  fields
========================= ==================================================================================
``quote``, ``trade``      of one tick: ``instrument``, ``feed``, its times, its prices
``status``                ``instrument``, ``feed``, ``state``, ``watermark_ns``
``authority``, ``fault``  as in ``ticks.v1``
``bar``                   as in ``bars.v1``, and ``mode``: ``history``, ``live`` or ``provisional``
``observation``           as in ``macro.v1``
``rejected``              ``feed``, ``reason``, ``message``, ``raw``: what would be a dead letter
========================= ==================================================================================

A reader that is slow, such as a pager, does not hold up the feeds: what does not fit is dropped and counted.
Feeds that can wait do so, and lose nothing.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import orjson

from services.ingestor.core.possible_instants import check_instant, possible_ticks
from shared.domain.bars import Bar
from shared.domain.instants import format_rfc3339
from shared.domain.macro import Observation
from shared.domain.ticks import FeedAuthority, FeedFault, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import DataError, QualityError

_MAX_WAITING_BYTES: Final = 64 << 20
# Feeds that can wait do so above this.
_SHORT_BYTES: Final = 1 << 20
_RAW_BYTES: Final = 400


class PrintedSink:
    """Write JSON lines.

    Parameters
    ----------
    write
        Writes bytes and returns once they are written; raises `BrokenPipeError` when nobody reads any more.
        Called in a thread.
    """

    def __init__(
        self, write: Callable[[bytes], None], *, max_waiting_bytes: int = _MAX_WAITING_BYTES
    ) -> None:
        self._write = write
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._filled = asyncio.Event()
        self._shortened = asyncio.Event()
        self._is_closing = False
        self.dropped_lines = 0

    def put_ticks(self, batch: QuoteBatch | TradeBatch) -> None:
        """Print each tick of one instrument."""
        kept, error = possible_ticks(batch)
        if error is not None:
            self.reject(feed=batch.feed, raw=repr(batch).encode(), error=error)
        if kept is None:
            return
        batch = kept
        kind = "quote" if isinstance(batch, QuoteBatch) else "trade"
        head = {"type": kind, "instrument": batch.instrument, "feed": batch.feed}
        for event_ns, received_ns, values in zip(
            batch.ts_event_ns.tolist(), batch.ts_received_ns.tolist(), _values_of(batch), strict=True
        ):
            times = {
                "ts_event": format_rfc3339(event_ns),
                "ts_event_ns": event_ns,
                "ts_received_ns": received_ns,
            }
            self._put({**head, **times, **values})

    def put_bars(self, bars: tuple[Bar, ...], *, is_history: bool) -> None:
        """Print bars of one instrument."""
        for bar in bars:
            self._put({"type": "bar", "mode": "history" if is_history else "live", **_fields(bar)})

    def put_status(self, status: FeedStatus) -> None:
        """Print the state of a feed."""
        if not self._is_possible(status):
            return
        watermark = format_rfc3339(status.watermark_ns)
        self._put({"type": "status", **_fields(status), "watermark": watermark})

    def put_authority(self, authority: FeedAuthority) -> None:
        """Print from which feed an instrument's ticks come from here on."""
        if self._is_possible(authority):
            self._put({"type": "authority", **_fields(authority)})

    def put_feed_fault(self, fault: FeedFault) -> None:
        """Print that a fault of an instrument's data begins or ends."""
        if self._is_possible(fault):
            self._put({"type": "fault", **_fields(fault)})

    def put_provisional_bars(self, bars: tuple[Bar, ...]) -> None:
        """Print bars that nothing may be decided on."""
        for bar in bars:
            self._put({"type": "bar", "mode": "provisional", **_fields(bar)})

    def put_observations(self, observations: tuple[Observation, ...]) -> None:
        """Print macro observations."""
        for observation in observations:
            self._put({"type": "observation", **_fields(observation)})

    def reject(self, *, feed: str, raw: bytes, error: DataError) -> None:
        """Print input that cannot be used."""
        shown = raw[:_RAW_BYTES].decode(errors="replace")
        self._put(
            {"type": "rejected", "feed": feed, "reason": error.reason, "message": str(error), "raw": shown}
        )

    async def wait_for_room(self, instrument: str) -> None:
        """Wait until little is left to print."""
        while self._waiting_bytes > _SHORT_BYTES:
            self._shortened.clear()
            await self._shortened.wait()

    async def run(self) -> None:
        """Print until closed and nothing is left, or until nobody reads any more."""
        while True:
            self._filled.clear()
            if self._waiting:
                part = b"".join(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                self._shortened.set()
                if not await self._is_written(part):
                    return
            elif self._is_closing:
                return
            else:
                await self._filled.wait()

    def close(self) -> None:
        """Let `run` return once everything is printed."""
        self._is_closing = True
        self._filled.set()

    def drop(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._waiting_bytes = 0

    def _is_possible(self, record: FeedStatus | FeedAuthority | FeedFault) -> bool:
        try:
            check_instant(record)
        except QualityError as error:
            self.reject(feed=record.feed, raw=repr(record).encode(), error=error)
            return False
        return True

    def _put(self, fields: dict[str, Any]) -> None:
        line = orjson.dumps(fields) + b"\n"
        if self._waiting_bytes + len(line) > self._max_waiting_bytes:
            self.dropped_lines += 1
            return
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        self._filled.set()

    async def _is_written(self, part: bytes) -> bool:
        """Write in a thread that the end of the process does not wait for: a pager may never read on."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[bool] = loop.create_future()

        def finish(is_written: bool) -> None:
            if not written.done():
                written.set_result(is_written)

        def write() -> None:
            try:
                self._write(part)
            except OSError:
                is_written = False
            else:
                is_written = True
            # The loop may have ended meanwhile.
            if not loop.is_closed():
                loop.call_soon_threadsafe(finish, is_written)

        threading.Thread(target=write, name="printing", daemon=True).start()
        return await written


def _values_of(batch: QuoteBatch | TradeBatch) -> list[dict[str, Any]]:
    if isinstance(batch, QuoteBatch):
        pairs = zip(batch.bid.tolist(), batch.ask.tolist(), strict=True)
        return [{"bid": bid, "ask": ask} for bid, ask in pairs]
    trades = zip(batch.price.tolist(), batch.size.tolist(), batch.trade_id, strict=True)
    return [{"price": price, "size": size, "trade_id": trade_id} for price, size, trade_id in trades]


def _fields(value: Any) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return fields
