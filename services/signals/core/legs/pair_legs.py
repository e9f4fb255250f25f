"""Both legs of a pair: the sessions they have in common, and the ratio of their newest prices."""

import numpy as np

from services.signals.core.legs.aligned import AlignedSessions, align
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.session_clock import SessionClock
from shared.domain.divergences import Direction
from shared.domain.sessions import SessionCalendar


class PairLegs:
    """The two legs of a pair.

    Parameters
    ----------
    lead, other
        Shared with the other pairs that have them.
    clock
        How much is to come before the next close; shared with the other pairs of the lead.
    """

    __slots__ = ("clock", "lead", "other")

    def __init__(self, lead: Leg, other: Leg, *, clock: SessionClock) -> None:
        self.lead = lead
        self.other = other
        self.clock = clock

    @property
    def calendar(self) -> SessionCalendar:
        """XNYS sessions."""
        return self.clock.calendar

    def of(self, direction: Direction) -> Leg:
        """Return the leg that a data fault is about."""
        return self.lead if direction is Direction.LEAD else self.other

    def align(self) -> AlignedSessions:
        """Return the sessions that both legs have.

        They are computed at each call and not kept, to save memory: a worker may watch thousands of pairs.
        """
        return align(self.lead.history, self.other.history)

    def has(self, session: str) -> bool:
        """Return whether both legs have a session."""
        return self.lead.history.has(session) and self.other.history.has(session)

    def is_other_live(self) -> bool:
        """Return whether the other leg's newest price is one of its own ticks, not a close."""
        last_price = self.other.last_price
        if last_price.price is None:
            return False
        session = self.other.history.newest_session
        return session is None or last_price.ts_ns >= self.calendar.close_of(session)

    def next_close(self) -> HypotheticalClose | None:
        """Return the next session with the other leg's newest close repeated; None before the first one."""
        known, next_other = self.align(), self.other.history.newest_adj_close
        if not len(known) or next_other is None:
            return None
        newest = known.days.item(-1)
        lead, other = (
            leg.history.adj_closes.item(leg.history.days.searchsorted(newest))
            for leg in (self.lead, self.other)
        )
        return HypotheticalClose(known, lead_adj_close=lead, other_adj_close=other, next_other=next_other)

    def other_price(self) -> float | None:
        """Return the divisor of the live ratio: the other leg's last tick, or its newest adjusted close."""
        if self.is_other_live():
            return self.other.last_price.price
        return self.other.history.newest_adj_close

    def live_ratio(self) -> float | None:
        """Return ``ln`` of the lead's live price over the other leg's newest one."""
        price, other = self.lead.last_price.price, self.other_price()
        return None if price is None or other is None else float(np.log(price / other))
