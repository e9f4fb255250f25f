"""The lead's prices at which the next close would change a pair's divergences, the other leg unchanged.

The decision is that of ``divergence/on_close.py`` on the divergences as they stand. So a divergence in its
cooldown has an ``open`` price only where it is critical, one that no close has confirmed has a ``revised``
and a ``not_confirmed`` price, and while a leg's data are at fault nothing opens or escalates at any price.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from services.signals.core.divergence.comparison import Comparison
from services.signals.core.divergence.on_close import decide_on_comparison
from services.signals.core.divergence.rules import Rule
from services.signals.core.divergence.state import DivergenceState
from services.signals.core.kinds.regime_change import direction_of_change
from services.signals.core.triggers.nearest import nearest_ticks
from services.signals.core.triggers.next_close import Regions, Seen
from services.signals.core.triggers.price_grid import TICKS_PER_USD
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.kinds import DIRECTIONS
from shared.domain.snapshots import Trigger, TriggerAt

_Happening = tuple[int, int, tuple[Direction, Transition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the divergences of a pair stand before the next close.

    Parameters
    ----------
    divergence
        Returns the state of the divergence of a kind and direction.
    is_inhibited
        A leg's data are at fault.
    reported_regime
        The regime that was reported last; None before the first.
    close_ns
        The next close.
    """

    divergence: Callable[[Kind, Direction], DivergenceState]
    is_inhibited: bool
    reported_regime: str | None
    close_ns: int


def close_triggers(
    regions: Mapping[Kind, Regions],
    standing: Standing,
    rule_of: Mapping[Kind, Rule],
    *,
    present: float,
) -> tuple[Trigger, ...]:
    """Return the trigger prices of the next close.

    Parameters
    ----------
    regions
        What each kind would see at each price.
    present
        The lead's present price, USD.

    Returns
    -------
    tuple of Trigger
        At most two for each kind, direction and transition: the nearest price below the present one, and the
        nearest above.
    """
    return tuple(
        Trigger(
            kind=kind,
            direction=direction,
            transition=transition,
            lead_price=tick / TICKS_PER_USD,
            at=TriggerAt.CLOSE,
        )
        for kind, found in regions.items()
        for (direction, transition), tick in nearest_ticks(
            _happenings(kind, found, standing, rule_of[kind]), present * TICKS_PER_USD
        )
    )


def _happenings(kind: Kind, regions: Regions, standing: Standing, rule: Rule) -> Iterator[_Happening]:
    for index, direction in enumerate(DIRECTIONS[kind]):
        state = standing.divergence(kind, direction)
        decided: dict[Comparison | None, Transition | None] = {}
        for first, last, seen in regions:
            if kind is Kind.REGIME_CHANGE:
                transition = _of_regime(direction, seen, standing)
            elif (compared := seen.comparisons[index]) in decided:
                transition = decided[compared]
            else:
                transition = decided[compared] = _of_level(state, compared, standing, rule)
            if transition is not None:
                yield first, last, (direction, transition)


def _of_regime(direction: Direction, seen: Seen, standing: Standing) -> Transition | None:
    changed = direction_of_change(standing.reported_regime, seen.regime, is_rich=seen.is_rich)
    return Transition.OPEN if changed is direction and not standing.is_inhibited else None


def _of_level(
    state: DivergenceState, compared: Comparison | None, standing: Standing, rule: Rule
) -> Transition | None:
    return decide_on_comparison(
        state,
        compared,
        # The label and the instant name an opening; they do not decide about it.
        session="",
        at_ns=standing.close_ns,
        expected_until_ns=standing.close_ns,
        rule=rule,
        new_sessions=1,
        is_inhibited=standing.is_inhibited,
    ).transition
