"""What would be reported of a divergence if the live price moved to a level now and stayed there."""

from collections.abc import Iterator

from services.signals.core.divergence.on_price import (
    decide_on_hold_end,
    decide_on_price,
    hold_ends_at_ns,
)
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from shared.domain.divergences import Transition


def transitions_if_held(
    state: DivergenceState, x: float, *, at_ns: int, rule: Rule, is_inhibited: bool
) -> tuple[Transition, ...]:
    """Return the transitions by the tables of `on_price`, until nothing more happens at this price.

    Parameters
    ----------
    x
        The likely statistic at that price, signed.
    at_ns
        When the price comes. It is repeated often enough that no hold ends with a stale price.
    is_inhibited
        A leg's data are at fault, and stay so.

    Examples
    --------
    >>> [each.value for each in transitions_if_held(
    ...     DivergenceState(), 2.5, at_ns=0, rule=Rule(), is_inhibited=False)]
    ['open']
    >>> transitions_if_held(DivergenceState(), 2.5, at_ns=0, rule=Rule(), is_inhibited=True)
    ()
    """
    return tuple(_transitions(state, x, at_ns, rule, is_inhibited))


def _transitions(
    state: DivergenceState, x: float, at_ns: int, rule: Rule, is_inhibited: bool
) -> Iterator[Transition]:
    decision = decide_on_price(state, x, at_ns=at_ns, rule=rule)
    if decision.transition is not None:
        yield decision.transition
    # A hold of the warning level may end before one of the critical level. Each ends once.
    while (end_ns := hold_ends_at_ns(decision.state, rule)) is not None:
        decision = decide_on_hold_end(
            decision.state, at_ns=end_ns, price_ts_ns=end_ns, rule=rule, is_inhibited=is_inhibited
        )
        if decision.transition is not None:
            yield decision.transition
