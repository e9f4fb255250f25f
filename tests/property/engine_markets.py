"""Logs of one lead with two pairs, one of whose other legs ticks, in which every kind of divergence occurs.

A `Market` is drawn: how far each leg moves on each session, which feeds fall silent, which prices are absurd,
which bars come late, corrected or never. It is written down as single-tick records; tests cut and join them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.signals.core.divergence.rules import Rule
from shared.contracts.ticks import TickRecord
from shared.domain.bars import Bar, BarsMode
from shared.domain.divergences import Kind
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    OTHER,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    pair,
    quotes,
    status,
)

Floats = NDArray[np.float64]
COIN = "BTC/USD.TEST"
PAIRS = (pair(), pair("gold-bitcoin", other=COIN))
FIRST = "2019-06-24"
WARM = 260
# Low levels, so that a dozen sessions see every kind.
RULES = (
    Rule(warning=1.0, critical=1.8, leave=0.5, cooldown_sessions=1, probability=0.5),
    Rule(kind=Kind.OPPOSITE_MOVES, warning=0.8, critical=1.5, leave=0.4, cooldown_sessions=1),
    Rule(
        kind=Kind.CORRELATION_BREAK, warning=0.8, critical=1.4, leave=0.4, min_change=0.1, cooldown_sessions=1
    ),
    Rule(kind=Kind.HEDGE_LOST, warning=0.02, critical=0.2, leave=0.0, cooldown_sessions=1),
    Rule(kind=Kind.REGIME_CHANGE),
    Rule(kind=Kind.DATA_FAULT),
)


@lru_cache(maxsize=1)
def sessions() -> SessionCalendar:
    """Return two years of sessions, the early close of 2019-07-03 among them."""
    return calendar("2018-01-02")


@dataclass(frozen=True)
class _Day:
    moves: tuple[float, float, float]
    together: bool
    silence: str
    bad_ticks: int
    bar: str
    coin_ticks: bool


_MOVE = st.sampled_from([-0.06, -0.03, -0.01, 0.0, 0.01, 0.03, 0.06])
_DAY = st.builds(
    _Day,
    moves=st.tuples(_MOVE, _MOVE, _MOVE),
    together=st.booleans(),
    silence=st.sampled_from(["", "", "short", "long", "over the close", "coin"]),
    bad_ticks=st.sampled_from([0, 0, 1, 2, 3, 6]),
    bar=st.sampled_from(["once", "once", "corrected", "missing", "next day"]),
    coin_ticks=st.booleans(),
)


@dataclass(frozen=True)
class Market:
    """What happens in a log, short enough to be read when a test fails."""

    seed: int
    days: list[_Day]

    def log(self) -> list[TickRecord]:
        """Write the market down: a history and the sessions after it."""
        calendar_ = sessions()
        begin = calendar_.labels.index(FIRST)
        past = calendar_.labels[begin - WARM : begin]
        prices = np.array([1_300.0, 150.0, 9_000.0])
        rng = np.random.default_rng(self.seed)
        closes = prices * np.exp(np.cumsum(rng.normal(0, (0.008, 0.01, 0.03), (WARM, 3)), axis=0))
        told: list[TickRecord] = []
        for leg, instrument in enumerate((LEAD, OTHER, COIN)):
            told.append(
                bar_batch(
                    *(_bar(s, float(c), instrument) for s, c in zip(past, closes[:, leg], strict=True)),
                    mode=BarsMode.HISTORY,
                )
            )
        prices = closes[-1].copy()
        for session, day in zip(calendar_.labels[begin:], self.days, strict=False):
            moves = np.array(day.moves)
            if day.together:
                moves[1:] = moves[0]
            told += _ticks(session, day, prices, prices * np.exp(moves))
            prices = prices * np.exp(moves)
            told += _bars(session, day, float(prices[1]))
        return told


markets = st.builds(Market, seed=st.integers(0, 5), days=st.lists(_DAY, min_size=2, max_size=9))


def _bar(
    session: str, close: float, instrument: str, *, revision: int = 0, known_at_ns: int | None = None
) -> Bar:
    if instrument != OTHER and known_at_ns is None:
        known_at_ns = sessions().close_of(session)
    return bar(session, close, instrument=instrument, revision=revision, known_at_ns=known_at_ns)


def _ticks(session: str, day: _Day, before: Floats, after: Floats) -> list[TickRecord]:
    told: list[TickRecord] = []
    begin_ns, close_ns = ny(f"{session} 10:00"), sessions().close_of(session)
    steps = 8
    for step in range(steps):
        ts_ns = begin_ns + step * (close_ns - MINUTE - begin_ns) // (steps - 1)
        share = (step + 1) / steps
        gold, coin = (float(before[leg] * (after[leg] / before[leg]) ** share) for leg in (0, 2))
        if day.silence == "over the close" and step > steps // 2:
            told.append(status(ts_ns, state=FeedState.STALE))
            continue
        # A level is held for six minutes, a tick a minute.
        told += [quotes({ts_ns + each * MINUTE: gold}) for each in range(-6, 1)]
        if day.coin_ticks:
            told += [quotes({ts_ns + each: coin}, instrument=COIN) for each in (-MINUTE, 0)]
            told.append(status(ts_ns, instrument=COIN))
        if step == 2:
            told += [quotes({ts_ns + each * SECOND: gold * 1_000}) for each in range(min(day.bad_ticks, 2))]
        if step == 3:
            # Never two in a row that agree: a level that stays would be believed.
            told += [
                quotes({ts_ns + each * SECOND: gold * (100.0 ** (1 + each % 2))})
                for each in range(day.bad_ticks)
            ]
        if step == 4 and day.silence in ("short", "long"):
            beats = 2 if day.silence == "short" else 6
            told += [status(ts_ns + each * 15 * SECOND, state=FeedState.STALE) for each in range(beats)]
        if step == 5 and day.silence == "coin":
            told += [
                each
                for beat in (0, 70)
                for each in (
                    status(ts_ns + beat * SECOND),
                    status(ts_ns + beat * SECOND, state=FeedState.STALE, instrument=COIN),
                )
            ]
    told.append(status(close_ns + SECOND))
    return told


def _bars(session: str, day: _Day, close: float) -> list[TickRecord]:
    told: list[TickRecord] = []
    evening = ny(f"{session} 20:15")
    if day.bar in ("once", "corrected"):
        told.append(bar_batch(_bar(session, close, OTHER)))
    told.append(status(evening + SECOND))
    if day.bar == "corrected":
        known_ns = ny(f"{session} 21:00")
        told.append(bar_batch(_bar(session, close * 1.02, OTHER, revision=1, known_at_ns=known_ns)))
    told.append(status(ny(f"{session} 22:20")))
    if day.bar == "next day":
        known_ns = ny(f"{session} 23:00")
        told.append(bar_batch(_bar(session, close, OTHER, known_at_ns=known_ns)))
        told.append(status(known_ns))
    return told
