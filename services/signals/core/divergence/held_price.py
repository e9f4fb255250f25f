"""What would be reported of a divergence if the live price moved to a level now and stayed there."""

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
    found: list[Transition] = []
    # A hold of the warning level may end before one of the critical level; then no hold is left.
    for _ in range(3):
        decision = decide_on_price(state, x, at_ns=at_ns, rule=rule)
        found += [decision.transition] if decision.transition is not None else []
        end_ns = hold_ends_at_ns(decision.state, rule)
        if end_ns is None:
            break
        at_ns = max(at_ns, end_ns)
        decision = decide_on_hold_end(
            decision.state, at_ns=end_ns, price_ts_ns=end_ns, rule=rule, is_inhibited=is_inhibited
        )
        found += [decision.transition] if decision.transition is not None else []
        if decision.transition is None and is_inhibited:
            # The hold begins again with the next price, and ends in the same way.
            break
        state = decision.state
    return tuple(found)
