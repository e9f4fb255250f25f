"""The engine of the service, warmed up as the service warms it, given batches of ticks."""

import time

from bench.market import Market, bench_pair
from services.signals.core.lead_engine import LeadEngine
from services.signals.core.pair_book import PairBook
from services.signals.core.rules import Rule
from shared.calendars import xnys_calendar
from shared.domain.ticks import QuoteBatch


def warm_engine(market: Market, rule: Rule | None = None) -> LeadEngine:
    """Return an engine with one pair whose windows are full."""
    pair, calendar = bench_pair(), xnys_calendar()
    book = PairBook(pair, rule=rule or Rule(), calendar=calendar, code_version="bench")
    engine = LeadEngine(pair.lead, (book,), calendar=calendar)
    for leg in market.history:
        engine.apply(leg)
    assert len(book.aligned) >= 252, f"needs 252 sessions of history, was {len(book.aligned)}"
    return engine


def run_engine(engine: LeadEngine, records: list[QuoteBatch]) -> float:
    """Return the ticks applied in each second of this process's CPU time."""
    ticks = sum(len(record.ts_event_ns) for record in records)
    apply = engine.apply
    began = time.process_time()
    for record in records:
        apply(record)
    return ticks / (time.process_time() - began)
