"""The lead's live prices at which a ratio stretch would open, escalate, ease or be taken back.

Between two steps of the session's clock each level of the rule is one price of the lead. It is computed, and
the prices of the grid beside it are decided by the code that decides live prices.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from services.signals.core.divergence.held_price import transitions_if_held
from services.signals.core.divergence.observation import sign_of
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.statistics.next_close import NextClose, margin_of
from services.signals.core.triggers.nearest import nearest_ticks
from services.signals.core.triggers.price_at_level import lead_price_at
from services.signals.core.triggers.price_grid import TICKS_PER_USD, search_range
from services.signals.core.triggers.price_regions import divide
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import DIRECTIONS
from shared.domain.snapshots import Trigger, TriggerAt

_Happening = tuple[int, int, tuple[Direction, Transition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePrices:
    """What live prices are decided by now.

    Parameters
    ----------
    ahead
        The distribution of the next close.
    lead_price, other_price
        The lead's present price, and the divisor of the live ratio, USD.
    last_close
        The lead's newest close, USD; prices within a quarter of it are tried.
    at_ns
        The present instant.
    """

    ahead: NextClose
    lead_price: float
    other_price: float
    last_close: float
    at_ns: int


def live_triggers(
    prices: LivePrices,
    divergence: Callable[[Kind, Direction], DivergenceState],
    rule: Rule,
    *,
    is_inhibited: bool,
) -> tuple[Trigger, ...]:
    """Return the trigger prices of the rule of ratio stretches.

    Parameters
    ----------
    divergence
        Returns the state of the divergence of a kind and direction.
    is_inhibited
        A leg's data are at fault: nothing opens or escalates.

    Returns
    -------
    tuple of Trigger
        At most two for each direction and transition, as for the next close. None where no live price
        changes what is expected of the next close.
    """
    bounds = search_range(prices.last_close)
    if bounds is None or prices.ahead.weight == 0.0:
        return ()
    happenings = [
        each
        for direction in DIRECTIONS[rule.kind]
        for each in _happenings(
            prices, divergence(rule.kind, direction), rule, direction, bounds, is_inhibited=is_inhibited
        )
    ]
    return tuple(
        Trigger(
            kind=rule.kind,
            direction=direction,
            transition=transition,
            lead_price=tick / TICKS_PER_USD,
            at=TriggerAt.LIVE,
        )
        for (direction, transition), tick in nearest_ticks(happenings, prices.lead_price * TICKS_PER_USD)
    )


def _happenings(
    prices: LivePrices,
    state: DivergenceState,
    rule: Rule,
    direction: Direction,
    bounds: tuple[int, int],
    *,
    is_inhibited: bool,
) -> Iterator[_Happening]:
    sign, margin = sign_of(direction), margin_of(rule.probability)
    decided: dict[tuple[bool, ...], tuple[Transition, ...]] = {}

    def look(tick: int) -> tuple[Transition, ...]:
        ratio = float(np.log(tick / TICKS_PER_USD / prices.other_price))
        x = prices.ahead.likely(ratio, sign=sign, margin=margin)
        # All that the tables of live prices compare.
        seen = (x <= rule.leave, x < rule.warning, x <= rule.warning, x < rule.critical)
        if seen not in decided:
            decided[seen] = transitions_if_held(
                state, x, at_ns=prices.at_ns, rule=rule, is_inhibited=is_inhibited
            )
        return decided[seen]

    for first, last, transitions in divide(*bounds, _changes(prices, rule, sign, margin, bounds), look):
        for transition in transitions:
            yield first, last, (direction, transition)


def _changes(
    prices: LivePrices, rule: Rule, sign: float, margin: float, bounds: tuple[int, int]
) -> list[int]:
    found = (
        lead_price_at(level, prices.ahead, sign=sign, margin=margin, other_price=prices.other_price)
        for level in (rule.leave, rule.warning, rule.critical)
    )
    ticks = {math.floor(price * TICKS_PER_USD) for price in found if price is not None}
    first, last = bounds
    return sorted(tick for tick in ticks if first <= tick < last)
