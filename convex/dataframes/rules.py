"""The rules of a backtest as a person gives them: a file, a dictionary of its structure, or rules."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.rules_file import check_rules, load_rules
from shared.errors import InputError

Rules: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Rule | Sequence[Rule] | None"


def read_rules(given: Rules, *, pair: str) -> tuple[Rule, ...]:
    """Return the rules in force for a pair.

    Parameters
    ----------
    given
        A path to a TOML file, a dictionary of the same structure, one rule or several of different kinds;
        None for the default ones. Of rules that are given one by one, kinds without a rule are off.

    Raises
    ------
    ConfigError
        With table and field, as for a file; also for two rules of one kind, and for none.

    Examples
    --------
    >>> [rule.kind.value for rule in read_rules(Rule(warning=2.5), pair="gold-iwm")]
    ['ratio_stretch']
    """
    if given is None or isinstance(given, str | os.PathLike):
        return load_rules(None if given is None else Path(given), pair=pair)
    if isinstance(given, Mapping):
        return check_rules(given, path=Path("rules")).rules_of(pair)
    rules: list[Rule] = []
    for rule in given if isinstance(given, Sequence) else [given]:
        if not isinstance(rule, Rule):
            raise InputError(f"rules: must be a path, a dictionary or convex.Rule, was {type(rule).__name__}")
        rules.append(rule)
    kinds = [rule.kind for rule in rules]
    twice = [kind for number, kind in enumerate(kinds) if kind in kinds[:number]]
    if twice:
        raise InputError(f"rules: {twice[0]} has two rules; give one of each kind")
    if not rules:
        raise InputError("rules: is empty; give at least one rule, or None for the default ones")
    order = [rule.kind for rule in PUBLISHED_RULES]
    return tuple(sorted(rules, key=lambda rule: order.index(rule.kind)))
