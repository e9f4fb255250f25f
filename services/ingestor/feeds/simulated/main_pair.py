"""Gold and one other leg as a deterministic sequence: history, quotes, bars when known, breaks and weekends.

Closed hours pass faster than open ones: a weekend at the speed of a session would be minutes without a tick.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from services.ingestor.feeds.simulated.daily_closes import DailyCloses
from services.ingestor.feeds.simulated.scenario import FEED, HISTORY_SESSIONS, Scenario, Scheduled
from services.ingestor.feeds.simulated.session_plans import SessionPlan, calm_session, session_plans
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.gold_hours import spot_gold_state
from shared.domain.instants import NS_PER_SECOND, from_ns, to_ns
from shared.domain.sessions import NEW_YORK, SessionCalendar, bar_final_at_ns
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch

# How much faster than in a session time passes overnight, and while gold does not trade.
_OVERNIGHT_SPEED_UP: Final = 8.0
_CLOSED_SPEED_UP: Final = 40.0
_MINUTE_NS: Final = 60 * NS_PER_SECOND
# Noise of a quote around its path, in standard deviations of the log ratio: visible, too small to matter.
_NOISE: Final = 0.03
_NOISE_MEMORY: Final = 0.98
# Each excursion widens the band that the next one is measured in; beyond this width sessions are calm.
_WIDEST_BAND: Final = 0.02
_HALF_SPREAD_USD: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """Log prices of gold at some instants; straight lines in between, with a little noise."""

    instants: tuple[float, ...]
    levels: tuple[float, ...]
    noise_std: float


class MainPair:
    """Simulate the lead and one other leg, session by session.

    Parameters
    ----------
    other
        The name of the other leg: it has daily bars.
    first
        Ordinal of the session in which it begins.
    """

    def __init__(self, scenario: Scenario, *, other: str, calendar: SessionCalendar, first: int) -> None:
        self._scenario = scenario
        self._other = other
        self._calendar = calendar
        self._first = first
        self._rng = np.random.default_rng(scenario.seed)
        self._closes = DailyCloses(self._rng, sessions=HISTORY_SESSIONS)
        self._now = scenario.start_ns
        self._wall = 0.0
        self._next_change = _next_state_change(self._now)
        self._noise = 0.0
        self._bars: list[Bar] = []
        self._last_mid = self._closes.gold[-1]

    def run(self) -> Iterator[Scheduled]:
        """Yield the sequence to the end of the calendar, in the order of event time."""
        yield from self._history()
        plans = session_plans(self._rng)
        for index in range(self._first, len(self._calendar.labels)):
            plan = next(plans) if self._closes.band().std < _WIDEST_BAND else calm_session(self._rng)
            close_ns, label = self._calendar.close_ns[index], self._calendar.labels[index]
            path = self._path(index, plan)
            while (step := self._step()) <= close_ns:
                yield from self._advance(step, path)
            iwm = self._closes.next_iwm(float(np.log(self._last_mid / self._closes.gold[-1])))
            self._bars.append(self._bar(self._other, label, iwm))
            self._closes.commit(gold=self._last_mid, iwm=iwm)

    def _history(self) -> Iterator[Scheduled]:
        labels = self._calendar.labels[self._first - HISTORY_SESSIONS : self._first]
        legs = ((self._scenario.lead, self._closes.gold), (self._other, self._closes.iwm))
        for instrument, closes in legs:
            bars = tuple(
                self._bar(instrument, label, close) for label, close in zip(labels, closes, strict=True)
            )
            history = BarBatch(instrument=instrument, mode=BarsMode.HISTORY, bars=bars)
            yield Scheduled(wall_seconds=0.0, event_ns=self._now, item=history)

    def _path(self, index: int, plan: SessionPlan) -> _Path:
        close_ns = self._calendar.close_ns[index]
        begin_ns = max(self._now, self._calendar.open_ns[index])
        # The first shock comes a few minutes after the start, later ones some time in the first half.
        wait = (
            5 * _MINUTE_NS
            if index == self._first
            else int(self._rng.uniform(0.05, 0.4) * (close_ns - begin_ns))
        )
        ramp = 20 * _MINUTE_NS
        levels = [float(np.log(self._last_mid)), float(np.log(self._last_mid))]
        instants = [float(self._now), float(begin_ns + wait)]
        targets = (plan.close_z,) if plan.peak_z is None else (plan.peak_z, plan.peak_z, plan.close_z)
        for target in targets:
            instants.append(instants[-1] + ramp)
            levels.append(self._closes.gold_at(target))
        if instants[-1] < close_ns:
            instants.append(float(close_ns))
            levels.append(levels[-1])
        assert all(before <= after for before, after in pairwise(instants))  # noqa: S101 - np.interp needs it
        std = self._closes.band().std * _NOISE
        return _Path(instants=tuple(instants), levels=tuple(levels), noise_std=std)

    def _step(self) -> int:
        mean = self._speed(self._now) / self._scenario.ticks_per_second
        return self._now + int(mean * self._rng.uniform(0.5, 1.5) * NS_PER_SECOND)

    def _advance(self, until_ns: int, path: _Path) -> Iterator[Scheduled]:
        """Yield what happens up to an instant: bars that become known, the market's hours, a quote."""
        while self._bars and self._bars[0].known_at_ns <= until_ns:
            bar = self._bars.pop(0)
            yield from self._hours(bar.known_at_ns)
            live = BarBatch(instrument=bar.instrument, mode=BarsMode.LIVE, bars=(bar,))
            yield self._at(bar.known_at_ns, live)
        yield from self._hours(until_ns)
        if spot_gold_state(until_ns) is FeedState.LIVE:
            yield self._at(until_ns, self._quote(until_ns, path))
        else:
            self._pass(until_ns)

    def _hours(self, until_ns: int) -> Iterator[Scheduled]:
        while self._next_change <= until_ns:
            change = self._next_change
            status = FeedStatus(
                instrument=self._scenario.lead,
                feed=FEED,
                state=spot_gold_state(change),
                watermark_ns=change,
            )
            yield self._at(change, status)
            self._next_change = _next_state_change(change)

    def _quote(self, ts_ns: int, path: _Path) -> QuoteBatch:
        shock = path.noise_std * float(np.sqrt(1 - _NOISE_MEMORY**2))
        self._noise = _NOISE_MEMORY * self._noise + shock * float(self._rng.standard_normal())
        mid = float(np.exp(np.interp(ts_ns, path.instants, path.levels) + self._noise))
        half = _HALF_SPREAD_USD * float(self._rng.uniform(0.7, 1.5))
        bid, ask = round(mid - half, 2), round(mid + half, 2)
        self._last_mid = (bid + ask) / 2
        instants = np.array([ts_ns], dtype=np.int64)
        return QuoteBatch(
            instrument=self._scenario.lead,
            feed=FEED,
            ts_event_ns=instants,
            ts_received_ns=instants,
            bid=np.array([bid]),
            ask=np.array([ask]),
        )

    def _bar(self, instrument: str, label: str, close: float) -> Bar:
        return Bar(
            instrument=instrument,
            session=label,
            close=close,
            adj_close=close,
            known_at_ns=bar_final_at_ns(label),
            source=FEED,
        )

    def _at(self, ts_ns: int, item: QuoteBatch | BarBatch | FeedStatus) -> Scheduled:
        self._pass(ts_ns)
        return Scheduled(wall_seconds=self._wall, event_ns=ts_ns, item=item)

    def _pass(self, until_ns: int) -> None:
        self._wall += (until_ns - self._now) / NS_PER_SECOND / self._speed(self._now)
        self._now = until_ns

    def _speed(self, ts_ns: int) -> float:
        if self._calendar.is_open(ts_ns):
            return self._scenario.speed
        if spot_gold_state(ts_ns) is FeedState.LIVE:
            return self._scenario.speed * _OVERNIGHT_SPEED_UP
        return self._scenario.speed * _CLOSED_SPEED_UP


def _next_state_change(ts_ns: int) -> int:
    """Return the next instant at which spot gold opens or closes, strictly after one."""
    state = spot_gold_state(ts_ns)
    day = from_ns(ts_ns).astimezone(NEW_YORK).date()
    while True:
        for hour in (17, 18):
            instant = to_ns(datetime.combine(day, time(hour), NEW_YORK))
            if instant > ts_ns and spot_gold_state(instant) is not state:
                return instant
        day += timedelta(days=1)
