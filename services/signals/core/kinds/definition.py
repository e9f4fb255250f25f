"""What the engine must know about a kind of divergence. Each kind has one file in this folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, Values
from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.claim import Claim
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.hypothetical_close import HypotheticalClose
from services.signals.core.statistics.e_break import AgreementBand
from shared.domain.divergences import Direction

Observe = Callable[[Rule, Direction, Values], Observation | None]
Floats = NDArray[np.float64]
Window = Callable[[AlignedSessions], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSearch:
    """How to find the lead's prices at which a close would change a decision.

    Parameters
    ----------
    values
        Computes the confirmed statistics that ``observe`` needs, and no others, of the last session; given
        the pair's baseline.
    margins
        For closes of the lead of shape ``(n,)``: shape ``(m, n)``. A comparison with a level of the rule
        changes only where the sign of a row does, or where it becomes NaN.
    """

    values: Callable[[AlignedSessions, AgreementBand | None], Values]
    margins: Callable[[Rule, HypotheticalClose, Floats], Floats]


EVIDENCE: Final = ("e_break", "agreement_low", "agreement_high")
"""The evidence of a break, with the baseline that it is evidence against."""


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
    context
        Names of further confirmed statistics that events show after those.
    window
        Returns the numbers that these statistics are computed from, oldest first. Events carry their hash.
    correlation_size
        Returns in the window of the correlation that decides; None if no correlation does.
    claims
        By direction, what should follow an opening. A direction without a claim is not scored.
    opens_by_default
        Whether the kind opens divergences unless a rules file says otherwise. One that does not is context:
        its statistics are computed and shown all the same.
    price_search
        Of a kind that has trigger prices; None for a kind that the lead's close does not decide.
    """

    default_rule: Rule
    observe: Observe | None = None
    decided_by: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    window: Window = field(default=lambda _: np.empty(0))
    correlation_size: int | None = None
    claims: Mapping[Direction, Claim] = field(default_factory=dict)
    opens_by_default: bool = True
    price_search: PriceSearch | None = None


def log_ratios_before(aligned: AlignedSessions) -> NDArray[np.float64]:
    """Return the log ratios before the newest session, the z-score's window; shape ``(90,)`` or shorter."""
    return aligned.log_ratio[-RATIO_WINDOW - 1 : -1]


def no_margins(prices: Floats) -> Floats:
    """Return the margins of a statistic that is undefined at every price, shape ``(0, n)``."""
    return np.empty((0, prices.size))


def level_margins(statistic: Floats, rule: Rule) -> Floats:
    """Return a statistic less each level of a rule, in both directions, shape ``(4, n)``."""
    size = np.abs(statistic)
    # The leave level may be 0, where the size does not change its sign.
    leave = (statistic - rule.leave, statistic + rule.leave)
    return np.stack((*leave, size - rule.warning, size - rule.critical))


def returns_of(size: int) -> Window:
    """Return a function for the last log returns, the lead's then the other leg's: shape ``(2 * size,)``."""

    def window(aligned: AlignedSessions) -> NDArray[np.float64]:
        return np.concatenate((aligned.lead_returns[-size:], aligned.other_returns[-size:]))

    return window
