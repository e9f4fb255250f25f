"""XNYS sessions: which dates are sessions, and when each opens, closes and has its final bar."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from shared.domain.closures import XNYS, Closures
from shared.domain.instants import NS_PER_SECOND, to_ns
from shared.errors import InvariantError

NEW_YORK: Final = ZoneInfo("America/New_York")
# The exchange corrects a day's bar until 20:00 New York; a quarter of an hour is added for the vendor.
BAR_FINAL_AT: Final = time(20, 15)
# So long after a bar should be final, it is missing.
LATEST_BAR_NS: Final = 2 * 3_600 * NS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCalendar:
    """All sessions, in order.

    Parameters
    ----------
    labels
        ``YYYY-MM-DD``, ascending.
    open_ns, close_ns
        UTC instants in nanoseconds, one for each label; early closes included.
    """

    labels: tuple[str, ...]
    open_ns: tuple[int, ...]
    close_ns: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.open_ns) == len(self.close_ns):
            raise InvariantError("a calendar needs one open and one close for each session")

    def is_session(self, label: str) -> bool:
        """Return whether the exchange traded on that date."""
        index = bisect_left(self.labels, label)
        return index < len(self.labels) and self.labels[index] == label

    def index_of(self, label: str) -> int:
        """Return the ordinal of a session.

        Raises
        ------
        InvariantError
            If the label is not a session of this calendar.
        """
        index = bisect_left(self.labels, label)
        if index == len(self.labels) or self.labels[index] != label:
            raise InvariantError(f"{label} is not a session between {self.labels[0]} and {self.labels[-1]}")
        return index

    def close_of(self, label: str) -> int:
        """Return the instant of a session's close, nanoseconds since the Unix epoch."""
        return self.close_ns[self.index_of(label)]

    def first_closing_at_or_after(self, ts_ns: int) -> int:
        """Return the ordinal of the first session whose close is at or after an instant."""
        return bisect_left(self.close_ns, ts_ns)

    def last_closed_before(self, ts_ns: int) -> int:
        """Return the ordinal of the last session whose close is strictly before an instant, or -1."""
        return bisect_left(self.close_ns, ts_ns) - 1

    def is_open(self, ts_ns: int) -> bool:
        """Return whether an instant lies inside a session (open included, close excluded)."""
        return self.opened_at_ns(ts_ns) is not None

    def opened_at_ns(self, ts_ns: int) -> int | None:
        """Return when the session opened that an instant lies in; None outside of sessions."""
        index = bisect_right(self.open_ns, ts_ns) - 1
        return self.open_ns[index] if index >= 0 and ts_ns < self.close_ns[index] else None

    def with_closures(self, closures: Closures) -> "SessionCalendar":
        """Return the calendar as declared closures leave it."""
        kept = [index for index, label in enumerate(self.labels) if not closures.is_closed(XNYS, label)]
        return SessionCalendar(
            labels=tuple(self.labels[index] for index in kept),
            open_ns=tuple(self.open_ns[index] for index in kept),
            close_ns=tuple(self._close_with(closures, index) for index in kept),
        )

    def _close_with(self, closures: Closures, index: int) -> int:
        early = closures.early_close(XNYS, self.labels[index])
        if early is None:
            return self.close_ns[index]
        at_ns = to_ns(datetime.combine(date.fromisoformat(self.labels[index]), early, NEW_YORK))
        # Not before the open, not after the close that the calendar knows.
        return min(max(at_ns, self.open_ns[index] + NS_PER_SECOND), self.close_ns[index])


def missing_bar_at_ns(session: str) -> int:
    """Return from when on a session's bar is missing: 22:15 New York."""
    return bar_final_at_ns(session) + LATEST_BAR_NS


@lru_cache(maxsize=1 << 14)
def bar_final_at_ns(session: str) -> int:
    """Return when a session's daily bar is final: 20:15 New York on that date.

    Examples
    --------
    >>> bar_final_at_ns("2020-03-18")  # 00:15 UTC the next day, in daylight-saving time
    1584576900000000000
    """
    return to_ns(datetime.combine(date.fromisoformat(session), BAR_FINAL_AT, NEW_YORK))
