"""The prices that everything runs on: real gold ticks where they are, made-up ones where they are not."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from shared.calendars import xnys_calendar
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.pairs import Pair
from shared.domain.sessions import bar_final_at_ns
from shared.domain.ticks import QuoteBatch
from shared.files.timeline import Recording, read_timeline

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_TICKS = "xauusd_ticks_oanda_lean_20140501_20140515.csv.gz"
_SYNTHETIC_TICKS = 2_000_000
_HISTORY_SESSIONS = 366
_SEED = 20140501


def bench_pair(name: str = "gold-iwm") -> Pair:
    """Return the pair that is watched; a new name is a new pair to signals."""
    return Pair(
        name=name,
        title="Gold vs IWM",
        lead="XAU/USD.REPLAY",
        other="IWM.REPLAY",
        lead_title="Gold",
        other_title="IWM",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """History of both legs, then ticks of the lead.

    Parameters
    ----------
    label
        Real or made up, for the report.
    history
        One batch of at least 252 sessions for each leg.
    news
        The other leg's first bar after the history.
    quotes
        Every tick, ascending by event time.
    """

    label: str
    history: tuple[BarBatch, ...]
    news: BarBatch
    quotes: QuoteBatch

    def head(self, ticks: int) -> QuoteBatch:
        """Return the first ticks."""
        return self.quotes.rows(0, min(ticks, len(self.quotes.ts_event_ns)))

    def log_ratios(self) -> np.ndarray:
        """Return ``ln(lead / other)`` of the sessions that both histories have, ascending."""
        lead, other = ({bar.session: bar.adj_close for bar in leg.bars} for leg in self.history)
        return np.log(np.array([lead[session] / other[session] for session in lead if session in other]))

    def other_close(self) -> float:
        """Return what the lead's live price is divided by."""
        return self.history[1].bars[-1].adj_close


def batches(quotes: QuoteBatch, size: int) -> list[QuoteBatch]:
    """Cut ticks into batches."""
    count = len(quotes.ts_event_ns)
    return [quotes.rows(begin, min(begin + size, count)) for begin in range(0, count, size)]


@lru_cache(maxsize=1)
def load_market() -> Market:
    """Return the recorded market, or the made-up one where the recording is not there."""
    return _recorded() if (DATA / _TICKS).is_file() else _synthetic()


def _recorded() -> Market:
    recording = Recording(
        lead_files=(DATA / "pair_gold_daily_20121114_20210331.csv", DATA / _TICKS),
        other_files=(DATA / "pair_iwm_daily_20121114_20210331.csv",),
        end=date(2014, 5, 16),
    )
    pair, history, news, quotes = bench_pair(), [], [], []
    for record in read_timeline(recording, pair=pair, calendar=xnys_calendar()):
        if isinstance(record, QuoteBatch):
            quotes.append(record)
        elif record.mode is BarsMode.HISTORY:
            history.append(record)
        elif record.instrument == pair.other:
            news.append(record)
    whole = {
        name: np.concatenate([getattr(batch, name) for batch in quotes])
        for name in ("ts_event_ns", "ts_received_ns", "bid", "ask")
    }
    count = len(whole["bid"])
    return Market(
        label=f"{count:,} real XAU/USD quotes, 2014-05-01 to 2014-05-15 (../shared/data)",
        history=tuple(history),
        news=news[0],
        quotes=QuoteBatch(instrument=pair.lead, feed="replay", **whole),
    )


def _synthetic() -> Market:
    pair, calendar = bench_pair(), xnys_calendar()
    chance = np.random.default_rng(_SEED)
    end = calendar.labels.index("2014-04-30")
    sessions = calendar.labels[end - _HISTORY_SESSIONS + 1 : end + 2]
    walks = {
        pair.lead: 1_300 * np.exp(np.cumsum(chance.normal(0, 0.01, len(sessions)))),
        pair.other: 110 * np.exp(np.cumsum(chance.normal(0, 0.01, len(sessions)))),
    }
    bars = {
        instrument: tuple(
            Bar(
                instrument=instrument,
                session=session,
                close=round(float(close), 2),
                adj_close=round(float(close), 2),
                known_at_ns=bar_final_at_ns(session),
                source="synthetic",
            )
            for session, close in zip(sessions, walk, strict=True)
        )
        for instrument, walk in walks.items()
    }
    begin_ns = calendar.close_of("2014-04-30") + 8 * 3_600 * 10**9
    events = begin_ns + np.cumsum(chance.exponential(0.6e9, _SYNTHETIC_TICKS)).astype(np.int64)
    mid = bars[pair.lead][-2].close * np.exp(np.cumsum(chance.normal(0, 1e-5, _SYNTHETIC_TICKS)))
    return Market(
        label=f"{_SYNTHETIC_TICKS:,} made-up quotes, seed {_SEED} (no ../shared/data here)",
        history=tuple(
            BarBatch(instrument=instrument, mode=BarsMode.HISTORY, bars=each[:-1])
            for instrument, each in bars.items()
        ),
        news=BarBatch(instrument=pair.other, mode=BarsMode.LIVE, bars=bars[pair.other][-1:]),
        quotes=QuoteBatch(
            instrument=pair.lead,
            feed="synthetic",
            ts_event_ns=events,
            ts_received_ns=events,
            bid=np.round(mid - 0.1, 3),
            ask=np.round(mid + 0.1, 3),
        ),
    )
