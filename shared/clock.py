"""The only module that reads the time; all other code gets a clock or an instant as an argument."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Return wall time for records and monotonic time for timers."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        ...

    def now_ns(self) -> int:
        """Return the wall time in nanoseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...


class SystemClock:
    """Read the machine's clocks."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        return datetime.now(UTC)

    def now_ns(self) -> int:
        """Return the wall time in nanoseconds since the Unix epoch."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()


class ManualClock:
    """Stand still until advanced; for tests and replays.

    Examples
    --------
    >>> clock = ManualClock(datetime(2014, 5, 2, 12, 30, tzinfo=UTC))
    >>> clock.advance(timedelta(minutes=5))
    >>> clock.now().isoformat()
    '2014-05-02T12:35:00+00:00'
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the instant it stands at."""
        return self._now

    def now_ns(self) -> int:
        """Return the instant it stands at in nanoseconds since the Unix epoch."""
        since = self._now - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000

    def monotonic(self) -> float:
        """Return by how many seconds it has been advanced in total."""
        return self._monotonic

    def advance(self, by: timedelta) -> None:
        """Move on by ``by``, which must not be negative."""
        if by < timedelta(0):
            raise ValueError(f"a clock never goes back, was asked for {by}")
        self._now += by
        self._monotonic += by.total_seconds()
