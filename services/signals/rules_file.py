"""Read a rule's thresholds from a TOML file."""

import tomllib
from pathlib import Path
from typing import Any

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
        With file, table and field: not TOML, an unknown table or field, a level that is no number, levels out
        of order.
    """
    if path is None:
        return Rule()
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    kinds = [kind.value for kind in Kind]
    for name, table in tables.items():
        if name not in kinds or not isinstance(table, dict):
            raise ConfigError(f"{path}: [{name}] is no kind of divergence; known are {', '.join(kinds)}")
        unknown = set(table) - (set(Rule.__slots__) - {"kind"})
        if unknown:
            raise ConfigError(f"{path}: [{name}] {min(unknown)}: is no field of a rule")
    name = Kind.RATIO_STRETCH.value
    try:
        return TypeAdapter(Rule).validate_python({"kind": name, **tables.get(name, {})})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: [{name}] {where}: {first['msg']}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
