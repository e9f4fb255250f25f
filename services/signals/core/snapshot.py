"""A pair's latest statistics, put together for the page."""

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, leg_values
from services.signals.core.event import divergence_id
from services.signals.core.leg_history import LegHistory
from services.signals.core.lifecycle import Phase
from services.signals.core.pair_book import PairBook
from services.signals.core.tape import LeadTape
from services.signals.core.undefined import why_undefined
from shared.domain.bars import Bar
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.snapshots import (
    ConfirmedStatistics,
    LegSnapshot,
    OpenDivergence,
    PairSnapshot,
    ProvisionalStatistics,
    SessionHistory,
)


def take_snapshot(book: PairBook, tape: LeadTape, watermark_ns: int) -> PairSnapshot:
    """Return everything the page shows of a pair.

    Parameters
    ----------
    watermark_ns
        Event time as of which the snapshot is taken; ages are counted up to it.
    """
    confirmed = _confirmed(book)
    provisional = _provisional(book, tape, watermark_ns)
    values = dict(confirmed.values) if confirmed is not None else {"z_90": None, "log_ratio": None}
    return PairSnapshot(
        pair=book.pair.name,
        title=book.pair.title,
        page=book.pair.page,
        is_simulated=book.pair.is_simulated,
        is_proxy=book.pair.is_proxy,
        feed=tape.feed,
        feed_state=tape.feed_state,
        watermark=format_rfc3339(watermark_ns),
        sessions_known=len(book.aligned),
        legs=(_lead_leg(book, tape, watermark_ns), _other_leg(book, watermark_ns)),
        confirmed=confirmed,
        provisional=provisional,
        undefined={name: why_undefined(name, len(book.aligned)) for name in values if values[name] is None},
        open=tuple(
            OpenDivergence(
                divergence_id=divergence_id(book.pair, direction, life, book.rule),
                kind=book.rule.kind,
                direction=direction,
                severity=life.severity,
                confirmation=life.confirmation,
                opened_at=format_rfc3339(life.opened_at_ns),
            )
            for direction, life in book.lives.items()
            if life.phase is Phase.OPEN
        ),
        history=SessionHistory(
            session=book.aligned.sessions[-RATIO_WINDOW:],
            lead=tuple(book.aligned.lead[-RATIO_WINDOW:].tolist()),
            other=tuple(book.aligned.other[-RATIO_WINDOW:].tolist()),
            log_ratio=tuple(book.aligned.log_ratio[-RATIO_WINDOW:].tolist()),
        ),
    )


def _confirmed(book: PairBook) -> ConfirmedStatistics | None:
    if not len(book.aligned):
        return None
    session = book.aligned.sessions[-1]
    bars = book.lead.get(session), book.other.get(session)
    return ConfirmedStatistics(
        session=session,
        known_at=format_rfc3339(max(bar.known_at_ns for bar in bars if bar is not None)),
        values=book.values,
        regime=book.regime.name,
    )


def _provisional(book: PairBook, tape: LeadTape, watermark_ns: int) -> ProvisionalStatistics | None:
    other = book.other.newest()
    if tape.price is None or other is None:
        return None
    return ProvisionalStatistics(
        ts_event=format_rfc3339(tape.ts_ns),
        other_session=other.session,
        lead_age_seconds=(watermark_ns - tape.ts_ns) / NS_PER_SECOND,
        other_age_seconds=(watermark_ns - book.calendar.close_of(other.session)) / NS_PER_SECOND,
        values=book.live_values(tape),
    )


def _lead_leg(book: PairBook, tape: LeadTape, watermark_ns: int) -> LegSnapshot:
    if tape.price is None:
        return _bar_leg(book, book.lead, book.pair.lead, book.pair.lead_title, watermark_ns)
    return LegSnapshot(
        instrument=book.pair.lead,
        title=book.pair.lead_title,
        price=tape.price,
        price_at=format_rfc3339(tape.ts_ns),
        age_seconds=(watermark_ns - tape.ts_ns) / NS_PER_SECOND,
        source=tape.feed,
        session=None,
        summary=leg_values(_closes(book.lead)),
    )


def _other_leg(book: PairBook, watermark_ns: int) -> LegSnapshot:
    return _bar_leg(book, book.other, book.pair.other, book.pair.other_title, watermark_ns)


def _bar_leg(book: PairBook, leg: LegHistory, instrument: str, title: str, watermark_ns: int) -> LegSnapshot:
    bar: Bar | None = leg.newest()
    close_ns = book.calendar.close_of(bar.session) if bar is not None else None
    return LegSnapshot(
        instrument=instrument,
        title=title,
        price=bar.close if bar is not None else None,
        price_at=format_rfc3339(close_ns) if close_ns is not None else None,
        age_seconds=(watermark_ns - close_ns) / NS_PER_SECOND if close_ns is not None else None,
        source=bar.source if bar is not None else None,
        session=bar.session if bar is not None else None,
        summary=leg_values(_closes(leg)),
    )


def _closes(leg: LegHistory) -> NDArray[np.float64]:
    # One session more than the longest look back.
    recent = leg.sessions[-RATIO_WINDOW - 2 :]
    return np.array([bar.close for session in recent if (bar := leg.get(session)) is not None])
