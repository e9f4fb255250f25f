"""A pair's trigger prices: what the regions of the next close are kept for, and until when they hold."""

from collections.abc import Mapping

from services.signals.core.engine_config import EngineConfig
from services.signals.core.legs.pair_legs import PairLegs
from services.signals.core.pairs.close_evaluator import CloseEvaluator
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.transition_log import TransitionLog
from services.signals.core.triggers.close_triggers import Standing, close_triggers
from services.signals.core.triggers.live_triggers import LivePrices, live_triggers
from services.signals.core.triggers.next_close import Regions, next_close_regions
from shared.domain.divergences import Kind
from shared.domain.sessions import LATEST_BAR_NS, bar_final_at_ns
from shared.domain.snapshots import Trigger

_Regions = Mapping[Kind, Regions]


class TriggerPrices:
    """The lead's prices at which the pair's divergences would change.

    The search of a close takes milliseconds, so it is made once a session, when a snapshot first asks for it,
    and never while a session commits.

    Parameters
    ----------
    statistics
        The pair's.
    transitions
        Its divergences.
    closes
        What decides at its closes.
    config
        See `EngineConfig`.
    """

    __slots__ = ("_closes", "_config", "_regions", "_statistics", "_transitions")

    def __init__(
        self,
        statistics: PairStatistics,
        transitions: TransitionLog,
        closes: CloseEvaluator,
        config: EngineConfig,
    ) -> None:
        self._statistics = statistics
        self._transitions = transitions
        self._closes = closes
        self._config = config
        # What they were computed from, and the regions.
        self._regions: tuple[object, _Regions] | None = None

    def at(self, watermark_ns: int) -> tuple[Trigger, ...]:
        """Return the trigger prices as of an instant, those of live prices first."""
        return self._live(watermark_ns) + self._of_next_close(watermark_ns)

    def _live(self, watermark_ns: int) -> tuple[Trigger, ...]:
        legs, rule = self._statistics.legs, self._config.rule_of.get(Kind.RATIO_STRETCH)
        ahead, newest = self._statistics.next_close(), legs.lead.history.newest()
        lead_price, other_price = legs.lead.last_price.price, legs.other_price()
        if rule is None or ahead is None or newest is None or lead_price is None or other_price is None:
            return ()
        prices = LivePrices(
            ahead=ahead,
            lead_price=lead_price,
            other_price=other_price,
            last_close=newest.close,
            at_ns=watermark_ns,
        )
        return live_triggers(
            prices, self._transitions.divergence, rule, is_inhibited=self._transitions.is_inhibited
        )

    def _of_next_close(self, watermark_ns: int) -> tuple[Trigger, ...]:
        legs = self._statistics.legs
        close_ns = _next_close_ns(legs, self._statistics.session, watermark_ns)
        newest = legs.lead.history.newest()
        if close_ns is None or newest is None:
            return ()
        live = legs.lead.last_price.price
        return close_triggers(
            self._next_close_regions(newest.close),
            Standing(
                divergence=self._transitions.divergence,
                is_inhibited=self._transitions.is_inhibited,
                reported_regime=self._closes.reported_regime,
                close_ns=close_ns,
            ),
            self._config.rule_of,
            present=newest.close if live is None else live,
        )

    def _next_close_regions(self, last_close: float) -> _Regions:
        legs = self._statistics.legs
        key = (self._statistics.commits, legs.other.history.newest_adj_close, last_close)
        if self._regions is None or self._regions[0] != key:
            following = legs.next_close()
            regions = (
                next_close_regions(
                    following,
                    rules=self._config.rules,
                    regime=self._statistics.regime,
                    band=self._statistics.band,
                    last_close=last_close,
                )
                if following is not None
                else {}
            )
            self._regions = key, regions
        return self._regions[1]


def _next_close_ns(legs: PairLegs, session: str, watermark_ns: int) -> int | None:
    """Return the close that the lead's price can still decide.

    None after the lead's close while the other leg's bar of that session is awaited: then the price of the
    pair's next close is known already.
    """
    newest, ordinal = legs.lead.history.newest_session, legs.calendar.first_closing_at_or_after(watermark_ns)
    if newest is None or not session or ordinal >= len(legs.calendar.labels):
        return None
    is_known = newest >= legs.calendar.labels[ordinal]
    is_awaited = newest > session and watermark_ns < bar_final_at_ns(newest) + LATEST_BAR_NS
    return None if is_known or is_awaited else legs.calendar.close_ns[ordinal]
