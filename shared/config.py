"""Settings: read once from environment variables. With a misspelt name the service refuses to start."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from shared.errors import ConfigError

S = TypeVar("S", bound=BaseSettings)
PREFIX = "CONVEX_"
# Former settings, and what to set instead.
_RETIRED = {
    "CONVEX_INGESTOR_GOLD_FEED": "take it away: the venue of each instrument in CONVEX_PAIRS says where it "
    "comes from (docs/pairs.md)",
}


class KafkaSettings(BaseSettings):
    """How to reach Kafka; the same for every service."""

    model_config = SettingsConfigDict(env_prefix="CONVEX_KAFKA_", frozen=True, extra="forbid")

    bootstrap_servers: str = Field(default="127.0.0.1:9092", description="Comma-separated host:port.")
    security_protocol: str = Field(
        default="PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="How to connect.",
    )
    sasl_mechanism: str = Field(
        default="SCRAM-SHA-512",
        pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$",
        description="Used with SASL_PLAINTEXT and SASL_SSL.",
    )
    sasl_username: str | None = Field(default=None, description="User for SASL.")
    sasl_password: SecretStr | None = Field(default=None, description="Password for SASL.")
    ssl_ca_file: Path | None = Field(default=None, description="CA certificates; the system's when not set.")
    fetch_max_wait_ms: int = Field(
        default=500,
        ge=1,
        le=5_000,
        description="Longest wait of an empty fetch; 10 on the embedded broker.",
    )
    send_timeout_seconds: float = Field(
        default=30.0,
        gt=0,
        le=300,
        description="After this long without an acknowledgement Kafka counts as unreachable.",
    )
    partitions: int = Field(
        default=4, ge=1, le=1_000, description="Partitions of each topic that is created."
    )
    replication_factor: int = Field(
        default=1, ge=1, le=9, description="Replicas of each topic that is created."
    )


class SectionSettings(BaseSettings):
    """A nested section, filled by the class that holds it.

    By itself a nested `BaseSettings` would also read variables without any prefix: ``HOST``, ``USERNAME``,
    ``PASSWORD`` of whoever starts the service.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the holder only."""
        return (init_settings,)


class HealthSettings(SectionSettings):
    """Where a service serves ``/metrics``, ``/healthz`` and ``/readyz``."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(default=0, ge=0, le=65_535, description="Port; 0 picks a free one and logs it.")


class LogSettings(BaseSettings):
    """How much every service logs."""

    model_config = SettingsConfigDict(env_prefix="CONVEX_LOG_", frozen=True, extra="forbid")

    level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level shown."
    )


def load_settings(settings: type[S]) -> S:
    """Return settings from the environment.

    Raises
    ------
    ConfigError
        If a variable has an unusable value; names the variable, never the value of a secret.
    """
    try:
        return settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        prefix = str(settings.model_config.get("env_prefix", ""))
        name = prefix + "__".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    except SettingsError as error:
        # A list or a mapping that is not JSON; the message names the field, not the value.
        prefix = settings.model_config.get("env_prefix", "")
        raise ConfigError(f"{prefix}*: {error}; it must be JSON") from None


def reject_unknown(known: Iterable[type[BaseSettings]], environ: Mapping[str, str] | None = None) -> None:
    """Refuse to start on a ``CONVEX_*`` variable that no settings class has.

    pydantic-settings ignores a misspelt top-level name even with ``extra="forbid"``, and a misspelt
    threshold would silently keep its default.

    Parameters
    ----------
    known
        Every settings class of the system, not of one service: services may share one environment file.

    Raises
    ------
    ConfigError
        If there is such a variable.
    """
    names = set(environ if environ is not None else os.environ)
    known_names = {variable for settings in known for variable in variables_of(settings)}
    nested = tuple(name + "__" for name in known_names)
    for name in sorted(names):
        if (
            name.startswith(PREFIX)
            and name.upper() not in known_names
            and not name.upper().startswith(nested)
        ):
            instead = _RETIRED.get(name.upper(), "see deploy/env for all of them")
            raise ConfigError(f"{name} is not a setting of Convex; {instead}")


def variables_of(settings: type[BaseSettings]) -> dict[str, str]:
    """Return each environment variable of a settings class with its description, nested ones included."""
    prefix = str(settings.model_config.get("env_prefix", ""))
    variables: dict[str, str] = {}
    for name, field in settings.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseSettings):
            for inner, description in variables_of(nested).items():
                variables[f"{prefix}{name.upper()}__{inner}"] = description
        else:
            variables[f"{prefix}{name.upper()}"] = field.description or ""
    return variables
