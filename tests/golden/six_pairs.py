"""A seeded market of one lead and six pairs, in which every kind of divergence occurs.

Three of the other legs have bars, which come late, twice, corrected or never; three tick as the lead does.
Feeds fall silent, prices jump by a factor of a thousand, and the ticks are cut into records of random sizes.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from services.signals.core.divergence.rules import Rule
from shared.contracts.ticks import TickRecord
from shared.domain.bars import Bar, BarsMode, BarStatus
from shared.domain.divergences import Kind
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    pair,
    quotes,
    status,
    trades,
)

WITH_BARS = {"IWM.TEST": 150.0, "SPY.TEST": 280.0, "QQQ.TEST": 180.0}
TICKING = {"BTC/USD.TEST": 9_000.0, "ETH/USD.TEST": 250.0, "EUR/USD.TEST": 1.12}
PAIRS = tuple(
    pair("gold-" + other[:3].lower(), other=other, is_proxy=other == "BTC/USD.TEST")
    for other in (*WITH_BARS, *TICKING)
)
# Low levels, so that each kind opens, escalates, eases and closes within a few weeks.
RULES = (
    Rule(warning=1.2, critical=2.0, leave=0.6, cooldown_sessions=1),
    Rule(kind=Kind.OPPOSITE_MOVES, warning=0.8, critical=1.5, leave=0.4, cooldown_sessions=1),
    Rule(
        kind=Kind.CORRELATION_BREAK, warning=0.8, critical=1.4, leave=0.4, min_change=0.1, cooldown_sessions=1
    ),
    Rule(kind=Kind.HEDGE_LOST, warning=0.02, critical=0.1, leave=0.0, cooldown_sessions=1),
    Rule(kind=Kind.REGIME_CHANGE),
    Rule(kind=Kind.DATA_FAULT),
)
_SEED = 20_190_603
_FIRST = "2019-06-03"
_WARM = 270
_LIVE = 45
_STEPS = 14
# The session on which the feed of one other leg goes and comes back all afternoon.
_FLAPPING = "2019-06-20"


@lru_cache(maxsize=1)
def sessions() -> SessionCalendar:
    """Return two years of sessions, the early close of 2019-07-03 among them."""
    return calendar("2018-01-02")


@lru_cache(maxsize=1)
def log() -> tuple[TickRecord, ...]:
    """Return the whole log: a history of each leg, and what happens after it."""
    return tuple(_records())


def _records() -> Iterator[TickRecord]:
    rng = np.random.default_rng(_SEED)
    labels = sessions().labels
    begin = labels.index(_FIRST)
    past, live = labels[begin - _WARM : begin], labels[begin : begin + _LIVE]
    legs = {LEAD: 1_300.0, **WITH_BARS, **TICKING}
    common = rng.normal(0, 0.007, _WARM)
    levels: dict[str, float] = {}
    for at, (instrument, level) in enumerate(legs.items()):
        moves = (-1) ** at * 0.5 * common + rng.normal(0, 0.006 + 0.002 * at, _WARM)
        closes = (level * np.exp(np.cumsum(moves))).tolist()
        bars = [_bar(instrument, s, round(c, 4)) for s, c in zip(past, closes, strict=True)]
        yield bar_batch(*bars, mode=BarsMode.HISTORY)
        levels[instrument] = closes[-1]
    for session in live:
        before = dict(levels)
        shock = float(rng.normal(0, 0.012))
        for instrument in legs:
            jump = float(rng.choice([0.0, 0.0, 0.0, -0.05, 0.05]))
            levels[instrument] *= float(
                np.exp(rng.choice([-1.0, 0.0, 1.0]) * shock + jump + rng.normal(0, 0.006))
            )
        yield from _day(rng, session, before, levels)
        for instrument in WITH_BARS:
            yield from _bars(rng, session, instrument, levels[instrument])
        yield status(ny(f"{session} 23:00"))


def _day(
    rng: np.random.Generator, session: str, before: dict[str, float], after: dict[str, float]
) -> Iterator[TickRecord]:
    begin_ns, close_ns = ny(f"{session} 08:30"), sessions().close_of(session)
    silence = str(rng.choice(["", "", "", "short", "long", "over the close"]))
    for step in range(_STEPS):
        ts_ns = begin_ns + step * (close_ns - 2 * MINUTE - begin_ns) // (_STEPS - 1)
        share = (step + 1) / _STEPS
        now = {
            instrument: before[instrument]
            * (after[instrument] / before[instrument]) ** share
            * float(np.exp(rng.normal(0, 0.012)))
            for instrument in (LEAD, *TICKING)
        }
        if silence == "over the close" and step > _STEPS // 2:
            yield status(ts_ns, state=FeedState.STALE)
            continue
        yield from _held_level(rng, ts_ns, now)
        if silence in ("short", "long") and step == 6:
            beats = 2 if silence == "short" else 6
            for beat in range(beats):
                yield status(ts_ns + MINUTE + beat * 15 * SECOND, state=FeedState.STALE)
        yield from _nuisance(rng, ts_ns + 3 * MINUTE, now)
    yield status(close_ns + SECOND)
    for instrument in TICKING:
        yield status(close_ns + SECOND, instrument=instrument)
    if session == _FLAPPING:
        for outage in range(20):
            for seconds, state in ((0, FeedState.STALE), (65, FeedState.STALE), (100, FeedState.LIVE)):
                ts_ns = close_ns + (outage + 1) * 2 * MINUTE + seconds * SECOND
                yield status(ts_ns)
                yield status(ts_ns, state=state, instrument="BTC/USD.TEST")


def _held_level(rng: np.random.Generator, ts_ns: int, now: dict[str, float]) -> Iterator[TickRecord]:
    """Yield a few minutes at one level, every leg in turn, in records of one to four quotes."""
    for minute in range(7, -1, -1):
        for at, (instrument, price) in enumerate(now.items()):
            first_ns = ts_ns - minute * MINUTE + at * 10 * SECOND
            levels = [
                round(price * float(np.exp(rng.normal(0, 0.0005))), 4) for _ in range(rng.integers(1, 5))
            ]
            prices = {first_ns + second * SECOND: level for second, level in enumerate(levels)}
            if instrument == "ETH/USD.TEST":
                yield trades(prices, instrument=instrument)
            else:
                yield quotes(prices, instrument=instrument)


def _nuisance(rng: np.random.Generator, ts_ns: int, now: dict[str, float]) -> Iterator[TickRecord]:
    gold = now[LEAD]
    match int(rng.integers(0, 40)):
        case 0:
            yield quotes([(ts_ns + each * SECOND, gold * 1_000.0 ** (1 + each % 2)) for each in range(6)])
        case 1:
            yield quotes({ts_ns - 30 * MINUTE: gold * 1.3})
        case 2:
            yield quotes([(ts_ns, gold * 1.15), (ts_ns, gold)])
        case 3:
            yield trades({ts_ns: gold * 0.9})
        case 4:
            yield quotes({ts_ns: gold}, feed="backup")
        case 5:
            yield status(ts_ns, state=FeedState.BREAK)
        case 6:
            for beat in (0, 70):
                yield status(ts_ns + beat * SECOND, state=FeedState.STALE, instrument="BTC/USD.TEST")
        case 7:
            yield quotes(
                [(ts_ns + each * SECOND, now["EUR/USD.TEST"] * (1 + 9 * (each % 2))) for each in range(12)],
                instrument="EUR/USD.TEST",
            )
        case _:
            yield status(ts_ns)


def _bar(
    instrument: str,
    session: str,
    close: float,
    *,
    known_at_ns: int | None = None,
    revision: int = 0,
) -> Bar:
    if instrument not in WITH_BARS and known_at_ns is None:
        known_at_ns = sessions().close_of(session)
    return bar(
        session,
        close,
        adj_close=round(close * 0.98, 4) if instrument == "QQQ.TEST" else None,
        instrument=instrument,
        known_at_ns=known_at_ns,
        revision=revision,
        status=BarStatus.CORRECTED if revision else BarStatus.FINAL,
    )


def _bars(rng: np.random.Generator, session: str, instrument: str, level: float) -> Iterator[TickRecord]:
    close = round(level, 2)
    news = _bar(instrument, session, close)
    evening_ns = ny(f"{session} 20:15") + SECOND
    match str(
        rng.choice(
            ["once", "twice", "early", "corrected", "late", "missing", "again"],
            p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05],
        )
    ):
        case "once":
            yield status(evening_ns)
            yield bar_batch(news)
        case "twice":
            yield from (bar_batch(news), bar_batch(news), status(evening_ns))
        case "early":
            yield from (bar_batch(news), status(evening_ns))
        case "corrected":
            known_ns = ny(f"{session} 21:00")
            yield from (bar_batch(news), status(evening_ns))
            factor = float(rng.choice([0.96, 1.02]))
            yield bar_batch(
                _bar(instrument, session, round(close * factor, 2), revision=1, known_at_ns=known_ns)
            )
        case "late":
            yield status(ny(f"{session} 22:30"))
            yield bar_batch(_bar(instrument, session, close, known_at_ns=ny(f"{session} 22:45")))
        case "again":
            yield bar_batch(news, mode=BarsMode.HISTORY)
