"""When a fault of the legs' data begins or ends by the passing of time alone.

========================= ====================================================================================
due                       what
========================= ====================================================================================
a minute after a rejected a burst of bad ticks is over
price
as `feed_faults` says     a fault that the ingestor reported ends without a record of its end
two hours after a bar is  a leg without that bar is at fault, unless it never had a bar: before a leg's first
final                     bar nothing is missing
========================= ====================================================================================
"""

from collections.abc import Iterable

from services.signals.core.engine.log_progress import NEVER
from services.signals.core.legs.leg import Leg
from shared.domain.sessions import SessionCalendar, missing_bar_at_ns


class FaultSchedule:
    """The faults that end by time alone, and the next session whose bar can be missing.

    Parameters
    ----------
    calendar
        XNYS sessions.
    """

    def __init__(self, calendar: SessionCalendar) -> None:
        self._calendar = calendar
        self._ending: dict[str, Leg] = {}
        self._missing_ordinal = -1
        self._missing_ns = NEVER

    @property
    def due_ns(self) -> int:
        """When a fault begins or ends next; `NEVER` when none does."""
        if not self._ending:
            return self._missing_ns
        ends = (leg.data_quality.next_end_ns() for leg in self._ending.values())
        return min([self._missing_ns, *(each for each in ends if each is not None)])

    def resume(self, legs: Iterable[Leg]) -> None:
        """Watch the faults of some legs, and of no others."""
        self._ending = {}
        for leg in legs:
            self.watch(leg)

    def watch(self, leg: Leg) -> None:
        """Watch a leg whose faults have changed, if one of them ends by time alone."""
        if leg.data_quality.next_end_ns() is not None:
            self._ending[leg.instrument] = leg
        else:
            self._ending.pop(leg.instrument, None)

    def end_due(self, at_ns: int) -> list[Leg]:
        """End the faults that are over at an instant, and return their legs."""
        ended = [
            self._ending[name]
            for name in sorted(self._ending)
            if self._ending[name].data_quality.next_end_ns() == at_ns
        ]
        for leg in ended:
            leg.data_quality.end_due(at_ns)
            self.watch(leg)
        return ended

    def missing_session(self, at_ns: int) -> str | None:
        """Return the session whose bar is missing from an instant on, and wait for the one after it."""
        if self._missing_ns != at_ns:
            return None
        session = self._calendar.labels[self._missing_ordinal]
        self.plan_missing(at_ns)
        return session

    def plan_missing(self, after_ns: int) -> None:
        """Wait for the first session whose bar can be missing after an instant."""
        ordinal = max(0, self._calendar.first_closing_at_or_after(after_ns) - 2)
        labels = self._calendar.labels
        while ordinal < len(labels) and missing_bar_at_ns(labels[ordinal]) <= after_ns:
            ordinal += 1
        is_known = ordinal < len(labels)
        self._missing_ordinal = ordinal
        self._missing_ns = missing_bar_at_ns(labels[ordinal]) if is_known else NEVER
