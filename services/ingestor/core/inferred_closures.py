"""Days on which the exchange was closed though its calendar calls them sessions: nobody has a trade of them.

A session counts as closed from 09:00 New York of the day after it, if

- every listed symbol was asked for, and no source has its bar, over six hours,
- the answers had every other session of the last ones, but one at most: an answer without any of them says
  nothing about the exchange, and
- no listed symbol has ticked in it.

Then nothing asks for its bars again and again. They are still in what the pull of each morning asks for: one
bar, or one tick, and the day was a session after all.
"""

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from typing import Final

from shared.domain.instants import NS_PER_SECOND, to_ns
from shared.domain.sessions import NEW_YORK

_MORNING: Final = time(9)
_LASTS_NS: Final = 6 * 3_600 * NS_PER_SECOND
_MOST_MISSING: Final = 2
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
    >>> evening, morning = parse_rfc3339("2026-03-11T00:15:00Z"), parse_rfc3339("2026-03-11T13:00:00Z")
    >>> for now_ns in (evening, morning):
    ...     closures.on_pull("IWM.ARCX", missing=["2026-03-10"], present=["2026-03-09"], now_ns=now_ns)
    ...     closures.closed(now_ns=now_ns)
    ()
    ('2026-03-10',)
    """

    def __init__(self, instruments: Collection[str], *, has_ticked: Callable[[str], bool]) -> None:
        self._instruments = frozenset(instruments)
        self._has_ticked = has_ticked
        # By session and instrument, since when and until when it was asked for in vain.
        self._missing: dict[str, dict[str, tuple[int, int]]] = {}
        self._present: set[str] = set()

    def on_pull(
        self, instrument: str, *, missing: Collection[str], present: Collection[str], now_ns: int
    ) -> None:
        """Note which of the last sessions an answer had and which it had not.

        Parameters
        ----------
        missing
            Sessions whose bars should be final.
        """
        self._present |= set(present)
        if len(missing) > _MOST_MISSING:
            for asked in self._missing.values():
                asked.pop(instrument, None)
        else:
            for session in missing:
                asked = self._missing.setdefault(session, {})
                since_ns, _ = asked.get(instrument, (now_ns, now_ns))
                asked[instrument] = (since_ns, now_ns)
        for old in sorted(self._missing)[:-_KEPT_SESSIONS]:
            del self._missing[old]
        for old in sorted(self._present)[:-_KNOWN_SESSIONS]:
            self._present.discard(old)

    def closed(self, *, now_ns: int) -> tuple[str, ...]:
        """Return the sessions that count as closed, ascending."""
        return tuple(session for session in sorted(self._missing) if self._is_closed(session, now_ns))

    def _is_closed(self, session: str, now_ns: int) -> bool:
        asked = self._missing[session]
        in_vain = {each for each, (since_ns, until_ns) in asked.items() if until_ns - since_ns >= _LASTS_NS}
        return (
            bool(self._instruments)
            and in_vain >= self._instruments
            and session not in self._present
            and not self._has_ticked(session)
            and now_ns >= _morning_after(session)
        )


def _morning_after(session: str) -> int:
    day = date.fromisoformat(session) + timedelta(days=1)
    return to_ns(datetime.combine(day, _MORNING, NEW_YORK))
