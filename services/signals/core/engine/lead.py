"""The pairs of one lead: what a tick, a bar, a close or a fault does to each of them, in event time.

Before event time advances past an instant, everything due by then is done in order of time:

===================================== ===========================================================
due at                                what
===================================== ===========================================================
a step of the session's clock         less is to come before the next close, so levels near prices move
``known_at`` of a bar that came early the bar is used
a close, and one nanosecond           the price of each leg that ticks, and is not listed, is sampled
as `LegFaults` says                   a fault of a leg's data begins or ends
the end of a hold                     a divergence opens or escalates
a flapping fault has settled          it closes, and what it held back is evaluated again
the second session after an opening   a provisional divergence expires, two hours after the bar is final
===================================== ===========================================================

A tick at exactly that instant comes after it.
"""

from collections.abc import Iterable

from services.signals.core.engine.going_back import undo_after
from services.signals.core.engine.leg_faults import LegFaults
from services.signals.core.engine.leg_pairs import LegPairs
from services.signals.core.engine.log_progress import NEVER, LogProgress
from services.signals.core.engine.pair_index import PairIndex
from services.signals.core.engine_config import EngineConfig
from services.signals.core.legs.close_sampling import sample_close, sampled_at_ns
from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.feed_authority import take_authority
from services.signals.core.legs.feed_faults import BEGINS_ANEW
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.session_clock import SessionClock, quarter_after
from services.signals.core.legs.tick_filter import accept, jump_band
from services.signals.core.pairs.effects import NOTHING, SHARED_CHANGED, Effects, merge, suppress
from services.signals.core.pairs.pair_monitor import PairMonitor
from shared.domain.bars import Bar
from shared.domain.pairs import Pair
from shared.domain.ticks import FeedAuthority, FeedFault, FeedState


