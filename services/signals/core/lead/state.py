"""What the pairs of a lead share and must survive a restart; its size does not grow with their number."""

from dataclasses import dataclass

from services.signals.core.lead.engine import LeadEngine
from services.signals.core.legs.stored_bars import StoredBars, store_bars
from services.signals.core.legs.tape import EventTime, Tape
from services.signals.core.legs.watch import LegWatch
from shared.domain.bars import Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadState:
    """What the pairs of a lead share.

    Parameters
    ----------
    lead
        Its instrument.
    time
        How far its log has told.
    tapes
        By instrument: the lead's, and those of other legs that have been heard of by ticks or by status.
    watch, bars, waiting
        Of the lead; bars wait that came before their ``known_at``.
    """

    lead: str
    time: EventTime
    tapes: dict[str, Tape]
    watch: LegWatch
    bars: StoredBars
    waiting: tuple[Bar, ...]


def dump_lead(engine: LeadEngine) -> LeadState:
    """Return what must survive of a lead."""
    legs = engine.market.legs
    lead = legs[engine.lead]
    silent = Tape()
    return LeadState(
        lead=engine.lead,
        time=engine.time,
        tapes={name: leg.tape for name, leg in legs.items() if leg is lead or leg.tape != silent},
        watch=lead.watch,
        bars=store_bars(lead.history),
        waiting=tuple(bar for bar in engine.waiting if bar.instrument == engine.lead),
    )
