"""The closes of a leg that ticks and is not listed: its last price, one nanosecond after the close."""

from typing import Final

from services.signals.core.legs.leg import Leg
from shared.domain.bars import MAX_SAMPLE_AGE_NS, Bar
from shared.domain.sessions import SessionCalendar

SAMPLED: Final = "sampled"
"""The source of such a bar."""


def sampled_at_ns(calendar: SessionCalendar, ordinal: int) -> int | None:
    """Return when a session's close is sampled; None for an ordinal outside the calendar."""
    return calendar.close_ns[ordinal] + 1 if 0 <= ordinal < len(calendar.close_ns) else None


def sample_close(leg: Leg, *, session: str, close_ns: int) -> Bar | None:
    """Return the bar of a close, None when the last price is older than 15 minutes.

    Spot gold is always open in the last 15 minutes of a session, so its trading hours need not be checked.
    """
    last_price = leg.last_price
    if last_price.price is None or close_ns - last_price.ts_ns > MAX_SAMPLE_AGE_NS:
        return None
    return Bar(
        instrument=leg.instrument,
        session=session,
        close=last_price.price,
        adj_close=last_price.price,
        known_at_ns=close_ns,
        source=SAMPLED,
    )
