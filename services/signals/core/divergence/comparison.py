"""How an observation at a close compares with the levels of its rule: a decision by a close reads no more."""

from typing import NamedTuple

from services.signals.core.divergence.observation import Observation
from services.signals.core.divergence.rules import Rule


class Comparison(NamedTuple):
    """An observation, compared with each level. Two observations with equal comparisons are decided alike.

    Parameters
    ----------
    can_open
        Whether the kind's other conditions for an opening or an escalation hold.
    at_warning, at_critical
        ``x`` is at or above the level.
    above_warning
        ``x`` is above the warning level, so that a critical divergence does not ease.
    above_leave
        ``leave_value`` is above the leave level, so that an open divergence does not close.
    """

    can_open: bool
    at_warning: bool
    above_warning: bool
    at_critical: bool
    above_leave: bool

    @property
    def opens(self) -> bool:
        """Return whether it opens a divergence if nothing holds that back."""
        return self.at_warning and self.can_open

    @property
    def escalates(self) -> bool:
        """Return whether it escalates an open divergence if nothing holds that back."""
        return self.at_critical and self.can_open


def compare(observation: Observation, rule: Rule) -> Comparison:
    """Compare an observation with the levels of its rule.

    Examples
    --------
    >>> seen = compare(Observation(x=2.0, leave_value=2.0), Rule(warning=2.0, critical=3.0, leave=1.0))
    >>> seen.opens, seen.above_warning, seen.escalates
    (True, False, False)
    """
    x = observation.x
    return Comparison(
        can_open=observation.can_open,
        at_warning=x >= rule.warning,
        above_warning=x > rule.warning,
        at_critical=x >= rule.critical,
        above_leave=observation.leave_value > rule.leave,
    )
