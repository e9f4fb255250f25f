"""Days on which the exchange was closed though its calendar calls them sessions: nobody has a trade of them.

A session counts as closed from 09:00 New York of the day after it, if

- every listed symbol was asked for, and no source has its bar, and
- no listed symbol has ticked in it.

Then nothing asks for its bars again and again. They are still in what the pull of each morning asks for: one
bar, or one tick, and the day was a session after all.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from typing import Final

from shared.domain.instants import to_ns
from shared.domain.sessions import NEW_YORK

_MORNING: Final = time(9)
# Older sessions are holes in a history, not news.
_KEPT_SESSIONS: Final = 10
# A whole history.
_KNOWN_SESSIONS: Final = 1_000


class InferredClosures:
    """What is known of the last sessions.

    Parameters
    ----------
    instruments
        The listed symbols whose bars are pulled.
    has_ticked
        Whether any listed symbol has ticked in a session.

    Examples
    --------
    >>> from shared.domain.instants import parse_rfc3339
    >>> closures = InferredClosures(["IWM.ARCX"], has_ticked=lambda _: False)
    >>> closures.on_pull("IWM.ARCX", missing=["2026-03-10"], present=["2026-03-09"])
    >>> closures.closed(now_ns=parse_rfc3339("2026-03-11T12:59:59Z"))
    ()
    >>> closures.closed(now_ns=parse_rfc3339("2026-03-11T13:00:00Z"))
    ('2026-03-10',)
    """

    def __init__(self, instruments: Collection[str], *, has_ticked: Callable[[str], bool]) -> None:
        self._instruments = frozenset(instruments)
        self._has_ticked = has_ticked
        self._without: dict[str, set[str]] = {}
        self._sessions: set[str] = set()

    def on_pull(self, instrument: str, *, missing: Collection[str], present: Collection[str]) -> None:
        """Note which sessions an answer had and which it had not, though their bars should be final."""
        self._sessions |= set(present)
        for session in missing:
            self._without.setdefault(session, set()).add(instrument)
        for old in sorted(self._without)[:-_KEPT_SESSIONS]:
            del self._without[old]
        for old in sorted(self._sessions)[:-_KNOWN_SESSIONS]:
            self._sessions.discard(old)

    def closed(self, *, now_ns: int) -> tuple[str, ...]:
        """Return the sessions that count as closed, ascending."""
        return tuple(session for session in sorted(self._without) if self.is_closed(session, now_ns=now_ns))

    def is_closed(self, session: str, *, now_ns: int) -> bool:
        """Return whether a session counts as closed."""
        return (
            self._without.get(session, set()) >= self._instruments
            and bool(self._instruments)
            and session not in self._sessions
            and not self._has_ticked(session)
            and now_ns >= _morning_after(session)
        )


def _morning_after(session: str) -> int:
    day = date.fromisoformat(session) + timedelta(days=1)
    return to_ns(datetime.combine(day, _MORNING, NEW_YORK))
