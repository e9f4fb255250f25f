"""Logs of one lead that cross thresholds, for the property tests of the engine.

A `Course` is drawn: where gold goes and where each session closes, as z-scores; when the feed falls silent;
which bars come late, twice, or corrected. It is written down as single-tick records; tests cut and join them
as they like.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from services.signals.core.divergence.rules import Rule
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarsMode
from shared.domain.ticks import FeedState, QuoteBatch
from tests.support.builders_market import (
    LEAD,
    MINUTE,
    SECOND,
    bar,
    bar_batch,
    calendar,
    ny,
    quotes,
    status,
    trades,
)
from tests.support.pair_story import history

FIRST = "2019-06-24"
WARM = 95
# Where late ticks and superseded trades stand, and nothing else does.
LATE_Z = 40.0
SESSIONS = calendar().labels[calendar().index_of(FIRST) :][:12]  # the early close of July 3 is among them
RULE = Rule(cooldown_sessions=2, probability=0.5)
# Around each level and well between them, on both sides.
LEVELS = (0.0, 0.5, 0.99, 1.01, 1.5, 1.99, 2.01, 2.5, 2.99, 3.01, 4.0)
Z = st.sampled_from([sign * level for level in LEVELS for sign in (1.0, -1.0)])


@dataclass(frozen=True)
class _Day:
    zs: list[float]
    close_z: float
    gaps_minutes: list[int]
    silence: FeedState | None
    bar: str
    noise: list[str]


_DAY = st.builds(
    _Day,
    zs=st.lists(Z, min_size=1, max_size=6),
    close_z=Z,
    gaps_minutes=st.lists(st.sampled_from([1, 2, 5, 6, 20]), min_size=6, max_size=6),
    silence=st.sampled_from([None, None, FeedState.STALE, FeedState.BREAK]),
    bar=st.sampled_from(
        ["once", "twice", "next_day", "corrected", "missing", "missing", "refill", "lead_bar"]
    ),
    noise=st.lists(st.sampled_from(["late", "trade", "status", "other_feed", "same_instant"]), max_size=3),
)


@dataclass(frozen=True)
class Course:
    """What happens in a log, short enough to be read when a test fails."""

    seed: int
    begins_with_status: bool
    days: list[_Day]

    def log(self) -> list[TickRecord]:
        """Write the course down: a history and the sessions after it."""
        labels = calendar().labels
        begin = labels.index(FIRST)
        lead, other = history(labels[begin - WARM : begin], seed=self.seed)
        told: list[TickRecord] = [status(ny(f"{FIRST} 08:00"))] if self.begins_with_status else []
        told += [bar_batch(*leg, mode=BarsMode.HISTORY) for leg in (lead, other)]
        ratios = [float(np.log(a.close / b.close)) for a, b in zip(lead, other, strict=True)]
        last_other = other[-1].close
        for session, day in zip(SESSIONS, self.days, strict=False):
            window = np.array(ratios[-90:])
            level = _Level(last_other, float(window.mean()), float(window.std(ddof=1)))
            told += _ticks(session, day, level)
            lead_close = level.price(day.zs[-1])
            close_ns = calendar().close_of(session)
            told += [quotes({close_ns - SECOND: lead_close}), status(close_ns + SECOND)]
            last_other = float(lead_close / np.exp(level.mean + day.close_z * level.std))
            told += _bars(session, day, last_other, lead_close)
            told.append(status(ny(f"{session} 20:15") + (SECOND if day.bar != "next_day" else -SECOND)))
            ratios.append(level.mean + day.close_z * level.std)
        told.append(status(ny(f"{SESSIONS[-1]} 23:00")))
        return told


@dataclass(frozen=True)
class _Level:
    other: float
    mean: float
    std: float

    def price(self, z: float) -> float:
        return float(self.other * np.exp(self.mean + z * self.std))


courses = st.builds(
    Course,
    seed=st.integers(0, 3),
    begins_with_status=st.booleans(),
    days=st.lists(_DAY, min_size=2, max_size=8),
)


def _ticks(session: str, day: _Day, level: _Level) -> list[TickRecord]:
    told: list[TickRecord] = []
    ts_ns = ny(f"{session} 09:40")
    for z, gap in zip(day.zs, day.gaps_minutes, strict=False):
        # A tick a minute at a level, so that holds are completed; the last of them a little earlier.
        for _ in range(gap):
            told.append(quotes({ts_ns: level.price(z)}))
            ts_ns += MINUTE
        if day.silence is not None:
            told.append(status(ts_ns - SECOND, state=day.silence))
        for kind in day.noise:
            match kind:
                case "late":
                    told.append(quotes({ny(f"{session} 08:30"): level.price(LATE_Z)}))
                case "trade":
                    told.append(trades({ts_ns - 30 * SECOND: level.price(-LATE_Z)}))
                case "status":
                    told.append(status(ts_ns - SECOND))
                case "other_feed":
                    told.append(quotes({ts_ns - SECOND: level.price(z)}, feed="backup"))
                case "same_instant":
                    told += [quotes({ts_ns - MINUTE // 2: level.price(each)}) for each in (z, 0.3, z)]
    return told


def _bars(session: str, day: _Day, close: float, lead_close: float) -> list[TickRecord]:
    news = bar(session, close)
    match day.bar:
        case "missing":
            return []
        case "twice":
            return [bar_batch(news), bar_batch(news), status(news.known_at_ns), bar_batch(news)]
        case "refill":
            return [bar_batch(news, mode=BarsMode.HISTORY)]
        case "lead_bar":
            return [bar_batch(bar(session, lead_close * 1.001, instrument=LEAD)), bar_batch(news)]
        case "corrected":
            known = ny(f"{session} 20:20")
            return [
                bar_batch(news),
                bar_batch(bar(session, close * 1.01, revision=1, known_at_ns=known)),
                status(known),
            ]
        case _:
            return [bar_batch(news)]


def join_quotes(records: list[TickRecord], cuts: set[int]) -> list[TickRecord]:
    """Join neighbouring quote records of one instrument and feed, but never across a cut."""
    joined: list[TickRecord] = []
    for index, record in enumerate(records):
        last = joined[-1] if joined else None
        if (
            isinstance(record, QuoteBatch)
            and isinstance(last, QuoteBatch)
            and (last.instrument, last.feed) == (record.instrument, record.feed)
            and index not in cuts
        ):
            joined[-1] = QuoteBatch(
                instrument=last.instrument,
                feed=last.feed,
                ts_event_ns=np.concatenate((last.ts_event_ns, record.ts_event_ns)),
                ts_received_ns=np.concatenate((last.ts_received_ns, record.ts_received_ns)),
                bid=np.concatenate((last.bid, record.bid)),
                ask=np.concatenate((last.ask, record.ask)),
            )
        else:
            joined.append(record)
    return joined


def split_quotes(records: list[TickRecord]) -> list[TickRecord]:
    """Cut every quote batch into single quotes."""
    return [
        piece
        for record in records
        for piece in (
            [record.rows(at, at + 1) for at in range(len(record.ts_event_ns))]
            if isinstance(record, QuoteBatch)
            else [record]
        )
    ]
