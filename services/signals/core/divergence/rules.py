"""A rule as data: its thresholds, and its version, which is part of the identity of each divergence."""

import math
from dataclasses import dataclass
from typing import Final

from shared.domain.divergences import Kind
from shared.domain.identity import stable_hash
from shared.domain.kinds import KIND_TRAITS
from shared.errors import ConfigError

# A year, and four years of sessions. Longer values are typing errors, and would reach past the calendar.
_MOST: Final = {
    "hold_seconds": 31_536_000,
    "cooldown_sessions": 1_000,
    "stale_after_seconds": 31_536_000,
    "provisional_valid_seconds": 31_536_000,
    "confirmed_valid_seconds": 31_536_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When one kind of divergence opens, escalates, eases and closes.

    Parameters
    ----------
    warning, critical
        The statistic at or above which a divergence opens and escalates.
    leave
        The statistic at or below which it closes; ``leave < warning`` is the hysteresis. A critical one
        eases at or below ``warning``: each level ends at the threshold of the level below it.
    hold_seconds
        Event time for which a live statistic must hold a level; a close needs no hold. At most a year, like
        every duration here.
    cooldown_sessions
        Sessions after a close in which the same fingerprint does not open again, unless it is critical; at
        most 1,000.
    stale_after_seconds
        A hold does not count when the price is older than this at its end.
    provisional_valid_seconds, confirmed_valid_seconds
        ``not_after`` minus ``occurred_at``: how long an event may still be delivered.
    min_change
        Of a correlation break: the smallest change of the correlation that opens one, 0 to 2.
    probability
        Of a ratio stretch: how likely the next close must be at or beyond a level for a live price to hold
        it, 0.5 to 0.99.

    Raises
    ------
    ConfigError
        If the levels are not ascending or not finite, or a length of time is negative or too long.

    Examples
    --------
    >>> Rule(warning=2.0, critical=3.0, leave=2.5)
    Traceback (most recent call last):
        ...
    shared.errors.ConfigError: ratio_stretch: needs 0 <= leave < warning < critical, was 2.5, 2.0, 3.0
    """

    kind: Kind = Kind.RATIO_STRETCH
    warning: float = 2.0
    critical: float = 3.0
    leave: float = 1.0
    hold_seconds: int = 300
    cooldown_sessions: int = 5
    stale_after_seconds: int = 120
    provisional_valid_seconds: int = 4 * 3_600
    confirmed_valid_seconds: int = 72 * 3_600
    min_change: float = 0.0
    probability: float = 0.8

    def __post_init__(self) -> None:
        if not 0 <= self.leave < self.warning < self.critical:
            raise ConfigError(
                f"{self.kind}: needs 0 <= leave < warning < critical, was "
                f"{self.leave}, {self.warning}, {self.critical}"
            )
        if not math.isfinite(self.critical):
            raise ConfigError(f"{self.kind}: critical must be finite, was {self.critical}")
        if not 0 <= self.min_change <= 2:
            raise ConfigError(f"{self.kind}: min_change must lie between 0 and 2, was {self.min_change}")
        if not 0.5 <= self.probability <= 0.99:
            raise ConfigError(
                f"{self.kind}: probability must lie between 0.5 and 0.99, was {self.probability}"
            )
        for name, most in _MOST.items():
            value = getattr(self, name)
            if value < 0:
                raise ConfigError(f"{self.kind}: {name} must not be negative, was {value}")
            if value > most:
                raise ConfigError(f"{self.kind}: {name} must not exceed {most}, was {value}")

    @property
    def version(self) -> str:
        """Return a text computed from all parameters, so it changes whenever one of them does."""
        names = ("kind", *KIND_TRAITS[self.kind].rule_fields)
        parts = [f"{name}={getattr(self, name)!s}" for name in names]
        return f"{self.kind.value}-1-{stable_hash(*parts)[:8]}"

    @property
    def thresholds(self) -> dict[str, float]:
        """Return the levels that the statistic is compared with, as events show them."""
        shown = ("warning", "critical", "leave", "hold_seconds", "min_change", "probability")
        return {
            name: float(getattr(self, name)) for name in shown if name in KIND_TRAITS[self.kind].rule_fields
        }
