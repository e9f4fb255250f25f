"""What followed the openings of a backtest, over all of its sessions.

The live service summarises the openings that its windows and its ledger still have. A backtest has all of
them, scores them with the same code, and compares them with what usually followed in the same years.
"""

from collections.abc import Iterable, Sequence

from services.signals.core.kinds.registry import CLAIMS
from services.signals.core.legs.aligned import AlignedSessions, align
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.quarantine import without_unusable
from services.signals.core.outcomes.scoring import Opening, last_closed, rescored
from services.signals.core.outcomes.summary import summarise
from shared.domain.bars import Bar
from shared.domain.divergences import DivergenceEvent, Kind, Transition
from shared.domain.instants import parse_rfc3339
from shared.domain.sessions import SessionCalendar
from shared.domain.snapshots import OutcomeSummary

_UNLIMITED = 1 << 31


class EveryBar:
    """Every bar of both legs, without the limit of the windows.

    Parameters
    ----------
    lead, other
        Instruments.
    """

    def __init__(self, lead: str, other: str) -> None:
        self._legs = (LegHistory(limit=_UNLIMITED), LegHistory(limit=_UNLIMITED))
        self._by_name = dict(zip((lead, other), self._legs, strict=True))

    def put(self, bars: Iterable[Bar]) -> None:
        """Add bars; a later revision of a session replaces the earlier one."""
        for bar in bars:
            self._by_name[bar.instrument].put(bar)

    @property
    def lead(self) -> LegHistory:
        """Return the lead's bars."""
        return self._legs[0]

    @property
    def other(self) -> LegHistory:
        """Return the other leg's bars."""
        return self._legs[1]

    def aligned(self) -> AlignedSessions:
        """Return the sessions that both legs have, without the closes that cannot be right."""
        lead, other = (
            without_unusable(LegHistory.from_columns(leg.columns(), instrument=name, limit=_UNLIMITED))
            for name, leg in self._by_name.items()
        )
        return align(lead, other)

    def outcomes_of(
        self, events: Sequence[DivergenceEvent], *, calendar: SessionCalendar
    ) -> tuple[OutcomeSummary, ...]:
        """Return what followed the openings among some events."""
        aligned = self.aligned()
        return summarise(rescored(openings_among(events, calendar=calendar), aligned), aligned)


def openings_among(events: Iterable[DivergenceEvent], *, calendar: SessionCalendar) -> list[Opening]:
    """Return the openings that are scored among some events, without their scores."""
    # Two openings between the same two closes have the same outcome: they count once, as in the ledger.
    opened = dict.fromkeys(
        (
            event.kind,
            event.direction,
            last_closed(parse_rfc3339(event.occurred_at), calendar=calendar, newest=""),
        )
        for event in events
        if event.type is Transition.OPEN and (event.kind, event.direction) in CLAIMS and _is_scored(event)
    )
    return [Opening(kind=kind, direction=direction, session=session) for kind, direction, session in opened]


def _is_scored(event: DivergenceEvent) -> bool:
    # A change to neutral claims nothing.
    return event.kind is not Kind.REGIME_CHANGE or event.values.get("regime") != 0.0
