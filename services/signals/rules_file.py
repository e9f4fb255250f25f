"""Read a rule's thresholds from a TOML file."""

import tomllib
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from services.signals.core.rules import Rule
from shared.domain.divergences import Kind
from shared.errors import ConfigError


def load_rule(path: Path | None) -> Rule:
    """Return the rule of a file, the published one without a file.

    The file has one table for each kind, such as ``[ratio_stretch]`` with ``warning = 2.0``; what it leaves
    out keeps its default.

    Raises
    ------
    ConfigError
        With file, table and field: not TOML, an unknown table or field, a value that is not a number of the
        field's type (text and booleans are none), levels out of order, a length of time out of range.
    """
    if path is None:
        return Rule()
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error
    kinds = [kind.value for kind in Kind]
    for name, table in tables.items():
        if name not in kinds or not isinstance(table, dict):
            raise ConfigError(f"{path}: [{name}] is no kind of divergence; known are {', '.join(kinds)}")
        unknown = set(table) - (set(Rule.__slots__) - {"kind"})
        if unknown:
            raise ConfigError(f"{path}: [{name}] {min(unknown)}: is no field of a rule")
    name = Kind.RATIO_STRETCH.value
    values = {field: _number(path, name, field, value) for field, value in tables.get(name, {}).items()}
    try:
        return Rule(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _number(path: Path, table: str, field: str, value: object) -> Any:
    """Return a value as its field's type; strictly, for ``true`` is no level and ``"2"`` no number."""
    try:
        return TypeAdapter(get_type_hints(Rule)[field]).validate_python(value, strict=True)
    except ValidationError as error:
        raise ConfigError(f"{path}: [{table}] {field}: {error.errors()[0]['msg']}") from error
