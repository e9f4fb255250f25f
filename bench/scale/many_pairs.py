"""An engine with as many pairs of gold as asked for; their other legs are random walks."""

import numpy as np
from numpy.typing import NDArray

from bench.market import Market
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.legs.history import RECENT_SESSIONS, LegHistory, day_of
from services.signals.core.legs.leg_columns import LegColumns
from services.signals.core.statistics.regime import START
from shared.calendars import xnys_calendar
from shared.domain.bars import HISTORY_SESSIONS
from shared.domain.pairs import Pair
from shared.domain.sessions import bar_final_at_ns

LEAD = "XAU/USD.REPLAY"
_LAST = "2014-04-30"  # the session before the first tick
_SEED = 20140501


def many_pairs(count: int) -> tuple[Pair, ...]:
    """Return gold against that many instruments."""
    return tuple(
        Pair(
            name=f"gold-x{number}",
            title=f"Gold vs X{number}",
            lead=LEAD,
            other=f"X{number}.REPLAY",
            lead_title="Gold",
            other_title=f"X{number}",
        )
        for number in range(count)
    )


def engine_of_many(count: int, *, sessions: int, market: Market) -> LeadEngine:
    """Return an engine whose windows are full.

    Closes have two decimals and adjusted ones four, and they differ, as in files of daily prices. Daily
    volatilities lie between 0.3 and 3 percent, so each pair stands elsewhere between its levels, and a tick
    moves it by another part of the way.
    """
    calendar, chance = xnys_calendar(), np.random.default_rng(_SEED)
    end = calendar.index_of(_LAST) + 1
    labels = calendar.labels[end - sessions : end]
    config = EngineConfig(rules=PUBLISHED_RULES, calendar=calendar, code_version="bench")
    engine = LeadEngine(LEAD, many_pairs(count), config)
    walk = np.cumsum(chance.normal(0, 0.01, sessions))
    first_price = (market.quotes.bid[0] + market.quotes.ask[0]) / 2
    engine.legs[LEAD].history = _history(LEAD, labels, first_price * np.exp(walk - walk[-1]))
    for monitor in engine.monitors:
        moves = chance.normal(0, chance.uniform(0.003, 0.03), sessions)
        closes = np.round(100 * np.exp(np.cumsum(moves)), 2)
        monitor.legs.other.history = _history(monitor.pair.other, labels, closes, factor=0.98123)
        monitor.statistics.resume(START)
    engine.resume()
    return engine


def _history(
    instrument: str, labels: tuple[str, ...], closes: NDArray[np.float64], factor: float = 1.0
) -> LegHistory:
    adjusted = closes.copy()
    adjusted[:-20] = np.round(adjusted[:-20] * factor, 4)
    return LegHistory.from_columns(
        LegColumns(
            days=np.array([day_of(label) for label in labels], np.int32),
            closes=closes,
            adj_closes=adjusted,
            origins=np.zeros(len(labels), np.uint16),
            origin_table=(("bench", 0),),
            recent_known_at_ns=tuple(bar_final_at_ns(label) for label in labels[-RECENT_SESSIONS:]),
        ),
        instrument=instrument,
        limit=HISTORY_SESSIONS,
    )
