"""The grid of levels that are compared for one kind, and which kinds have levels to choose."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from convex.calibrate.observations import LEVEL_KINDS
from convex.calibrate.rule_openings import can_count
from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import KINDS
from services.signals.rules_file import RulesFile
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from shared.errors import ConfigError

_OF_Z: Final = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5)
WARNINGS: Final[Mapping[Kind, tuple[float, ...]]] = {
    Kind.RATIO_STRETCH: _OF_Z,
    Kind.OPPOSITE_MOVES: _OF_Z,
    # Fisher's z: 10 %, 5 %, 2 %, 1 %, 0.5 % and less, if the correlations were those of independent samples.
    Kind.CORRELATION_BREAK: (1.28, 1.64, 1.96, 2.33, 2.58, 2.81, 3.09, 3.5, 4.0),
    Kind.HEDGE_LOST: (0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    # With a lower warning the leave level would lie below what the evidence nearly always is.
    Kind.EVIDENCE_BREAK: (80.0, 120.0, 160.0, 200.0, 252.0, 350.0, 500.0, 750.0, 1_000.0),
}
"""Warning levels, ascending. The published one is among them. They are fixed: no data decide about them."""

MOST_LEVELS: Final = 40
"""More would differ by less than any history can show."""


def check_kind(name: str, pair: Pair) -> Kind:
    """Return the kind of a name, if there is a level to choose for it.

    Raises
    ------
    ConfigError
        If it is no kind, has no levels in the rules, or needs a baseline that the pair does not state.
    """
    known = ", ".join(LEVEL_KINDS)
    if name not in list(Kind):
        raise ConfigError(f"--kind {name}: is no kind of divergence; give one of {known}")
    kind = Kind(name)
    if kind is Kind.DATA_FAULT:
        raise ConfigError(
            f"--kind {kind}: is about the data, so neither chance nor a hit can be counted; "
            f"give one of {known}"
        )
    if kind not in LEVEL_KINDS:
        raise ConfigError(f"--kind {kind}: has no levels in the rules to choose; give one of {known}")
    if not can_count(kind, pair):
        raise ConfigError(
            f"--kind {kind}: pair {pair.name} states no baseline (agreement_low, agreement_high) to test; "
            "add one to the pair, or give another kind"
        )
    return kind


def parse_levels(text: str) -> tuple[float, ...]:
    """Return the warning levels of an option such as ``1.5,2,2.5``, ascending.

    Raises
    ------
    ConfigError
        If one is no positive number, or there are fewer than 2 or more than `MOST_LEVELS`.

    Examples
    --------
    >>> parse_levels("2.5, 2,2")
    (2.0, 2.5)
    """
    levels: set[float] = set()
    for each in text.split(","):
        try:
            level = float(each)
        except ValueError as error:
            raise ConfigError(f"--levels {text}: {each.strip()!r} is no number; give 1.5,2,2.5") from error
        if not 0.0 < level < float("inf"):
            raise ConfigError(f"--levels {text}: {each.strip()} must be positive and finite")
        levels.add(level)
    if not 2 <= len(levels) <= MOST_LEVELS:
        raise ConfigError(f"--levels {text}: needs 2 to {MOST_LEVELS} different levels, was {len(levels)}")
    return tuple(sorted(levels))


def varied_rule(file: RulesFile, kind: Kind, pair: str) -> Rule:
    """Return the rule whose levels are varied: that of a rules file, or the published one without a file.

    Raises
    ------
    ConfigError
        If the file switches the kind off, or is wrong.
    """
    if file.path is None:
        return published_rule(kind)
    # Levels that a budget lacks are those that are looked for, or of another kind.
    for rule in file.rules_of(pair, without_levels=list(Kind)):
        if rule.kind is kind:
            return rule
    raise ConfigError(f"{file.path}: [{kind}] is switched off; enable it, or leave --rules out")


def rules_of_grid(rule: Rule, warnings: Iterable[float] | None = None) -> tuple[Rule, ...]:
    """Return one rule for each warning level; critical and leave keep their proportion to it.

    Parameters
    ----------
    rule
        Whose proportions, cooldown and further conditions apply.
    warnings
        Ascending; by default those of `WARNINGS`.

    Examples
    --------
    >>> [(each.warning, each.critical, each.leave) for each in rules_of_grid(Rule(), (1.0, 2.0))]
    [(1.0, 1.5, 0.5), (2.0, 3.0, 1.0)]
    """
    levels = WARNINGS[rule.kind] if warnings is None else tuple(warnings)
    return tuple(_with_warning(rule, warning) for warning in levels)


def _with_warning(rule: Rule, warning: float) -> Rule:
    if warning == rule.warning:
        return rule
    factor = warning / rule.warning
    return replace(
        rule, warning=warning, critical=_rounded(rule.critical * factor), leave=_rounded(rule.leave * factor)
    )


def _rounded(level: float) -> float:
    """Return a level with as many digits as anyone would write into a rules file."""
    return float(f"{level:.6g}")


def published_rule(kind: Kind) -> Rule:
    """Return the rule of a kind as the documentation states it."""
    return KINDS[kind].default_rule
