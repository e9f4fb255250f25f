"""Read the pairs to watch from a TOML file, or one of the shipped sets by name."""

import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.pairs import Pair
from shared.errors import ConfigError

SHIPPED: Final = ("live", "replay", "simulated")
_PAIRS: Final = TypeAdapter(tuple[Pair, ...])


class PairsSettings(BaseSettings):
    """Which pairs this installation watches; the same for every service."""

    model_config = SettingsConfigDict(env_prefix="CONVEX_", frozen=True, extra="forbid")

    pairs: str = Field(
        default="live",
        description="A shipped set (live, replay, simulated), or a TOML file with [[pair]] tables.",
    )


def load_pairs(name_or_path: str) -> tuple[Pair, ...]:
    """Return the pairs of a shipped set or a file.

    Raises
    ------
    ConfigError
        If there is no such file, or a table in it is not a pair; names file, table and field.

    Examples
    --------
    >>> load_pairs("simulated")[0].name
    'gold-iwm'
    """
    if name_or_path in SHIPPED:
        text = files("shared.pairs").joinpath(f"{name_or_path}.toml").read_text()
    else:
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"{name_or_path}: cannot be read ({error.strerror}); use a file or {', '.join(SHIPPED)}"
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name_or_path}: must be UTF-8 text") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name_or_path}: {error}") from error
    if not tables.get("pair") or not isinstance(tables["pair"], list) or set(tables) - {"pair"}:
        raise ConfigError(f"{name_or_path}: needs [[pair]] tables and nothing else")
    try:
        pairs = _PAIRS.validate_python(tables["pair"])
        _refuse_unknown_fields(tables["pair"])
    except ValidationError as error:
        first = error.errors()[0]
        where = "pair " + " ".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name_or_path}: {where}: {first['msg']}") from error
    except ConfigError as error:
        raise ConfigError(f"{name_or_path}: {error}") from error
    names = [pair.name for pair in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{name_or_path}: pair {name} is declared twice")
    return pairs


def _refuse_unknown_fields(tables: list[dict[str, Any]]) -> None:
    # pydantic ignores fields that a dataclass does not have: a misspelt is_proxy would go unnoticed.
    known = {field.name for field in fields(Pair)}
    for index, table in enumerate(tables):
        for name in table:
            if name not in known:
                raise ConfigError(f"pair {index} {name}: is not a field of a pair")
