"""The evidence of an event: the statistics that decided, the legs' prices, and where the log has them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, Values
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import KINDS
from services.signals.core.legs.leg import Leg as LegState
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.statistics.next_close import margin_of
from shared.domain.divergences import Direction, EvidenceInput, Kind, Leg
from shared.domain.instants import NS_PER_SECOND
from shared.domain.sessions import SessionCalendar

_CONTEXT: Final = ("corr_20", "corr_60", "corr_90", "corr_252", "beta_60")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContext:
    """The evidence of one decision.

    Parameters
    ----------
    values
        The statistics that decided, then the correlations and the beta for comparison.
    legs, inputs
        The lead first.
    window
        What the statistic was computed from, oldest first. For the kinds of the ratio, the log ratios that
        the newest was compared with; for the others, the lead's log returns followed by the other leg's;
        empty for a fault.
    probability
        Of a decision by live prices: how likely the next close agrees; None for any other.
    """

    values: Values
    legs: tuple[Leg, ...]
    inputs: tuple[EvidenceInput, ...]
    window: NDArray[np.float64]
    probability: float | None = None


def context_of_price(
    statistics: PairStatistics, rule: Rule, direction: Direction, *, level: float, at_ns: int
) -> DecisionContext:
    """Return the evidence of a provisional decision: live prices, or the newest bar of a leg without one.

    Parameters
    ----------
    level
        The level that the next close is to be at or beyond.
    """
    legs, inputs = _live_legs(statistics, at_ns)
    sign, ahead = sign_of(direction), statistics.next_close_values()
    expected, spread = ahead["z_90_expected"], ahead["z_90_spread"]
    likely = (
        None if expected is None or spread is None else expected - sign * margin_of(rule.probability) * spread
    )
    return DecisionContext(
        values={
            **statistics.live_values(),
            "z_90_likely": likely,
            **ahead,
            **{name: statistics.values.get(name) for name in _CONTEXT},
        },
        probability=statistics.probability(level, sign=sign),
        legs=legs,
        inputs=inputs,
        window=statistics.recent_ratios[-RATIO_WINDOW:],
    )


def context_of_close(statistics: PairStatistics, kind: Kind, *, at_ns: int) -> DecisionContext:
    """Return the evidence of a confirmed decision: both legs' bars of one session."""
    bars = [
        bar
        for leg in (statistics.legs.lead, statistics.legs.other)
        if (bar := leg.history.get(statistics.session))
    ]
    names = dict.fromkeys((*KINDS[kind].decided_by, *_CONTEXT, *KINDS[kind].context))
    return DecisionContext(
        values={name: statistics.values.get(name) for name in names},
        legs=tuple(
            Leg(
                instrument=bar.instrument,
                price=bar.close,
                age_seconds=_age(statistics.legs.calendar, bar.session, at_ns),
                source=bar.source,
            )
            for bar in bars
        ),
        inputs=tuple(EvidenceInput(instrument=bar.instrument, session=bar.session) for bar in bars),
        window=KINDS[kind].window(statistics.legs.align()),
    )


def context_of_fault(statistics: PairStatistics, values: Values, *, at_ns: int) -> DecisionContext:
    """Return the evidence of a data fault: ``values`` from the leg's data quality, and the newest prices."""
    legs, inputs = _live_legs(statistics, at_ns)
    return DecisionContext(values=values, legs=legs, inputs=inputs, window=np.empty(0))


def _live_legs(statistics: PairStatistics, at_ns: int) -> tuple[tuple[Leg, ...], tuple[EvidenceInput, ...]]:
    found = [
        each
        for leg, is_live in (
            (statistics.legs.lead, statistics.legs.lead.last_price.price is not None),
            (statistics.legs.other, statistics.legs.is_other_live()),
        )
        if (each := _live_leg(leg, is_live, statistics.legs.calendar, at_ns)) is not None
    ]
    return tuple(leg for leg, _ in found), tuple(each for _, each in found)


def _live_leg(
    leg: LegState, is_live: bool, calendar: SessionCalendar, at_ns: int
) -> tuple[Leg, EvidenceInput] | None:
    last_price = leg.last_price
    if is_live and last_price.price is not None:
        shown = Leg(
            instrument=leg.instrument,
            price=last_price.price,
            age_seconds=(at_ns - last_price.ts_ns) / NS_PER_SECOND,
            source=last_price.feed or "",
        )
        return shown, EvidenceInput(instrument=leg.instrument, ts_event_ns=last_price.ts_ns)
    bar = leg.history.newest()
    if bar is None:
        return None
    shown = Leg(
        instrument=bar.instrument,
        price=bar.close,
        age_seconds=_age(calendar, bar.session, at_ns),
        source=bar.source,
    )
    return shown, EvidenceInput(instrument=bar.instrument, session=bar.session)


def _age(calendar: SessionCalendar, session: str, at_ns: int) -> float:
    return (at_ns - calendar.close_of(session)) / NS_PER_SECOND
