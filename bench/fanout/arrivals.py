"""What arrived at a receiver: each message of an event once, and when the first and the last was answered."""

import time
from collections.abc import Callable


class Arrivals:
    """Count the messages of one event after the other.

    Parameters
    ----------
    expected
        Messages of each event; they are numbered from 0.
    on_complete
        Called once all messages of an event were answered, with ``first_ns`` and ``last_ns`` (Unix
        nanoseconds), ``repeats``, and the number of ``connections`` they came over.
    """

    def __init__(self, expected: int, on_complete: Callable[..., None]) -> None:
        self._expected = expected
        self._on_complete = on_complete
        self._start_over()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing of the event was answered yet."""
        return self._missing == self._expected

    def note_answered(self, number: int, connection: object) -> None:
        """Note that a message was answered just now."""
        if self._is_seen[number]:
            self._repeats += 1
            return
        self._is_seen[number] = True
        self._connections.add(id(connection))
        if self._missing == self._expected:
            self._first_ns = time.time_ns()
        self._missing -= 1
        if self._missing == 0:
            self._on_complete(
                first_ns=self._first_ns,
                last_ns=time.time_ns(),
                repeats=self._repeats,
                connections=len(self._connections),
            )
            self._start_over()

    def _start_over(self) -> None:
        self._is_seen = bytearray(self._expected)
        self._connections: set[int] = set()
        self._missing, self._repeats, self._first_ns = self._expected, 0, 0
