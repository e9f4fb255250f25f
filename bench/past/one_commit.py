"""A session's commit of one pair: from the second leg's close to its statistics and decisions."""

import time

import numpy as np

from bench.market import bench_pair
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import DEFAULT_RULES
from shared.calendars import xnys_calendar
from shared.domain.bars import HISTORY_SESSIONS, Bar, BarBatch, BarsMode
from shared.domain.sessions import bar_final_at_ns
from shared.domain.ticks import FeedState, FeedStatus

_SEED = 20200318
_FIRST = "2006-01-03"
_ROWS = 600


class Commits:
    """Engine with a full history; each call commits some more sessions."""

    def __init__(self) -> None:
        pair, self._calendar = bench_pair(), xnys_calendar()
        self._legs = (pair.lead, pair.other)
        self._engine = LeadEngine(
            pair.lead,
            (pair,),
            EngineConfig(rules=DEFAULT_RULES, calendar=self._calendar, code_version="bench"),
        )
        self._chance = np.random.default_rng(_SEED)
        self._closes = [1_300.0, 110.0]
        self._next = self._calendar.labels.index(_FIRST)
        sessions = [self._bars() for _ in range(HISTORY_SESSIONS)]
        for leg, bars in zip(self._legs, zip(*sessions, strict=True), strict=True):
            self._engine.apply(BarBatch(instrument=leg, mode=BarsMode.HISTORY, bars=bars))

    def milliseconds(self, sessions: int) -> float:
        """Commit as many sessions, and return the CPU milliseconds of each."""
        bars = [self._bars() for _ in range(sessions)]
        committed = 0
        began = time.process_time()
        for both in bars:
            for bar in both:
                self._engine.apply(BarBatch(instrument=bar.instrument, mode=BarsMode.LIVE, bars=(bar,)))
            effects = self._engine.apply(
                FeedStatus(
                    instrument=self._legs[0],
                    feed="bench",
                    state=FeedState.LIVE,
                    watermark_ns=both[0].known_at_ns,
                )
            )
            committed += len(effects.committed)
        seconds = time.process_time() - began
        if committed != sessions:
            raise RuntimeError(f"{sessions} sessions must be committed, were {committed}")
        return seconds / sessions * 1e3

    def _bars(self) -> tuple[Bar, Bar]:
        session = self._calendar.labels[self._next]
        self._next += 1
        self._closes = [
            round(close * float(np.exp(move)), 2)
            for close, move in zip(self._closes, self._chance.normal(0, 0.01, 2), strict=True)
        ]
        lead, other = (
            Bar(
                instrument=leg,
                session=session,
                close=close,
                adj_close=close,
                known_at_ns=bar_final_at_ns(session),
                source="bench",
            )
            for leg, close in zip(self._legs, self._closes, strict=True)
        )
        return lead, other


def corrcoef_milliseconds(times: int) -> float:
    """Return the CPU milliseconds of one correlation of 600 pairs in numpy."""
    rows = np.random.default_rng(_SEED).normal(size=(2, _ROWS))
    began = time.process_time()
    for _ in range(times):
        np.corrcoef(rows)
    return (time.process_time() - began) / times * 1e3
