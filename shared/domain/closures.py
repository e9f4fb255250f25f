"""Days on which a market is closed though its calendar does not know: declared by whoever runs Convex."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final

from shared.errors import ConfigError

XNYS: Final = "XNYS"
METALS: Final = "METALS"
_MARKETS: Final = (XNYS, METALS)
_CLOSURE: Final = re.compile(r"([A-Z]+):(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closures:
    """The declared closures.

    Parameters
    ----------
    closed
        Market and date of each day without trading.
    early
        Market and date of each day that ends early, with the New York time at which it does.
    """

    closed: frozenset[tuple[str, str]] = frozenset()
    early: Mapping[tuple[str, str], time] = field(default_factory=dict)

    def is_closed(self, market: str, session: str) -> bool:
        """Return whether a market is closed on a date."""
        return (market, session) in self.closed

    def early_close(self, market: str, session: str) -> time | None:
        """Return when a market closes early on a date, New York time; None if it does not."""
        return self.early.get((market, session))


NO_CLOSURES: Final = Closures()


def parse_closures(text: str) -> Closures:
    """Return closures from a list such as ``XNYS:2025-01-09,XNYS:2025-07-03T13:00``.

    Raises
    ------
    ConfigError
        With the entry that cannot be read.

    Examples
    --------
    >>> closures = parse_closures("XNYS:2025-01-09, XNYS:2025-07-03T13:00")
    >>> closures.is_closed("XNYS", "2025-01-09"), closures.early_close("XNYS", "2025-07-03")
    (True, datetime.time(13, 0))
    """
    closed: set[tuple[str, str]] = set()
    early: dict[tuple[str, str], time] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        found = _CLOSURE.fullmatch(entry)
        if found is None or found[1] not in _MARKETS:
            raise ConfigError(
                f"{entry!r} is no closure: MARKET:YYYY-MM-DD of market {' or '.join(_MARKETS)}, "
                "with THH:MM for a close at that time in New York"
            )
        try:
            day = (found[1], date.fromisoformat(found[2]).isoformat())
            at = time.fromisoformat(found[3]) if found[3] else None
        except ValueError as error:
            raise ConfigError(f"{entry!r} is no closure: {error}") from None
        if day in closed or day in early:
            raise ConfigError(f"{entry!r} is declared twice")
        if at is None:
            closed.add(day)
        else:
            early[day] = at
    return Closures(closed=frozenset(closed), early=early)
