"""The state that the pairs of a lead share, as a restart needs it. Its size does not grow with the pairs."""

from dataclasses import dataclass

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.log_progress import LogProgress
from services.signals.core.legs.data_quality import DataQuality
from services.signals.core.legs.last_price import LastPrice
from services.signals.core.legs.stored_bars import StoredBars, store_bars
from shared.domain.bars import Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadState:
    """The state that the pairs of a lead share.

    Parameters
    ----------
    lead
        Its instrument.
    progress
        How far its log has been applied.
    last_prices
        By instrument: the lead's, and those of other legs that had a tick or a status record.
    data_quality, bars, waiting
        Of the lead; the waiting bars are those that came before their ``known_at``.
    """

    lead: str
    progress: LogProgress
    last_prices: dict[str, LastPrice]
    data_quality: DataQuality
    bars: StoredBars
    waiting: tuple[Bar, ...]


def dump_lead(engine: LeadEngine) -> LeadState:
    """Return the state of a lead for its checkpoint."""
    lead = engine.legs[engine.lead]
    unknown = LastPrice()
    return LeadState(
        lead=engine.lead,
        progress=engine.progress,
        last_prices={
            name: leg.last_price
            for name, leg in engine.legs.items()
            if leg is lead or leg.last_price != unknown
        },
        data_quality=lead.data_quality,
        bars=store_bars(lead.history),
        waiting=tuple(bar for bar in engine.waiting if bar.instrument == engine.lead),
    )
