"""A pair's latest statistics, put together for the page."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, leg_values
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.leg import Leg
from services.signals.core.lifecycle.life import Phase
from services.signals.core.pairs.book import PairBook
from services.signals.core.pairs.event import divergence_id
from services.signals.core.undefined import why_undefined
from shared.domain.bars import Bar
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.snapshots import (
    ConfirmedStatistics,
    LegFault,
    LegSnapshot,
    OpenDivergence,
    PairSnapshot,
    ProvisionalStatistics,
    SessionHistory,
)


def take_snapshot(book: PairBook, watermark_ns: int) -> PairSnapshot:
    """Return everything the page shows of a pair.

    Parameters
    ----------
    watermark_ns
        Event time as of which the snapshot is taken; ages are counted up to it.
    """
    aligned = book.align()
    confirmed = _confirmed(book)
    values = dict(confirmed.values) if confirmed is not None else {"z_90": None, "log_ratio": None}
    recent = slice(-RATIO_WINDOW, None)
    return PairSnapshot(
        pair=book.pair.name,
        title=book.pair.title,
        page=book.pair.page,
        is_simulated=book.pair.is_simulated,
        is_proxy=book.pair.is_proxy,
        feed=book.lead.tape.feed,
        feed_state=book.lead.tape.feed_state,
        watermark=format_rfc3339(watermark_ns),
        sessions_known=book.count,
        legs=(
            _leg(book, book.lead, book.pair.lead_title, watermark_ns),
            _leg(book, book.other, book.pair.other_title, watermark_ns),
        ),
        confirmed=confirmed,
        provisional=_provisional(book, watermark_ns),
        undefined={name: why_undefined(name, book.count) for name in values if values[name] is None},
        open=_open(book),
        history=SessionHistory(
            session=aligned.labels(RATIO_WINDOW),
            lead=tuple(aligned.lead[recent].tolist()),
            other=tuple(aligned.other[recent].tolist()),
            log_ratio=tuple(aligned.log_ratio[recent].tolist()),
        ),
        hedge=book.hedge if book.count else None,
        outcomes=book.outcomes.summaries(book.align),
        faults=tuple(
            LegFault(
                instrument=leg.instrument,
                causes=tuple(leg.watch.since),
                since=format_rfc3339(min(leg.watch.since.values())),
            )
            for leg in (book.lead, book.other)
            if leg.watch.is_at_fault
        ),
    )


def _open(book: PairBook) -> tuple[OpenDivergence, ...]:
    is_inhibited = book.is_inhibited
    return tuple(
        OpenDivergence(
            divergence_id=divergence_id(book.pair, kind, direction, life),
            kind=kind,
            direction=direction,
            severity=life.severity,
            confirmation=life.confirmation,
            opened_at=format_rfc3339(life.opened_at_ns),
            is_inhibited=is_inhibited and kind.is_market,
            is_flapping=life.is_flapping,
        )
        for kind, direction, life in book.begun()
        if life.phase is Phase.OPEN
    )


def _confirmed(book: PairBook) -> ConfirmedStatistics | None:
    if not book.count:
        return None
    bars = [leg.history.get(book.session) for leg in (book.lead, book.other)]
    return ConfirmedStatistics(
        session=book.session,
        known_at=format_rfc3339(max(bar.known_at_ns for bar in bars if bar is not None)),
        values=book.values | book.slow_values,
        regime=book.regime.name,
    )


def _provisional(book: PairBook, watermark_ns: int) -> ProvisionalStatistics | None:
    tape, other, newest = book.lead.tape, book.other.tape, book.other.history.newest_session
    if tape.price is None or newest is None:
        return None
    since_ns = other.ts_ns if book.is_other_live() else book.calendar.close_of(newest)
    return ProvisionalStatistics(
        ts_event=format_rfc3339(tape.ts_ns),
        other_session=newest,
        lead_age_seconds=(watermark_ns - tape.ts_ns) / NS_PER_SECOND,
        other_age_seconds=(watermark_ns - since_ns) / NS_PER_SECOND,
        values=book.live_values(),
    )


def _leg(book: PairBook, leg: Leg, title: str, watermark_ns: int) -> LegSnapshot:
    is_live = leg.tape.price is not None if leg is book.lead else book.is_other_live()
    if not is_live or leg.tape.price is None:
        return _bar_leg(book, leg, title, watermark_ns)
    return LegSnapshot(
        instrument=leg.instrument,
        title=title,
        price=leg.tape.price,
        price_at=format_rfc3339(leg.tape.ts_ns),
        age_seconds=(watermark_ns - leg.tape.ts_ns) / NS_PER_SECOND,
        source=leg.tape.feed,
        session=None,
        summary=leg_values(_closes(leg.history)),
    )


def _bar_leg(book: PairBook, leg: Leg, title: str, watermark_ns: int) -> LegSnapshot:
    bar: Bar | None = leg.history.newest()
    close_ns = book.calendar.close_of(bar.session) if bar is not None else None
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
    # One session more than the longest look back.
    return history.closes[-RATIO_WINDOW - 2 :]
