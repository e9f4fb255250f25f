"""The rules in force for each pair: general ones, and those of pairs whose levels are their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.signals.core.divergence.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesByPair:
    """Rules by the name of the pair.

    Parameters
    ----------
    general
        Of every pair that has none of its own, at most one of each kind.
    of_pair
        By pair name. Pairs with equal rules share one tuple, for there are thousands of pairs.

    Examples
    --------
    >>> rules = RulesByPair(general=(Rule(),), of_pair={"gold-tlt": (Rule(warning=2.5),)})
    >>> [rules.of(pair)[0].warning for pair in ("gold-iwm", "gold-tlt")]
    [2.0, 2.5]
    """

    general: tuple[Rule, ...]
    of_pair: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def of(self, pair: str) -> tuple[Rule, ...]:
        """Return the rules of one pair."""
        return self.of_pair.get(pair, self.general)

    @property
    def every(self) -> tuple[Rule, ...]:
        """All rules, each once: the general ones first."""
        return tuple(dict.fromkeys((*self.general, *(rule for own in self.of_pair.values() for rule in own))))
