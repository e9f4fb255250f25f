"""What the engine must know about a kind of divergence. Each kind has one file in this folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, Values
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.legs.aligned import AlignedSessions
from shared.domain.divergences import Direction

Observe = Callable[[Rule, Direction, Values], Observation | None]
Window = Callable[[AlignedSessions], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDefinition:
    """A kind of divergence.

    Parameters
    ----------
    default_rule
        The rule as the documentation states it.
    observe
        Returns the values that the rule is compared with at a close, for one direction; None for a kind that
        does not open by the level of a statistic.
    decided_by
        Names of the confirmed statistics that decide; events show them first.
    window
        Returns the numbers that these statistics are computed from, oldest first. Events carry their hash.
    correlation_size
        Returns in the window of the correlation that decides; None if no correlation does.
    claims
        By direction, what should follow an opening. A direction without a claim is not scored.
    opens_by_default
        Whether the kind opens divergences unless a rules file says otherwise. One that does not is context:
        its statistics are computed and shown all the same.
    """

    default_rule: Rule
    observe: Observe | None = None
    decided_by: tuple[str, ...] = ()
    window: Window = field(default=lambda _: np.empty(0))
    correlation_size: int | None = None
    claims: Mapping[Direction, Claim] = field(default_factory=dict)
    opens_by_default: bool = True


def log_ratios_before(aligned: AlignedSessions) -> NDArray[np.float64]:
    """Return the log ratios before the newest session, the z-score's window; shape ``(90,)`` or shorter."""
    return aligned.log_ratio[-RATIO_WINDOW - 1 : -1]


def returns_of(size: int) -> Window:
    """Return a function for the last log returns, the lead's then the other leg's: shape ``(2 * size,)``."""

    def window(aligned: AlignedSessions) -> NDArray[np.float64]:
        return np.concatenate((aligned.lead_returns[-size:], aligned.other_returns[-size:]))

    return window
