"""The further legs of the simulated market: added to the main pair without changing it.

Each leg has a random generator of its own, seeded with the seed and its name: one pair more or less in the
file changes no other leg.
"""

from collections.abc import Iterator
from math import exp, log

import numpy as np

from services.ingestor.feeds.simulated.leg_models import OrnsteinUhlenbeck, leg_model
from services.ingestor.feeds.simulated.scenario import FEED, Scenario, Scheduled
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.sessions import SessionCalendar, bar_final_at_ns
from shared.domain.ticks import QuoteBatch

# How often a further leg ticks, in ticks of the lead. Its ticks are between the lead's, so each splits a
# record of those, and a record of one tick costs as much as one of a hundred.
_TICKS_PER_TICK = 0.25
_HALF_SPREAD = 0.00005
_LEAST_HALF_SPREAD_USD = 0.01


class _Leg:
    """One further leg.

    Parameters
    ----------
    gold, other
        Closes of the main pair's two legs over the history.
    sessions
        Their labels.
    """

    def __init__(
        self,
        instrument: str,
        *,
        seed: int,
        gold: list[float],
        other: list[float],
        sessions: list[str],
        calendar: SessionCalendar,
    ) -> None:
        self.instrument = instrument
        self.rng = np.random.default_rng([seed, *instrument.encode()])
        self.due_seconds = 0.0
        model = leg_model(instrument)
        self._weight = model.gold_weight
        self._last_other = other[-1]
        self._offset = log(model.price_usd) - self._mixture(gold[-1], other[-1])
        self._own = OrnsteinUhlenbeck(self.rng, std=model.own_std, start_ns=calendar.close_of(sessions[0]))
        self.history = tuple(
            self.bar(session, self.price(calendar.close_of(session), *closes))
            for session, *closes in zip(sessions, gold, other, strict=True)
        )

    def price(self, ts_ns: int, gold: float, other: float | None = None) -> float:
        """Return the price at an instant that is not before the last one, in USD.

        The main pair's other leg is at its last known close unless it is given.
        """
        own = self._own.at(ts_ns)
        mixture = self._mixture(gold, other if other is not None else self._last_other)
        return round(exp(mixture + self._offset + own), 2)

    def on_other_close(self, other: float, *, is_smooth: bool) -> None:
        """Note the next close of the main pair's other leg; a leg that ticks must not jump at it."""
        if is_smooth:
            self._own.compensate((1 - self._weight) * log(other / self._last_other))
        self._last_other = other

    def bar(self, session: str, close: float) -> Bar:
        """Return a close as a bar."""
        return Bar(
            instrument=self.instrument,
            session=session,
            close=close,
            adj_close=close,
            known_at_ns=bar_final_at_ns(session),
            source=FEED,
        )

    def quote(self, ts_ns: int, gold: float) -> QuoteBatch:
        """Return a quote around the price."""
        mid = self.price(ts_ns, gold)
        half = max(_LEAST_HALF_SPREAD_USD, mid * _HALF_SPREAD * float(self.rng.uniform(0.7, 1.5)))
        instants = np.array([ts_ns], dtype=np.int64)
        return QuoteBatch(
            instrument=self.instrument,
            feed=FEED,
            ts_event_ns=instants,
            ts_received_ns=instants,
            bid=np.array([round(mid - half, 2)]),
            ask=np.array([round(mid + half, 2)]),
        )

    def _mixture(self, gold: float, other: float) -> float:
        return self._weight * log(gold) + (1 - self._weight) * log(other)


