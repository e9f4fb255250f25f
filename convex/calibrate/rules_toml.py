"""Write a rules file again, with the levels that were found for the budgets of one pair."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from convex.calibrate.budget_study import CalibratedRule
from services.signals.rule_table import BUDGET, LEVELS, RuleTable
from services.signals.rules_file import PAIRS, RulesFile
from shared.domain.divergences import Kind

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_HEAD: Final = (
    "# The levels beside a false_alarms_per_year were found by convex calibrate.\n"
    "# Run it again after changing a budget: until then the levels of the old one are used.\n"
)


def calibrated_rules_bytes(file: RulesFile, pair: str, found: Iterable[CalibratedRule]) -> bytes:
    """Return the whole rules file: its tables as they were, and the levels in tables of the pair.

    The budget stays beside the levels, so that they can be found again from a longer history. What other
    pairs have stays as it is: levels differ by pair. Comments of the file are lost.

    Parameters
    ----------
    file
        With the budgets.
    pair
        Whose levels were found.
    found
        At most one of each kind.
    """
    return rules_file_bytes(file, pair, {each.rule.kind: _levels(each) for each in found}, head=_HEAD)


def rules_file_bytes(
    file: RulesFile, pair: str, levels: Mapping[Kind, Mapping[str, str]], *, head: str
) -> bytes:
    """Return the whole rules file with other levels of one pair.

    Parameters
    ----------
    file
        Its tables stay as they are, but for budgets and levels of the pair's kinds that get other ones.
    pair
        Whose levels these are.
    levels
        By kind: the fields of its table with their values in TOML, laid over the pair's other fields.
    head
        Comment lines at the beginning.
    """
    parts = [head, *(_table(f"[{kind}]", _settings(table)) for kind, table in file.general.items())]
    for name in dict.fromkeys((*file.of_pair, pair)):
        own: Mapping[Kind, RuleTable] = file.of_pair.get(name, {})
        for kind in Kind:
            found = levels.get(kind) if name == pair else None
            table = own.get(kind)
            if table is None and found is None:
                continue
            settings = {} if table is None else _settings(table)
            if found is not None:
                settings = {field: text for field, text in settings.items() if field not in (BUDGET, *LEVELS)}
                settings |= found
            parts.append(_table(f"[{PAIRS}.{_key(name)}.{kind}]", settings))
    return "\n".join(parts).encode()


def _levels(found: CalibratedRule) -> dict[str, str]:
    figure, rule = found.figure, found.rule
    low, high = (
        "no level" if level is None else f"{level:g}" for level in (figure.warning_low, figure.warning_high)
    )
    return {
        BUDGET: f"{_value(figure.budget)}  # from {figure.first_session} to {figure.last_session}",
        "warning": f"{_value(rule.warning)}  # 95 %: {low} to {high}",
        "critical": _value(rule.critical),
        "leave": _value(rule.leave),
    }


def _settings(table: RuleTable) -> dict[str, str]:
    given = {"enabled": table.is_enabled, BUDGET: table.budget, **table.fields}
    return {field: _value(value) for field, value in given.items() if value is not None}


def _table(name: str, settings: Mapping[str, str]) -> str:
    return f"{name}\n" + "".join(f"{field} = {text}\n" for field, text in settings.items())


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)
