"""What an event rests on: the statistics that decided, the legs' prices, where to find them in the log."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.aligned import AlignedSessions
from services.signals.core.confirmed import RATIO_WINDOW, Values
from services.signals.core.tape import LeadTape
from shared.domain.bars import Bar
from shared.domain.divergences import EvidenceInput, Leg
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import SessionCalendar

_JUDGED: Final = ("log_ratio", "z_90", "mean_90", "std_90", "pctl_90")
_CONTEXT: Final = ("corr_20", "corr_60", "corr_90", "corr_252", "beta_60")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The grounds of one decision.

    Parameters
    ----------
    values
        The statistics that decided, and those that a reader wants beside them.
    legs, inputs
        The lead first.
    window
        The log ratios that the statistic was judged against, oldest first.
    """

    values: Values
    legs: tuple[Leg, ...]
    inputs: tuple[EvidenceInput, ...]
    window: NDArray[np.float64]


def grounds_of_price(
    tape: LeadTape,
    other: Bar,
    *,
    lead: str,
    live: Values,
    confirmed: Values,
    aligned: AlignedSessions,
    calendar: SessionCalendar,
    at_ns: int,
) -> Grounds:
    """Return what a provisional decision rests on: the lead's live price and the other leg's newest bar."""
    assert tape.price is not None and tape.feed is not None  # noqa: S101, PT018 - there is no z without them
    live_leg = Leg(
        instrument=lead,
        price=tape.price,
        age_seconds=(at_ns - tape.ts_ns) / NS_PER_SECOND,
        source=tape.feed,
    )
    return Grounds(
        values=live | {name: confirmed.get(name) for name in _CONTEXT},
        legs=(live_leg, _bar_leg(other, calendar, at_ns)),
        inputs=(
            EvidenceInput(instrument=lead, ts_event_ns=tape.ts_ns),
            EvidenceInput(instrument=other.instrument, session=other.session),
        ),
        window=aligned.log_ratio[-RATIO_WINDOW:],
    )


def grounds_of_close(
    bars: tuple[Bar, ...],
    *,
    confirmed: Values,
    aligned: AlignedSessions,
    calendar: SessionCalendar,
    at_ns: int,
) -> Grounds:
    """Return what a confirmed decision rests on: both legs' bars of one session."""
    return Grounds(
        values={name: confirmed.get(name) for name in (*_JUDGED, *_CONTEXT)},
        legs=tuple(_bar_leg(bar, calendar, at_ns) for bar in bars),
        inputs=tuple(EvidenceInput(instrument=bar.instrument, session=bar.session) for bar in bars),
        window=aligned.log_ratio[-RATIO_WINDOW - 1 : -1],
    )


def _bar_leg(bar: Bar, calendar: SessionCalendar, at_ns: int) -> Leg:
    return Leg(
        instrument=bar.instrument,
        price=bar.close,
        age_seconds=(at_ns - calendar.close_of(bar.session)) / NS_PER_SECOND,
        source=bar.source,
    )
