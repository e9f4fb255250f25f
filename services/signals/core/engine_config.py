"""What the pairs of every lead are decided with: rules and sessions, and what all events have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    calendar: SessionCalendar
    code_version: str
    false_alarms: Mapping[tuple[str, str], FalseAlarms] = field(default_factory=dict)
    rule_of: Mapping[Kind, Rule] = field(init=False, repr=False, compare=False)
    rule_versions: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once for all pairs: thousands of them share it, and a version is a hash of all of a rule.
        object.__setattr__(self, "rule_of", {rule.kind: rule for rule in self.rules})
        versions = {rule.kind.value: rule.version for rule in self.rules}
        object.__setattr__(self, "rule_versions", versions)
