"""A seeded log of several leads: dozens of pairs that cross thresholds all day, and every nuisance of a feed.

The market is told tick by tick in the order of its time; `cut` makes records of it, of random sizes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.calendars import xnys_calendar
from shared.contracts.ticks import TickRecord, encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode, BarStatus
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedState, QuoteBatch
from tests.support.builders_market import MINUTE, SECOND, bar, bar_batch, ny, quotes, status, trades

# Their keys fall into every one of four partitions, and two of them share one.
LEADS = ("XAU/USD.REPLAY", "XAG/USD.REPLAY", "XCU/USD.REPLAY", "BTC/USD.REPLAY", "ETH/USD.REPLAY")
OTHERS = ("IWM.REPLAY", "SPY.REPLAY", "QQQ.REPLAY", "TLT.REPLAY", "HYG.REPLAY", "EEM.REPLAY")
# An other leg that ticks as its lead does, and has no bars but what is sampled of it.
TICKING = {"XAG/USD.REPLAY": "EUR/USD.REPLAY"}
FIRST = "2019-06-03"
# Low and short, so that a few sessions give thousands of events.
RULES = """
[ratio_stretch]
warning = 1.0
critical = 1.6
leave = 0.4
hold_seconds = 60
cooldown_sessions = 0

[opposite_moves]
warning = 0.6
critical = 1.2
leave = 0.3
cooldown_sessions = 0

[correlation_break]
warning = 0.8
critical = 1.4
leave = 0.5
min_change = 0.05
cooldown_sessions = 0

[hedge_lost]
warning = 0.01
critical = 0.05
cooldown_sessions = 0

