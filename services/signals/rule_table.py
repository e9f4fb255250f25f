"""One kind's table of the rules file: what it says, checked, and the rule that it makes.

A table gives the levels of its kind, or a budget: how many false alarms a year it may raise
(``false_alarms_per_year``). ``convex calibrate`` finds the levels of a budget and writes them beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter, ValidationError

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import CONTEXT_KINDS
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS
from shared.errors import ConfigError

BUDGET: Final = "false_alarms_per_year"
LEVELS: Final = ("warning", "critical", "leave")
# Once in a hundred years is more than any history can show; above the other end every week is a false alarm.
_LEAST_BUDGET, _MOST_BUDGET = 0.01, 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTable:
    """What a rules file says of one kind.

    Parameters
    ----------
    kind
        The kind.
    name
        Of the table in the file, such as ``[ratio_stretch]`` or ``[pairs.gold-iwm.ratio_stretch]``.
    is_enabled
        None where the table does not say.
    budget
        False alarms in 252 sessions; None where the levels are given without one.
    fields
        The fields of the rule that the table gives.
    """

    kind: Kind
    name: str
    is_enabled: bool | None
    budget: float | None
    fields: Mapping[str, Any]

    @property
    def has_levels(self) -> bool:
        """Whether the table gives any level."""
        return any(level in self.fields for level in LEVELS)

    @property
    def needs_levels(self) -> bool:
        """Whether the table gives a budget whose levels have not been found yet."""
        return self.budget is not None and not self.has_levels

    def over(self, general: "RuleTable | None") -> "RuleTable":
        """Return this table of one pair laid over that of all pairs.

        A budget of the pair's own replaces the levels of all pairs, and levels of its own their budget.
        """
        if general is None:
            return self
        fields = dict(general.fields)
        if self.budget is not None:
            fields = {name: value for name, value in fields.items() if name not in LEVELS}
        is_own = self.budget is not None or self.has_levels
        return replace(
            self,
            name=self.name if is_own else general.name,
            is_enabled=general.is_enabled if self.is_enabled is None else self.is_enabled,
            budget=self.budget if is_own else general.budget,
            fields=fields | dict(self.fields),
        )

    def rule(self, published: Rule) -> Rule:
        """Return the rule; what the table leaves out is as published.

        Raises
        ------
        ConfigError
            With kind and field, if the levels are out of order or a field is out of its range.
        """
        return replace(published, **self.fields)


def read_rule_table(kind: Kind, content: object, *, name: str) -> RuleTable:
    """Return one table of the file.

    Parameters
    ----------
    name
        How errors name it.

    Raises
    ------
    ConfigError
        With table and field: no table, an unknown field, a value of another type (``true`` is no level and
        ``"2"`` no number), a budget out of range or beside some of the levels only.
    """
    if not isinstance(content, dict):
        raise ConfigError(f"{name.strip('[]')} must be a table, {name}, was {content!r}")
    given = dict(content)
    is_enabled = given.pop("enabled", None)
    if is_enabled is not None and not isinstance(is_enabled, bool):
        raise ConfigError(f"{name} enabled: must be true or false, was {is_enabled!r}")
    fields = KIND_TRAITS[kind].rule_fields
    own = (BUDGET,) if "warning" in fields else ()
    unknown = set(given) - {*own, *fields}
    if unknown:
        known = ", ".join(("enabled", *fields, *own))
        raise ConfigError(f"{name} {min(unknown)}: is no field of this rule; known are {known}")
    budget = _number(float, name, BUDGET, given.pop(BUDGET)) if BUDGET in given else None
    types = get_type_hints(Rule)
    table = RuleTable(
        kind=kind,
        name=name,
        is_enabled=is_enabled,
        budget=budget,
        fields={field: _number(types[field], name, field, value) for field, value in given.items()},
    )
    if budget is not None:
        if not _LEAST_BUDGET <= budget <= _MOST_BUDGET:
            raise ConfigError(
                f"{name} {BUDGET}: must lie between {_LEAST_BUDGET:g} and {_MOST_BUDGET:g}, was {budget:g}"
            )
        missing = [level for level in LEVELS if level not in table.fields]
        if table.has_levels and missing:
            raise ConfigError(
                f"{name} {missing[0]}: is missing; beside {BUDGET} give all of {', '.join(LEVELS)}, or none"
            )
    return table


def is_on(table: RuleTable | None, kind: Kind) -> bool:
    """Return whether a kind opens divergences: by default unless it is context, and with a table in any case.

    Examples
    --------
    >>> kind = Kind.REGIME_CHANGE
    >>> is_on(None, kind), is_on(read_rule_table(kind, {}, name="[regime_change]"), kind)
    (False, True)
    """
    return kind not in CONTEXT_KINDS if table is None else table.is_enabled is not False


def _number(of_type: Any, table: str, field: str, value: object) -> Any:
    """Return a value as its field's type, strictly."""
    try:
        return TypeAdapter(of_type).validate_python(value, strict=True)
    except ValidationError as error:
        raise ConfigError(f"{table} {field}: {error.errors()[0]['msg']}") from error