class FurtherLegs:
    """Add the further legs to the main pair.

    Parameters
    ----------
    daily, ticking
        The further legs: those with daily bars, and those that tick round the clock.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        daily: tuple[str, ...],
        ticking: tuple[str, ...],
        calendar: SessionCalendar,
    ) -> None:
        self._seed = scenario.seed
        self._ticks_per_second = scenario.ticks_per_second * _TICKS_PER_TICK
        self._names = daily, ticking
        self._daily: tuple[_Leg, ...] = ()
        self._ticking: tuple[_Leg, ...] = ()
        self._calendar = calendar
        self._session = calendar.first_closing_at_or_after(scenario.start_ns)
        self._gold = 0.0
        self._gold_at_close: dict[str, float] = {}

    def join(self, main_pair: Iterator[Scheduled]) -> Iterator[Scheduled]:
        """Yield the main pair with everything else at its place, in the order of event time."""
        gold, other = next(main_pair), next(main_pair)
        yield gold
        yield other
        yield from self._begin(gold, other)
        previous = other
        for scheduled in main_pair:
            yield from self._ticks(previous, scheduled)
            self._note_closes(scheduled.event_ns)
            yield scheduled
            match scheduled.item:
                case QuoteBatch() as quotes:
                    self._gold = float(quotes.bid[-1] + quotes.ask[-1]) / 2
                case BarBatch(bars=(bar,)):
                    yield from self._new_bars(bar, scheduled)
            previous = scheduled

    def _begin(self, gold: Scheduled, other: Scheduled) -> Iterator[Scheduled]:
        assert isinstance(gold.item, BarBatch)  # noqa: S101 - the main pair begins with its histories
        assert isinstance(other.item, BarBatch)  # noqa: S101 - the same
        closes = [bar.close for bar in gold.item.bars]
        self._gold = closes[-1]
        self._daily, self._ticking = (
            tuple(
                _Leg(
                    name,
                    seed=self._seed,
                    gold=closes,
                    other=[bar.close for bar in other.item.bars],
                    sessions=[bar.session for bar in other.item.bars],
                    calendar=self._calendar,
                )
                for name in names
            )
            for names in self._names
        )
        for leg in (*self._daily, *self._ticking):
            yield Scheduled(
                wall_seconds=other.wall_seconds,
                event_ns=other.event_ns,
                item=BarBatch(instrument=leg.instrument, mode=BarsMode.HISTORY, bars=leg.history),
            )

    def _ticks(self, after: Scheduled, before: Scheduled) -> Iterator[Scheduled]:
        """Yield the quotes between two items of the main pair; time passes evenly from one to the other."""
        if not self._ticking:
            return
        wall, event = (
            before.wall_seconds - after.wall_seconds,
            before.event_ns - after.event_ns,
        )
        while (
            leg := min(self._ticking, key=lambda each: each.due_seconds)
        ).due_seconds < before.wall_seconds:
            due = max(leg.due_seconds, after.wall_seconds)
            ts_ns = after.event_ns + int(event * (due - after.wall_seconds) / wall)
            yield Scheduled(wall_seconds=due, event_ns=ts_ns, item=leg.quote(ts_ns, self._gold))
            leg.due_seconds = due + float(leg.rng.uniform(0.5, 1.5)) / self._ticks_per_second

    def _note_closes(self, ts_ns: int) -> None:
        """Note gold's price at each close that has passed."""
        while self._session < len(self._calendar.labels) and self._calendar.close_ns[self._session] < ts_ns:
            self._gold_at_close[self._calendar.labels[self._session]] = self._gold
            self._session += 1

    def _new_bars(self, bar: Bar, scheduled: Scheduled) -> Iterator[Scheduled]:
        gold = self._gold_at_close.pop(bar.session)
        close_ns = self._calendar.close_of(bar.session)
        for leg in self._daily:
            leg.on_other_close(bar.close, is_smooth=False)
            new = leg.bar(bar.session, leg.price(close_ns, gold))
            yield Scheduled(
                wall_seconds=scheduled.wall_seconds,
                event_ns=scheduled.event_ns,
                item=BarBatch(instrument=leg.instrument, mode=BarsMode.LIVE, bars=(new,)),
            )
        for leg in self._ticking:
            leg.on_other_close(bar.close, is_smooth=True)
