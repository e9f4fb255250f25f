"""Read the rules from a TOML file: a table for each kind of divergence."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from services.signals.core.divergence.rules import Rule
from services.signals.core.kinds.registry import CONTEXT_KINDS, DEFAULT_RULES, PUBLISHED_RULES
from shared.domain.divergences import Kind
from shared.domain.kinds import KIND_TRAITS
from shared.errors import ConfigError


def load_rules(path: Path | None) -> tuple[Rule, ...]:
    """Return the rules of a file, the default ones without a file.

    The file has one table for each kind, such as ``[ratio_stretch]`` with ``warning = 2.0``; what it leaves
    out keeps its published value, and ``enabled = false`` silences the kind. A kind that does not open by
    default does so once the file has a table for it.

    Raises
    ------
    ConfigError
        With file, table and field: not TOML, an unknown table or field, a value that is not a number of the
        field's type (text and booleans are none), levels out of order, a length of time out of range, no kind
        left.
    """
    if path is None:
        return DEFAULT_RULES
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: must be UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error
    kinds = [kind.value for kind in Kind]
    for name, table in tables.items():
        if name not in kinds:
            raise ConfigError(f"{path}: [{name}] is no kind of divergence; known are {', '.join(kinds)}")
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name} must be a table, [{name}], was {table!r}")
    rules = tuple(
        rule
        for published in PUBLISHED_RULES
        if (rule := _rule(path, published, tables.get(published.kind.value))) is not None
    )
    if not rules:
        raise ConfigError(f"{path}: every kind is switched off; leave at least one enabled")
    return rules


def _rule(path: Path, published: Rule, table: dict[str, Any] | None) -> Rule | None:
    if table is None:
        return None if published.kind in CONTEXT_KINDS else published
    name, given = published.kind.value, dict(table)
    is_enabled = given.pop("enabled", True)
    if not isinstance(is_enabled, bool):
        raise ConfigError(f"{path}: [{name}] enabled: must be true or false, was {is_enabled!r}")
    unknown = set(given) - set(KIND_TRAITS[published.kind].rule_fields)
    if unknown:
        known = ", ".join(("enabled", *KIND_TRAITS[published.kind].rule_fields))
        raise ConfigError(f"{path}: [{name}] {min(unknown)}: is no field of this rule; known are {known}")
    values = {field: _number(path, name, field, value) for field, value in given.items()}
    try:
        rule = replace(published, **values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return rule if is_enabled else None


def _number(path: Path, table: str, field: str, value: object) -> Any:
    """Return a value as its field's type; strictly, for ``true`` is no level and ``"2"`` no number."""
    try:
        return TypeAdapter(get_type_hints(Rule)[field]).validate_python(value, strict=True)
    except ValidationError as error:
        raise ConfigError(f"{path}: [{table}] {field}: {error.errors()[0]['msg']}") from error
