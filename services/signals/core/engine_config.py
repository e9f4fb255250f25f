"""What the pairs of every lead are decided with: rules and sessions, and what all events have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.signals.core.divergence.rules import Rule
from services.signals.core.false_alarms import FalseAlarms
from shared.domain.divergences import Kind
from shared.domain.sessions import SessionCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """The settings of an engine.

    Parameters
    ----------
    rules
        When a kind opens and closes; a kind without a rule is not evaluated.
    rules_of_pair
        By pair name, the rules of pairs that have their own instead.
    calendar
        XNYS sessions.
    code_version
        Stands in the evidence of each event.
    false_alarms
        How often chance alone opens a rule, by pair and rule version.

    Attributes
    ----------
    rule_of, rule_versions
        The rules, and what changes with any of their parameters, by kind.
    """

    rules: tuple[Rule, ...]
    rules_of_pair: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    calendar: SessionCalendar
    code_version: str
    false_alarms: Mapping[tuple[str, str], FalseAlarms] = field(default_factory=dict)
    rule_of: Mapping[Kind, Rule] = field(init=False, repr=False, compare=False)
    rule_versions: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _of_pair: Mapping[str, "EngineConfig"] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once for all pairs: thousands of them share it, and a version is a hash of all of a rule.
        object.__setattr__(self, "rule_of", {rule.kind: rule for rule in self.rules})
        versions = {rule.kind.value: rule.version for rule in self.rules}
        object.__setattr__(self, "rule_versions", versions)
        # Pairs with equal rules share one configuration, and those without rules of their own share this.
        own = {rules: replace(self, rules=rules, rules_of_pair={}) for rules in self.rules_of_pair.values()}
        of_pair = {pair: own[rules] for pair, rules in self.rules_of_pair.items()}
        object.__setattr__(self, "_of_pair", of_pair)

    def version_of(self, rule: Rule) -> str:
        """Return a rule's version, without computing the hash again for a rule in force."""
        return self.rule_versions.get(rule.kind.value) or rule.version

    def of_pair(self, pair: str) -> "EngineConfig":
        """Return the settings of one pair: its own rules where it has any."""
        return self._of_pair.get(pair, self)
