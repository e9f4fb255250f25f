"""A pair's latest statistics, put together for the page."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, Values, leg_values
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.state import Phase
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.leg import Leg
from services.signals.core.pairs.event import divergence_id
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.undefined import why_undefined
from shared.domain.bars import Bar
from shared.domain.divergences import Kind
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.kinds import DIRECTIONS
from shared.domain.snapshots import (
    ConfirmedStatistics,
    LegFault,
    LegSnapshot,
    OpenDivergence,
    PairSnapshot,
    ProvisionalStatistics,
    SessionHistory,
)


def take_snapshot(monitor: PairMonitor, watermark_ns: int) -> PairSnapshot:
    """Return everything the page shows of a pair.

    Parameters
    ----------
    watermark_ns
        Event time as of which the snapshot is taken; ages are counted up to it.
    """
    # The clock of the lead has moved only as far as a decision needed it.
    monitor.legs.clock.move_to(watermark_ns, monitor.legs.clock.ordinal)
    aligned = monitor.legs.align()
    confirmed = _confirmed(monitor)
    values = dict(confirmed.values) if confirmed is not None else {"z_90": None, "log_ratio": None}
    recent = slice(-RATIO_WINDOW, None)
    return PairSnapshot(
        pair=monitor.pair.name,
        title=monitor.pair.title,
        page=monitor.pair.page,
        is_simulated=monitor.pair.is_simulated,
        is_proxy=monitor.pair.is_proxy,
        feed=monitor.legs.lead.last_price.feed,
        feed_state=monitor.legs.lead.last_price.feed_state,
        watermark=format_rfc3339(watermark_ns),
        sessions_known=monitor.statistics.count,
        legs=(
            _leg(monitor, monitor.legs.lead, monitor.pair.lead_title, watermark_ns),
            _leg(monitor, monitor.legs.other, monitor.pair.other_title, watermark_ns),
        ),
        confirmed=confirmed,
        provisional=_provisional(monitor, watermark_ns),
        undefined={
            name: why_undefined(
                name, monitor.statistics.count, has_baseline=monitor.statistics.band is not None
            )
            for name in values
            if values[name] is None
        },
        open=_open(monitor),
        history=SessionHistory(
            session=aligned.labels(RATIO_WINDOW),
            lead=tuple(aligned.lead[recent].tolist()),
            other=tuple(aligned.other[recent].tolist()),
            log_ratio=tuple(aligned.log_ratio[recent].tolist()),
        ),
        hedge=monitor.statistics.hedge if monitor.statistics.count else None,
        outcomes=monitor.transitions.outcomes.summaries(monitor.legs.align),
        faults=tuple(
            LegFault(
                instrument=leg.instrument,
                causes=tuple(leg.data_quality.active_since_ns),
                since=format_rfc3339(min(leg.data_quality.active_since_ns.values())),
                details=tuple(each.detail for each in leg.data_quality.feed_faults if each.detail),
            )
            for leg in (monitor.legs.lead, monitor.legs.other)
            if leg.data_quality.is_at_fault
        ),
        triggers=monitor.triggers.at(watermark_ns),
    )


def _open(monitor: PairMonitor) -> tuple[OpenDivergence, ...]:
    is_inhibited = monitor.transitions.is_inhibited
    return tuple(
        OpenDivergence(
            divergence_id=divergence_id(monitor.pair, kind, direction, state),
            kind=kind,
            direction=direction,
            severity=state.severity,
            confirmation=state.confirmation,
            opened_at=format_rfc3339(state.opened_at_ns),
            is_inhibited=is_inhibited and kind.is_market,
            is_flapping=state.is_flapping,
        )
        for kind, direction, state in monitor.transitions.known()
        if state.phase is Phase.OPEN
    )


def _confirmed(monitor: PairMonitor) -> ConfirmedStatistics | None:
    if not monitor.statistics.count:
        return None
    bars = [leg.history.get(monitor.statistics.session) for leg in (monitor.legs.lead, monitor.legs.other)]
    return ConfirmedStatistics(
        session=monitor.statistics.session,
        known_at=format_rfc3339(max(bar.known_at_ns for bar in bars if bar is not None)),
        values=monitor.statistics.values | monitor.statistics.slow_values,
        regime=monitor.statistics.regime.name,
    )


def _provisional(monitor: PairMonitor, watermark_ns: int) -> ProvisionalStatistics | None:
    last_price, other, newest = (
        monitor.legs.lead.last_price,
        monitor.legs.other.last_price,
        monitor.legs.other.history.newest_session,
    )
    if last_price.price is None or newest is None:
        return None
    since_ns = other.ts_ns if monitor.legs.is_other_live() else monitor.legs.calendar.close_of(newest)
    return ProvisionalStatistics(
        ts_event=format_rfc3339(last_price.ts_ns),
        other_session=newest,
        lead_age_seconds=(watermark_ns - last_price.ts_ns) / NS_PER_SECOND,
        other_age_seconds=(watermark_ns - since_ns) / NS_PER_SECOND,
        values={
            **monitor.statistics.live_values(),
            **monitor.statistics.next_close_values(),
            **_probabilities(monitor),
        },
    )


def _probabilities(monitor: PairMonitor) -> Values:
    """Return how likely the next close opens a ratio stretch of each direction, or keeps it open."""
    rule = monitor.config.rule_of.get(Kind.RATIO_STRETCH)
    return {
        f"probability_{direction}": None
        if rule is None
        else monitor.statistics.probability(rule.warning, sign=sign_of(direction))
        for direction in DIRECTIONS[Kind.RATIO_STRETCH]
    }


def _leg(monitor: PairMonitor, leg: Leg, title: str, watermark_ns: int) -> LegSnapshot:
    is_live = leg.last_price.price is not None if leg is monitor.legs.lead else monitor.legs.is_other_live()
    if not is_live or leg.last_price.price is None:
        return _bar_leg(monitor, leg, title, watermark_ns)
    authority = None if leg.last_price.is_of_previous_feed else leg.last_price.authority
    return LegSnapshot(
        instrument=leg.instrument,
        title=title,
        price=leg.last_price.price,
        price_at=format_rfc3339(leg.last_price.ts_ns),
        age_seconds=(watermark_ns - leg.last_price.ts_ns) / NS_PER_SECOND,
        source=leg.last_price.feed,
        session=None,
        summary=leg_values(_closes(leg.history)),
        source_since=format_rfc3339(authority.since_ns) if authority is not None else None,
        source_reason=authority.reason if authority is not None else None,
        previous_source=authority.previous if authority is not None else None,
        feed_state=leg.last_price.feed_state,
    )


def _bar_leg(monitor: PairMonitor, leg: Leg, title: str, watermark_ns: int) -> LegSnapshot:
    bar: Bar | None = leg.history.newest()
    close_ns = monitor.legs.calendar.close_of(bar.session) if bar is not None else None
    return LegSnapshot(
        instrument=leg.instrument,
        title=title,
        price=bar.close if bar is not None else None,
        price_at=format_rfc3339(close_ns) if close_ns is not None else None,
        age_seconds=(watermark_ns - close_ns) / NS_PER_SECOND if close_ns is not None else None,
        source=bar.source if bar is not None else None,
        session=bar.session if bar is not None else None,
        summary=leg_values(_closes(leg.history)),
    )


def _closes(history: LegHistory) -> NDArray[np.float64]:
    # One session more than the longest window of a leg's statistics needs.
    return history.closes[-RATIO_WINDOW - 2 :]
