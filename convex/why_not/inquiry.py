"""Replay a lead's log up to an instant with the live engine, and note what each rule saw and decided then.

Records are applied as they are in the log. A record of ticks that goes past the instant is cut there, which
changes no event, and event time is moved to the instant by a status record, so that whatever was due by then
is done. The replay goes on for one session, to find alerts that opened soon after.
"""

from dataclasses import dataclass, replace

import numpy as np

from convex.why_not.asked_instant import AskedInstant
from convex.why_not.close_answers import close_answers
from convex.why_not.data_answers import data_answers
from convex.why_not.decisions import Decisions, Hold
from convex.why_not.gate import Answer
from convex.why_not.price_answers import price_answers
from services.signals.core.engine.engine import LeadEngine, Record
from services.signals.core.engine_config import EngineConfig
from services.signals.core.pairs.decision_context import context_of_fault
from services.signals.core.pairs.effects import NOTHING
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.divergences import DivergenceEvent, Kind, Leg, Transition
from shared.domain.instants import format_rfc3339
from shared.domain.pairs import Pair
from shared.domain.sessions import missing_bar_at_ns
from shared.domain.snapshots import Trigger, TriggerAt
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch, TradeBatch
from shared.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the rules of a pair saw and decided at an instant.

    Parameters
    ----------
    at_ns
        The instant; of a session, that at which its close was used, or by which it should have been.
    used_session
        The newest session that both legs had; empty before the first.
    sessions
        How many those are.
    is_missing
        The close of the session that was asked about had not come.
    legs
        The newest price of each leg, the lead first.
    newest_closes
        For each leg, the session of its newest close; empty without one.
    has_live_price
        The lead has a live price.
    holds
        Times near the instant for which the live price held a level.
    unused
        Input since the close before that was not used, by reason.
    near
        Events from a session before to a session after.
    next_close
        The lead's prices at which the next close would open something.
    """

    asked: AskedInstant
    pair: Pair
    at_ns: int
    used_session: str
    sessions: int
    is_missing: bool
    legs: tuple[Leg, ...]
    newest_closes: tuple[str, str]
    has_live_price: bool
    answers: tuple[Answer, ...]
    holds: tuple[Hold, ...]
    unused: dict[str, int]
    near: tuple[DivergenceEvent, ...]
    next_close: tuple[Trigger, ...]

    def only(self, kind: Kind | None) -> "Findings":
        """Return what is about one kind; everything for None."""
        if kind is None:
            return self
        return replace(
            self,
            answers=tuple(each for each in self.answers if each.kind is kind),
            holds=self.holds if kind is Kind.RATIO_STRETCH else (),
            near=tuple(each for each in self.near if each.kind is kind),
            next_close=tuple(each for each in self.next_close if each.kind is kind),
        )


class Inquiry:
    """The replay for one question.

    Parameters
    ----------
    asked
        What was asked.
    pair
        The pair.
    config
        The rules and the sessions; see `EngineConfig`.

    Attributes
    ----------
    near_ns
        From one session before to one session after: what is near the instant.
    """

    def __init__(self, asked: AskedInstant, pair: Pair, config: EngineConfig) -> None:
        self._asked, self._pair = asked, pair
        self.engine = LeadEngine(pair.lead, (pair,), config)
        self._monitor = self.engine.monitors[0]
        labels, close_ns = config.calendar.labels, config.calendar.close_ns
        close = (
            config.calendar.index_of(asked.session)
            if asked.session is not None
            else config.calendar.last_closed_before(asked.at_ns)
        )
        following = min(close + 1, len(labels) - 1)
        # A close that has not come by the next one was not used as that session's.
        self._until_ns = asked.at_ns if asked.session is None else close_ns[following]
        self._end_ns = max(missing_bar_at_ns(labels[following]), self._until_ns)
        self.near_ns = close_ns[max(0, close - 1)], self._end_ns
        self._decisions = Decisions(self._monitor, since_ns=self.near_ns[0])
        self._findings: Findings | None = None
        self._begun_ns = 0
        self._history_until = ""

    def take(self, record: Record) -> bool:
        """Apply the next record of the log; return whether everything that is asked is known."""
        if self._findings is None:
            before, record_after = _cut(record, self._until_ns, self.engine)
            if before is not None:
                self._apply(before)
            if record_after is None:
                return False
            if self._findings is None:
                self._arrive(self._until_ns)
            self._apply(record_after)
            # Before the first decision there is nothing to find, however far the log goes.
            return self._findings is None
        self._apply(record)
        return self.engine.progress.watermark_ns > self._end_ns

    def findings(self, log: str) -> Findings:
        """Return what was found, at the end of the log or once `take` has returned True.

        Parameters
        ----------
        log
            What was read, for an error.

        Raises
        ------
        ConfigError
            If the instant lies before or after what the log has.
        """
        if self._findings is None:
            self._end_of_log(log)
        assert self._findings is not None  # noqa: S101 - set, or refused above
        return self._with_what_followed(self._findings)

    # -- the replay ---------------------------------------------------------------------------------------

    def _apply(self, record: Record) -> None:
        if isinstance(record, BarBatch) and record.mode is BarsMode.HISTORY:
            self._history_until = max(self._history_until, record.bars[-1].session)
        effects = self.engine.apply(record)
        if not self._begun_ns:
            self._begun_ns = self.engine.progress.watermark_ns
        if effects is not NOTHING:
            self._decisions.take_effects(effects, at_ns=self.engine.progress.watermark_ns)
        if self._findings is None and self._asked.session in effects.committed:
            self._arrive(self.engine.progress.watermark_ns)

    def _arrive(self, at_ns: int) -> None:
        if not self._begun_ns or self._begun_ns > at_ns:
            return
        progress, last_price = self.engine.progress, self._monitor.legs.lead.last_price
        if progress.watermark_ns < at_ns:
            # As the feed's own next status record would, this does what is due by then.
            feed = last_price.authority.feed if last_price.authority is not None else last_price.feed
            status = FeedStatus(
                instrument=self._pair.lead,
                feed=feed or "replay",
                state=last_price.feed_state or FeedState.LIVE,
                watermark_ns=at_ns + progress.status_ahead_ns,
            )
            self._decisions.take_effects(self.engine.apply(status), at_ns=at_ns)
        self._findings = self._look(at_ns)

    def _look(self, at_ns: int) -> Findings:
        monitor, decisions = self._monitor, self._decisions
        legs = monitor.legs
        legs.clock.move_to(at_ns, legs.clock.ordinal)
        has_live_price = legs.lead.last_price.price is not None
        answers = [
            *close_answers(monitor, decisions),
            *(price_answers(monitor, decisions, at_ns) if has_live_price else ()),
            *data_answers(monitor, decisions, at_ns),
        ]
        return Findings(
            asked=self._asked,
            pair=self._pair,
            at_ns=at_ns,
            used_session=monitor.statistics.session,
            sessions=monitor.statistics.count,
            is_missing=self._asked.session is not None and not legs.has(self._asked.session),
            legs=context_of_fault(monitor.statistics, {}, at_ns=at_ns).legs,
            newest_closes=(legs.lead.history.newest_session or "", legs.other.history.newest_session or ""),
            has_live_price=has_live_price,
            answers=tuple(answers),
            holds=tuple(decisions.holds),
            unused=dict(decisions.unused),
            near=(),
            next_close=tuple(
                each
                for each in monitor.triggers.at(at_ns)
                if each.at is TriggerAt.CLOSE and each.transition is Transition.OPEN
            ),
        )

    def _with_what_followed(self, found: Findings) -> Findings:
        return replace(found, near=tuple(self._decisions.near))

    def _end_of_log(self, log: str) -> None:
        asked, reached_ns = self._asked, self.engine.progress.watermark_ns
        begin = format_rfc3339(self._begun_ns)
        if not reached_ns:
            raise ConfigError(f"{log}: holds nothing that moves event time, so no rule decided anything")
        if asked.at_ns < self._begun_ns:
            raise ConfigError(self._too_early(log, begin))
        if asked.at_ns <= reached_ns:
            # Of a session the log ends before the next close; an instant is the very last one.
            self._arrive(reached_ns)
            return
        raise ConfigError(
            f"TIME {asked.text!r}: lies after the data, which end at {format_rfc3339(reached_ns)} ({log})"
        )

    def _too_early(self, log: str, begin: str) -> str:
        history = (
            f"; sessions to {self._history_until} are history, which fills the windows and decides nothing"
            if self._history_until
            else ""
        )
        return f"TIME {self._asked.text!r}: lies before the first decision, at {begin} ({log}){history}"


def _cut(record: Record, at_ns: int, engine: LeadEngine) -> tuple[Record | None, Record | None]:
    """Return what of a record comes until an instant, and what of it comes after."""
    if isinstance(record, QuoteBatch | TradeBatch):
        if record.instrument not in engine.legs:
            return record, None
        later = np.flatnonzero(record.ts_event_ns > at_ns)
        if not len(later):
            return record, None
        first = int(later[0])
        return (record.rows(0, first) if first else None), record.rows(first)
    if isinstance(record, FeedStatus) and record.instrument == engine.lead:
        is_later = record.watermark_ns - engine.progress.status_ahead_ns > at_ns
        return (None, record) if is_later else (record, None)
    return record, None