class Lead:
    """The legs and the pairs of one lead, as of the event time applied.

    Parameters
    ----------
    instrument
        The lead, whose log this is.
    pairs
        The pairs with this lead.
    config
        See `EngineConfig`.

    Attributes
    ----------
    progress
        How far the log has been applied.
    legs
        By instrument, the lead first.
    monitors
        The pairs.
    waiting
        Bars that came before their ``known_at``, in the order in which they will be used.
    due_ns
        The next event time at which something is due without any input.
    deadband_low, deadband_high
        The lead's prices between which nothing happens.
    """

    def __init__(self, instrument: str, pairs: Iterable[Pair], config: EngineConfig) -> None:
        watched = tuple(pairs)
        self.progress = LogProgress()
        self.legs = {name: Leg(instrument=name) for name in (instrument, *(pair.other for pair in watched))}
        self._clock, lead = SessionClock(config.calendar), self.legs[instrument]
        self.monitors = tuple(
            PairMonitor(pair, lead, self.legs[pair.other], self._clock, config) for pair in watched
        )
        self.waiting: list[Bar] = []
        self.due_ns, self.deadband_low, self.deadband_high = NEVER, 0.0, float("inf")
        self._leg = self.legs[instrument]
        self._calendar = config.calendar
        self._pairs_of: dict[str, LegPairs] = {}
        self._index = PairIndex(self.monitors)
        self._faults = LegFaults(
            config.calendar,
            self.progress,
            self.legs,
            self._pairs_of,
            is_frozen=self.is_frozen,
            after=self._after,
        )

    def resume(self, frozen: frozenset[str]) -> None:
        """Work out the next deadlines and deadbands; called at the start, and after a restore.

        Parameters
        ----------
        frozen
            See `LeadEngine.resume`.
        """
        rows: dict[str, list[int]] = {name: [] for name in self.legs}
        for row, monitor in enumerate(self.monitors):
            if monitor.pair.name not in frozen:
                rows[self._leg.instrument].append(row)
                rows[monitor.pair.other].append(row)
        for name, leg in self.legs.items():
            monitors = {row: self.monitors[row] for row in rows[name]}
            self._pairs_of[name] = LegPairs(leg, monitors, is_lead=leg is self._leg)
        self._clock.move_to(self.progress.watermark_ns, self.progress.next_close)
        active = self._pairs_of[self._leg.instrument].rows
        self._index.rest(set(range(len(self.monitors))).difference(active))
        self._faults.resume()
        self._after(active)

    def is_frozen(self, leg: Leg) -> bool:
        """Return whether all pairs that have a leg are frozen; the lead never is."""
        return leg is not self._leg and not self._pairs_of[leg.instrument].rows

    # -- ticks --------------------------------------------------------------------------------------------

    def deadband_of(self, leg: Leg) -> tuple[float, float]:
        """Return the prices of a leg between which nothing happens."""
        if leg is self._leg:
            return self.deadband_low, self.deadband_high
        low, high = jump_band(leg.last_price)
        rows = self._pairs_of[leg.instrument].rows
        if rows and not self.monitors[rows[0]].legs.is_other_live():
            # From its first tick after a close on, less of its move is unknown.
            return float("inf"), 0.0
        other = self._index.deadband_of_other(rows, self._leg.last_price.price)
        return max(low, other[0]), min(high, other[1])

    def due_of(self, leg: Leg) -> int:
        """Return the instant from which on any tick of a leg may decide something."""
        # Each quarter of an hour in which the other leg ticks, less of its move is unknown.
        return self.due_ns if leg is self._leg else min(self.due_ns, quarter_after(leg.last_price.ts_ns))

    def move(self, leg: Leg, price: float, ts_ns: int, feed: str) -> None:
        """Take a price that decides nothing."""
        leg.last_price.move(price, ts_ns, feed)
        self.progress.watermark_ns = max(self.progress.watermark_ns, ts_ns)
        if leg is self._leg:
            return
        rows = self._pairs_of[leg.instrument].rows
        # A tick older than the other leg's newest close is not its newest price, so the ratio stays.
        if rows and self.monitors[rows[0]].legs.is_other_live():
            self._index.move_other(rows, price)
            self._after()

    def on_tick(self, leg: Leg, price: float, ts_ns: int, feed: str) -> Effects:
        """Take a price that may decide something."""
        due = self.advance(ts_ns)
        if not accept(leg.last_price, price):
            leg.last_price.rejected_ts_ns = ts_ns
            return merge((due, self._faults.on_rejected_tick(leg)))
        self.move(leg, price, ts_ns, feed)
        rows = self._index.touched_by(price) if leg is self._leg else self._pairs_of[leg.instrument].rows
        at_ns = self.progress.watermark_ns
        parts = [due, *(self.monitors[row].prices.evaluate(at_ns) for row in rows)]
        self._after(rows)
        # A hold of no time at all is over at once.
        parts.append(self.advance(ts_ns))
        return merge(parts)

    def on_authority(self, leg: Leg, authority: FeedAuthority) -> Effects:
        """Use the ticks of a feed from now on, and of no other."""
        at_ns = self.progress.watermark_ns
        is_change = take_authority(leg.last_price, authority, event_time_ns=at_ns)
        self._after()
        begins_anew = authority.reason in BEGINS_ANEW
        ended = self._faults.end_feed_faults(leg) if begins_anew else NOTHING
        return merge((SHARED_CHANGED, ended)) if is_change else ended

    # -- bars ---------------------------------------------------------------------------------------------

    def wait_for(self, bars: Iterable[Bar]) -> Effects:
        """Use bars once their ``known_at`` has come, in an order that does not depend on their arrival."""
        lead, new = self._leg.instrument, [bar for bar in dict.fromkeys(bars) if bar not in self.waiting]
        if not new:
            return NOTHING
        self.waiting += new
        self.waiting.sort(
            key=lambda bar: (bar.known_at_ns, bar.instrument != lead, bar.session, bar.instrument)
        )
        self._after()
        return merge((SHARED_CHANGED, *(self._pairs_of[bar.instrument].dirty for bar in new)))

    def take_history(self, leg: Leg, bars: tuple[Bar, ...]) -> Effects:
        """Fill a leg's windows with bars of the past."""
        if not bars:
            return NOTHING
        pairs = self._pairs_of[leg.instrument]
        self._clock.move_to(self.progress.watermark_ns, self.progress.next_close)
        effects = pairs.take_history(bars, at_ns=self.progress.watermark_ns)
        self._after(pairs.rows)
        return effects

    def _use_bar(self, bar: Bar) -> Effects:
        """Use one new bar."""
        if self.is_frozen(self.legs[bar.instrument]):
            return NOTHING
        effects, touched = self._pairs_of[bar.instrument].take_bar(bar, at_ns=self.progress.watermark_ns)
        # A close of the lead that the other leg lacks touches no window, but live prices now decide nothing.
        self._after(
            self._pairs_of[bar.instrument].rows if bar.instrument == self._leg.instrument else touched
        )
        return effects

    # -- faults -------------------------------------------------------------------------------------------

    def on_feed_state(self, leg: Leg, state: FeedState) -> Effects:
        """Take a feed's state in."""
        at_ns, rows = self.progress.watermark_ns, self._pairs_of[leg.instrument].rows
        self._clock.move_to(at_ns, self.progress.next_close)
        parts: list[Effects] = []
        if state is FeedState.STALE:
            holding = sorted(self._index.holding().intersection(rows))
            parts += [self.monitors[row].prices.on_stale_feed(at_ns) for row in holding]
            self._after(holding)
        parts.append(self._faults.on_feed_state(leg, state))
        return merge(parts)

    def on_feed_fault(self, leg: Leg, fault: FeedFault) -> Effects:
        """Take in that a fault that the ingestor sees begins, still holds, or ends."""
        self._clock.move_to(self.progress.watermark_ns, self.progress.next_close)
        return self._faults.on_feed_fault(leg, fault)

    # -- event time ---------------------------------------------------------------------------------------

    def newest_tick_of_others_ns(self) -> int:
        """Return the event time of the newest tick of any other leg; 0 where there is none."""
        others = (leg.last_price.ts_ns for leg in self.legs.values() if leg is not self._leg)
        return max(others, default=0)

    def go_back(self, to_ns: int) -> Effects:
        """Take event time back to an instant, because it was too far; see `going_back`."""
        progress = self.progress
        progress.watermark_ns = to_ns
        progress.next_close = self._calendar.first_closing_at_or_after(to_ns)
        self._clock.go_back(to_ns, progress.next_close)
        for leg in self.legs.values():
            leg.last_price.go_back(to_ns)
        active = [name for name, leg in self.legs.items() if not self.is_frozen(leg)]
        since_ns = to_ns if progress.jump is None else progress.jump.from_ns
        legs = [self._pairs_of[name] for name in active]
        undone, waiting = undo_after(to_ns, legs, self._calendar, since_ns=since_ns)
        self._faults.resume()
        self._after(self._pairs_of[self._leg.instrument].rows)
        return merge((SHARED_CHANGED, suppress("event_time_went_back"), undone, self.wait_for(waiting)))

    def start_at(self, ts_ns: int) -> Effects:
        """Begin event time: find the next close after the first known instant, and report old faults."""
        if self.progress.next_close >= 0:
            return NOTHING
        self.progress.next_close = self._calendar.first_closing_at_or_after(ts_ns)
        self._clock.move_to(ts_ns, self.progress.next_close)
        self._faults.plan_after(ts_ns)
        parts: list[Effects] = []
        for name, leg in self.legs.items():
            if not self.is_frozen(leg):
                parts += (self._faults.start(leg, ts_ns), self._pairs_of[name].start(ts_ns))
        effects = merge(parts)
        self._after(self._pairs_of[self._leg.instrument].rows)
        return effects

    def advance(self, to_ns: int) -> Effects:
        """Do everything that is due by ``to_ns``, then move the watermark there."""
        parts: list[Effects] = []
        while (due_ns := self.due_ns) <= to_ns:
            is_step = self._step_ns() == due_ns
            self._clock.move_to(due_ns, self.progress.next_close)
            parts.append(self._step(due_ns) if is_step else self._do_next(due_ns))
        self.progress.watermark_ns = max(self.progress.watermark_ns, to_ns)
        self._clock.move_to(self.progress.watermark_ns, self.progress.next_close)
        return merge(parts)

    def _do_next(self, due_ns: int) -> Effects:
        if self.waiting and self.waiting[0].known_at_ns <= due_ns:
            effects = merge((SHARED_CHANGED, self._use_bar(self.waiting.pop(0))))
            self._after()
            return effects
        if self._sample_ns() == due_ns:
            return self._sample()
        if self._faults.due_ns == due_ns:
            return self._faults.on_due(due_ns)
        rows = self._index.due_at(due_ns)
        effects = merge([self.monitors[row].on_deadline(due_ns) for row in rows])
        self._after(rows)
        return effects

    def _step_ns(self) -> int:
        return self._clock.due_ns if self._index.has_near() else NEVER

    def _step(self, at_ns: int) -> Effects:
        """Take in that less of the session is to come, where that can bring a level to the price."""
        near = self._index.near()
        held = sorted(near & self._index.holding())
        effects = merge([self.monitors[row].prices.evaluate(at_ns) for row in held])
        self._after(sorted(near))
        return effects

    def _sample_ns(self) -> int:
        at_ns = sampled_at_ns(self._calendar, self.progress.next_close)
        return NEVER if at_ns is None else at_ns

    def _sample(self) -> Effects:
        """Sample the close of each leg that has ticks and is not listed: its last price becomes a bar."""
        close_ns = self._calendar.close_ns[self.progress.next_close]
        session = self._calendar.labels[self.progress.next_close]
        self.progress.next_close += 1
        self._clock.move_to(close_ns + 1, self.progress.next_close)
        parts = [SHARED_CHANGED]
        for leg in self.legs.values():
            if leg.is_listed or leg.last_price.price is None:
                # Its closes come as bars.
                continue
            bar = sample_close(leg, session=session, close_ns=close_ns)
            if bar is None:
                parts.append(suppress("close_sample_stale"))
                parts.append(self._faults.on_missing_bar(leg, Cause.NO_CLOSE_SAMPLE, session, close_ns))
            else:
                parts.append(Effects(sampled=(bar,)))
                parts.append(self._use_bar(bar))
        self._after(self._pairs_of[self._leg.instrument].rows)
        return merge(parts)

    def _after(self, rows: Iterable[int] = ()) -> None:
        """Update the deadline and the deadband that ticks are compared with, after any change.

        Parameters
        ----------
        rows
            The pairs whose deadband or deadline may have changed.
        """
        self._index.refresh(rows)
        self.due_ns = min(
            self._step_ns(),
            self._sample_ns(),
            self._faults.due_ns,
            self._index.due_ns(),
            self.waiting[0].known_at_ns if self.waiting else NEVER,
        )
        band, pairs = jump_band(self._leg.last_price), self._index.deadband()
        self.deadband_low, self.deadband_high = max(band[0], pairs[0]), min(band[1], pairs[1])