[regime_change]
enabled = true
"""
# The first lead has what the longest window needs; the others have enough for z.
_HISTORY = {LEADS[0]: 270}
_SHORT_HISTORY = 130
_TICKING_LEVEL = 1.1

Told = tuple[str, TickRecord | bytes]
"""A lead, and a record of its log; bytes are a record that nobody can read."""
Written = tuple[str, bytes]
"""A lead, which is the key, and the value."""
_Happened = tuple[int, str, TickRecord | bytes]


def pairs() -> tuple[Pair, ...]:
    """Return every lead against every other leg."""
    legs = [(lead, other) for lead in LEADS for other in OTHERS]
    return tuple(
        Pair(
            name=f"{lead[:3]}-{other[:3]}".lower(),
            title=f"{lead[:3]} vs {other[:3]}",
            lead=lead,
            other=other,
            lead_title=lead[:3],
            other_title=other[:3],
        )
        for lead, other in (*legs, *TICKING.items())
    )


def pairs_toml() -> str:
    """Return the same as the file that a worker reads."""
    names = ("name", "title", "lead", "other", "lead_title", "other_title")
    return "\n".join(
        "[[pair]]\n" + "\n".join(f'{name} = "{getattr(pair, name)}"' for name in names) for pair in pairs()
    )


@dataclass
class Market:
    """What happens, drawn from a seed.

    Parameters
    ----------
    count
        Sessions after the history.
    closes
        By other leg and session; ratios to a common factor move by a percent a session.
    """

    seed: int
    count: int = 10
    closes: dict[str, dict[str, float]] = field(init=False, default_factory=dict)
    told: list[Told] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Tell it from the history to the last session."""
        self._rng = np.random.default_rng(self.seed)
        labels = xnys_calendar().labels
        begin = labels.index(FIRST)
        sessions = labels[begin - max(_HISTORY.values()) : begin + self.count]
        self._live = sessions[-self.count :]
        walk = self._rng.normal(0, 0.004, len(sessions)).cumsum()
        self._factor = dict(zip(sessions, np.exp(walk).tolist(), strict=True))
        for at, other in enumerate(OTHERS):
            noise = self._rng.normal(0, 0.006 + 0.001 * at, len(sessions))
            levels = (50.0 + 40 * at) * np.exp(walk + noise)
            self.closes[other] = dict(zip(sessions, levels.round(2).tolist(), strict=True))
        levels_of = {lead: 20.0 * 7**at for at, lead in enumerate(LEADS)}
        for lead in LEADS:
            self._tell_history(
                lead, levels_of[lead], sessions[-_HISTORY.get(lead, _SHORT_HISTORY) : -self.count]
            )
        for session in self._live:
            happening = [
                each for lead in LEADS for each in self._day(lead, lead, levels_of[lead], session, 3)
            ]
            for lead, other in TICKING.items():
                happening += self._day(lead, other, _TICKING_LEVEL, session, 12)
            # What happens at one instant stays in the order in which it was told.
            self.told += [(lead, record) for _, lead, record in sorted(happening, key=lambda each: each[0])]
            self._tell_bars(session)
        self.told += [(lead, status(ny(f"{self._live[-1]} 23:00"), instrument=lead)) for lead in LEADS]

    def _tell_history(self, lead: str, level: float, sessions: Sequence[str]) -> None:
        self.told.append((lead, self._sampled(lead, level, sessions)))
        if lead in TICKING:
            self.told.append((lead, self._sampled(TICKING[lead], _TICKING_LEVEL, sessions)))
        for other in OTHERS:
            past = [bar(s, self.closes[other][s], instrument=other) for s in sessions]
            self.told.append((lead, bar_batch(*past, mode=BarsMode.HISTORY)))

    def _sampled(self, instrument: str, level: float, sessions: Sequence[str]) -> BarBatch:
        noise = np.exp(self._rng.normal(0, 0.01, len(sessions))).tolist()
        closes = [round(level * self._factor[s] * n, 4) for s, n in zip(sessions, noise, strict=True)]
        return bar_batch(
            *(
                bar(session, close, instrument=instrument, known_at_ns=ny(f"{session} 16:00"))
                for session, close in zip(sessions, closes, strict=True)
            ),
            mode=BarsMode.HISTORY,
        )

    def _day(
        self, lead: str, instrument: str, level: float, session: str, every_minutes: int
    ) -> Iterator[_Happened]:
        """Yield ticks and status records: the price dwells at a level for a while, then jumps."""
        rng = self._rng
        ts_ns, end_ns = ny(f"{session} 08:00") + int(rng.integers(MINUTE)), ny(f"{session} 16:20")
        base, gap, dwell_ns = level * self._factor[session], 0.0, ts_ns
        while ts_ns < end_ns:
            if ts_ns >= dwell_ns:
                gap = float(rng.normal(0, 0.022))
                dwell_ns = ts_ns + int(rng.integers(10, 60)) * MINUTE
            price = base * float(np.exp(gap + rng.normal(0, 0.001)))
            yield ts_ns, lead, quotes({ts_ns: round(price, 4)}, instrument=instrument)
            if (nuisance := self._nuisance(instrument, price, ts_ns)) is not None:
                yield ts_ns, lead, nuisance
            ts_ns += int(rng.exponential(every_minutes * MINUTE)) + 1
        for when in ("16:20:30", "20:10"):
            ts_ns = ny(f"{session} {when}")
            yield ts_ns, lead, status(ts_ns, instrument=instrument)

    def _nuisance(self, instrument: str, price: float, ts_ns: int) -> TickRecord | bytes | None:
        draw = float(self._rng.random())
        if draw < 0.02:
            return quotes({ts_ns - 20 * MINUTE: price * 1.3}, instrument=instrument)  # late
        if draw < 0.04:
            return trades({ts_ns: price * 0.8}, instrument=instrument)  # quotes say it better
        if draw < 0.06:
            return quotes([(ts_ns, price * 1.15), (ts_ns, price)], instrument=instrument)  # a spike
        if draw < 0.07:
            return status(ts_ns, state=FeedState.STALE, instrument=instrument)
        if draw < 0.075:
            return status(ts_ns, state=FeedState.BREAK, instrument=instrument)
        if draw < 0.15:
            return status(ts_ns, instrument=instrument)
        if draw < 0.153:
            return b'{"schema":"ticks","v":1,"type":"poison"}'
        if draw < 0.156:
            return status(ts_ns, instrument="NOBODY.REPLAY")
        return None

    def _tell_bars(self, session: str) -> None:
        for other in OTHERS:
            news = bar(session, self.closes[other][session], instrument=other)
            match self._rng.choice(
                ["once", "twice", "corrected", "late", "missing"], p=[0.6, 0.1, 0.1, 0.15, 0.05]
            ):
                case "once":
                    self._tell_bar(news)
                case "twice":
                    self._tell_bar(news, news)
                case "corrected":
                    self._tell_bar(news, _corrected(news))
                case "late":
                    # After the status records that follow: known long before it came.
                    self._tell_status(f"{session} 21:00")
                    self._tell_bar(news)
        self._tell_status(f"{session} 22:00")
        if session == self._live[self.count // 2]:
            # The ingestor was restarted and tells the history again, the missing bars included.
            for lead in LEADS:
                for other in OTHERS:
                    past = [
                        bar(s, c, instrument=other) for s, c in self.closes[other].items() if s <= session
                    ]
                    self.told.append((lead, bar_batch(*past[-60:], mode=BarsMode.HISTORY)))

    def _tell_bar(self, *bars: Bar) -> None:
        for each in bars:
            self.told += [(lead, bar_batch(each)) for lead in LEADS]

    def _tell_status(self, when: str) -> None:
        self.told += [(lead, status(ny(when), instrument=lead)) for lead in LEADS]


def cut(told: Sequence[Told], *, seed: int, most: int) -> list[Written]:
    """Make records of random sizes of what was told, in its order.

    A record holds neighbouring quotes of one instrument in the log of one lead. None reaches over bars of
    another lead either: two leads can share a partition, and each sees the bars of the other.

    Parameters
    ----------
    most
        Most quotes in a record.
    """
    rng = np.random.default_rng(seed)
    written: list[Written] = []
    held: dict[str, list[QuoteBatch]] = {lead: [] for lead in LEADS}
    sizes = dict.fromkeys(LEADS, 1)

    def write(lead: str) -> None:
        if held[lead]:
            written.append((lead, encode_tick_record(_joined(held[lead]))))
        held[lead] = []
        sizes[lead] = int(rng.integers(1, most + 1))

    for lead, record in told:
        if isinstance(record, QuoteBatch):
            if any(each.instrument != record.instrument for each in held[lead][:1]):
                write(lead)
            held[lead].append(record)
            if len(held[lead]) >= sizes[lead]:
                write(lead)
            continue
        for each in LEADS if isinstance(record, BarBatch) else (lead,):
            write(each)
        written.append((lead, record if isinstance(record, bytes) else encode_tick_record(record)))
    for lead in LEADS:
        write(lead)
    return written


def _joined(batches: list[QuoteBatch]) -> QuoteBatch:
    first = batches[0]
    return QuoteBatch(
        instrument=first.instrument,
        feed=first.feed,
        ts_event_ns=np.concatenate([each.ts_event_ns for each in batches]),
        ts_received_ns=np.concatenate([each.ts_received_ns for each in batches]),
        bid=np.concatenate([each.bid for each in batches]),
        ask=np.concatenate([each.ask for each in batches]),
    )


def _corrected(news: Bar) -> Bar:
    return bar(
        news.session,
        round(news.close * 1.01, 2),
        instrument=news.instrument,
        known_at_ns=news.known_at_ns + 30 * SECOND,
        status=BarStatus.CORRECTED,
        revision=1,
    )
