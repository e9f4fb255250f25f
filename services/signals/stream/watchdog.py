"""End a worker that has records to read and reads none; its supervisor starts a new one.

Faust and its client are known to stop silently after a broker outage, while heartbeats keep the partitions
with the dead worker.

=================== ============== ===================== =========
next offset         end of log     idle                  stalled
=================== ============== ===================== =========
None: restoring     any            limit or longer       yes
any                 None: unknown  any                   no
at the end          known          any                   no
below the end       known          limit or longer       yes
below the end       known          shorter               no
=================== ============== ===================== =========

Idle is the time since the offset last moved, or since there was last nothing to wait for. An event loop that
does not turn cannot watch itself: a thread does.
"""

import asyncio
import faulthandler
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from services.signals.stream.ports import Die


class Monotonic(Protocol):
    """A clock that never goes back; ``shared.clock.Clock`` is one."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One partition at one instant.

    ``next_offset`` is None while it is being restored, ``end_offset`` when the broker did not say.
    """

    next_offset: int | None
    end_offset: int | None


def is_stalled(sample: Sample, *, idle_seconds: float, limit_seconds: float) -> bool:
    """Say whether a partition has been waiting too long, by the table above.

    Examples
    --------
    >>> is_stalled(Sample(next_offset=5, end_offset=9), idle_seconds=60.0, limit_seconds=60.0)
    True
    >>> is_stalled(Sample(next_offset=9, end_offset=9), idle_seconds=3600.0, limit_seconds=60.0)
    False
    """
    return _is_waiting(sample) and idle_seconds >= limit_seconds


def _is_waiting(sample: Sample) -> bool:
    if sample.next_offset is None:
        return True
    return sample.end_offset is not None and sample.next_offset < sample.end_offset


class ProgressLog:
    """When each partition last moved or had nothing to wait for."""

    def __init__(self, *, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._seen: dict[int, tuple[int | None, float]] = {}

    def stalled(self, samples: Mapping[int, Sample], *, now: float) -> frozenset[int]:
        """Take in the samples of all assigned partitions and return those that stalled."""
        seen: dict[int, tuple[int | None, float]] = {}
        for partition, sample in samples.items():
            before = self._seen.get(partition)
            is_still = before is not None and before[0] == sample.next_offset and _is_waiting(sample)
            seen[partition] = (sample.next_offset, before[1] if before is not None and is_still else now)
        self._seen = seen
        return frozenset(
            partition
            for partition, sample in samples.items()
            if is_stalled(sample, idle_seconds=now - seen[partition][1], limit_seconds=self._limit_seconds)
        )


class Stalled(Exception):
    """The worker has records to read and reads none."""


@asynccontextmanager
async def watching(
    sample: Callable[[], Awaitable[Mapping[int, Sample]]],
    *,
    clock: Monotonic,
    die: Die,
    limit_seconds: float = 60.0,
    interval_seconds: float = 5.0,
) -> AsyncIterator[None]:
    """Watch for as long as the block runs; ``die`` is called on a stall or a blocked event loop.

    Parameters
    ----------
    sample
        Look at all assigned partitions; see :func:`services.signals.stream.lag.sample_progress`.
    clock
        Measures idleness.
    die
        Ends the process; called from another thread when the event loop is blocked.
    limit_seconds
        How long a partition with lag may stand still, and how long the event loop may be blocked.
    interval_seconds
        Time between two looks.
    """
    guard = _LoopGuard(clock, die, limit_seconds=limit_seconds)
    tasks = [
        asyncio.create_task(guard.beat()),
        asyncio.create_task(_watch(sample, clock, die, limit_seconds, interval_seconds)),
    ]
    guard.start()
    try:
        yield
    finally:
        guard.stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _watch(
    sample: Callable[[], Awaitable[Mapping[int, Sample]]],
    clock: Monotonic,
    die: Die,
    limit_seconds: float,
    interval_seconds: float,
) -> None:
    progress = ProgressLog(limit_seconds=limit_seconds)
    while True:
        try:
            samples = await sample()
        except Exception as error:
            die("watchdog_failed", error)
            raise
        stalled = progress.stalled(samples, now=clock.monotonic())
        if stalled:
            standing = {partition: samples[partition] for partition in sorted(stalled)}
            die("no_progress", Stalled(f"no record applied for {limit_seconds} s: {standing}"))
        await asyncio.sleep(interval_seconds)


class _LoopGuard:
    def __init__(self, clock: Monotonic, die: Die, *, limit_seconds: float) -> None:
        self._clock = clock
        self._die = die
        self._limit_seconds = limit_seconds
        # Several beats and looks per limit, so that one late wake-up decides nothing.
        self._interval_seconds = limit_seconds / 5.0
        self._beaten_at = clock.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="loop-guard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    async def beat(self) -> None:
        while True:
            self._beaten_at = self._clock.monotonic()
            await asyncio.sleep(self._interval_seconds)

    def _look(self) -> None:
        while not self._ended.wait(self._interval_seconds):
            blocked_seconds = self._clock.monotonic() - self._beaten_at
            if blocked_seconds >= self._limit_seconds:
                # Shows the line that blocks, which no log line of ours can.
                faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)
                self._die("loop_blocked", Stalled(f"event loop blocked for {blocked_seconds:.1f} s"))
                return
