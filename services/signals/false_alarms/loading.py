"""Read the expected false alarms: an operator's file, or the shipped one of the published rules."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter, ValidationError

from services.signals.core.false_alarms import FalseAlarms
from shared.domain.divergences import Kind, Null
from shared.errors import ConfigError

SHIPPED: Final = "published.toml"
TABLE: Final = "false_alarms"
"""Name of the file's tables."""

# Their values are texts of a list, by field.
_NAMES: Final[dict[str, tuple[type[Kind] | type[Null], str]]] = {
    "kind": (Kind, "kind of divergence"),
    "null": (Null, "null"),
}
_TYPES: Final[dict[str, Any]] = get_type_hints(FalseAlarms)


def load_false_alarms(path: Path | None) -> Mapping[tuple[str, str], FalseAlarms]:
    """Return how often chance alone opens each rule, by pair name and rule version.

    Parameters
    ----------
    path
        What ``convex calibrate`` wrote; None for the shipped figures: ``gold-iwm`` under the published rules.

    Returns
    -------
    Mapping
        Pairs and rule versions that were not computed are absent.

    Raises
    ------
    ConfigError
        With file, table and field, if the file is not TOML, a field is unknown, missing or repeated, or a
        value is of another type or out of range.

    Examples
    --------
    >>> sorted({pair for pair, _ in load_false_alarms(None)})
    ['gold-iwm']
    """
    known: dict[tuple[str, str], FalseAlarms] = {}
    for number, found in enumerate(_read(path), start=1):
        key = found.pair, found.rule_version
        if key in known:
            twice = f"{found.rule_version} of {found.pair} stands there twice"
            raise ConfigError(f"{path}: [[{TABLE}]] {number} rule_version: {twice}")
        known[key] = found
    return known


def read_false_alarms(path: Path | None) -> tuple[FalseAlarms, ...]:
    """Return everything that the file says, in its order; raises as `load_false_alarms`.

    Examples
    --------
    >>> {found.last_session for found in read_false_alarms(None)}
    {'2021-03-31'}
    """
    return tuple(_read(path))


def _read(path: Path | None) -> list[FalseAlarms]:
    name = SHIPPED if path is None else str(path)
    try:
        if path is None:
            text = files("services.signals.false_alarms").joinpath(SHIPPED).read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        content: dict[str, Any] = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: {error}") from error
    tables = content.get(TABLE, [])
    unknown = sorted(set(content) - {TABLE})
    if unknown or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{name}: {unknown[0] if unknown else TABLE}: only [[{TABLE}]] tables are known")
    return [_table(f"{name}: [[{TABLE}]] {number}", table) for number, table in enumerate(tables, start=1)]


def _table(where: str, table: dict[str, Any]) -> FalseAlarms:
    names = [field.name for field in fields(FalseAlarms)]
    for name in sorted(table):
        if name not in names:
            raise ConfigError(f"{where} {name}: is no field of a figure; known are {', '.join(names)}")
    for field in fields(FalseAlarms):
        if field.name not in table and field.default is MISSING:
            raise ConfigError(f"{where} {field.name}: is missing")
    try:
        return FalseAlarms(**{name: _value(name, value) for name, value in table.items()})
    except ConfigError as error:
        raise ConfigError(f"{where} {error}") from error


def _value(name: str, value: object) -> Any:
    """Return a value as its field's type. Strict: neither ``true`` nor ``"2"`` is accepted as a number."""
    if name in _NAMES and isinstance(value, str):
        values, what = _NAMES[name]
        try:
            return values(value)
        except ValueError as error:
            raise ConfigError(f"{name}: {value!r} is no {what}") from error
    try:
        return TypeAdapter(_TYPES[name]).validate_python(value, strict=True)
    except ValidationError as error:
        raise ConfigError(f"{name}: {error.errors()[0]['msg']}") from error
