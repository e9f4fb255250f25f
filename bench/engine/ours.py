"""The engine of the service, warmed up as the service warms it, given batches of ticks."""

import time

from bench.market import Market, bench_pair
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.calendars import xnys_calendar
from shared.domain.ticks import QuoteBatch


def warm_engine(market: Market, rule: Rule | None = None) -> LeadEngine:
    """Return an engine with one pair whose windows are full."""
    pair, calendar = bench_pair(), xnys_calendar()
    rules = PUBLISHED_RULES if rule is None else (rule,)
    config = EngineConfig(rules=rules, calendar=calendar, code_version="bench")
    engine = LeadEngine(pair.lead, (pair,), config)
    for leg in market.history:
        engine.apply(leg)
    # As the first snapshot of a service does, before the first tick.
    engine.monitors[0].materialise()
    engine.monitors[0].backfill()
    known = engine.monitors[0].statistics.count
    assert known >= 252, f"needs 252 sessions of history, was {known}"
    return engine


def run_engine(engine: LeadEngine, records: list[QuoteBatch]) -> float:
    """Return the ticks applied in each second of this process's CPU time."""
    ticks = sum(len(record.ts_event_ns) for record in records)
    apply = engine.apply
    began = time.process_time()
    for record in records:
        apply(record)
    return ticks / (time.process_time() - began)
