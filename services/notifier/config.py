"""Everything an operator can change about the notifier, with units in the names."""

from email.utils import parseaddr
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.notifier.core.mail_addresses import check_mail_address
from services.notifier.core.retry import RETRY_DELAYS_SECONDS
from services.notifier.core.routing import TimeBase
from shared.config import HealthSettings, SectionSettings


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


_COMMA_SEPARATED = BeforeValidator(_split)
_WEBHOOKS_IN_FLIGHT: Final = 256
_MAILS_IN_FLIGHT: Final = 32


class SmtpSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class SmtpSettings(SectionSettings):
    """The mail server that sends for us."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str | None = Field(default=None, description="Mail server; needed for e-mail subscriptions.")
    port: int = Field(
        default=587, ge=1, le=65_535, description="Port of the mail server; 587 for starttls, 465 for tls."
    )
    security: SmtpSecurity = Field(
        default=SmtpSecurity.STARTTLS,
        description="starttls, tls, or none (only for a server on this machine).",
    )
    username: str | None = Field(default=None, description="User name; when not set, there is no login.")
    password: SecretStr | None = Field(default=None, description="Password for the login.")
    ca_file: Path | None = Field(
        default=None, description="File of CA certificates for the mail server; the system's when not set."
    )
    sender: str = Field(
        default="Convex <convex@localhost>",
        min_length=3,
        description="From address, with or without a name.",
    )
    timeout_seconds: float = Field(
        default=20.0, gt=0, le=300, description="Longest wait for one reply of the mail server."
    )
    data_timeout_seconds: float = Field(
        default=600.0,
        gt=0,
        le=3_600,
        description="Longest wait for the reply to a whole message; RFC 5321 asks for ten minutes.",
    )
    max_connections: int = Field(
        default=4, ge=1, le=100, description="Most connections to the mail server, opened as needed."
    )
    idle_seconds: float = Field(
        default=60.0,
        ge=0,
        le=600,
        description="How long an unused connection to the mail server stays open for the next mail.",
    )

    @field_validator("sender")
    @classmethod
    def _is_address(cls, sender: str) -> str:
        check_mail_address(parseaddr(sender)[1])
        if not sender.isprintable():
            raise ValueError("must contain printable characters only")
        return sender


class ApiSettings(SectionSettings):
    """Where receivers ask for the events that they may have missed: ``GET /v1/events``."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="Port of GET /v1/events; 0 picks a free one and logs it. Not served when not set.",
    )


class NotifierSettings(BaseSettings):
    """Everything an operator can change about the notifier."""

    model_config = SettingsConfigDict(
        env_prefix="CONVEX_NOTIFIER_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    database_url: str = Field(
        default="sqlite:///convex-notifier.db",
        description="Delivery store: sqlite:///FILE for one notifier (four slashes for an absolute path), or "
        "postgresql://USER:PASSWORD@HOST/DATABASE, which several notifiers may share.",
    )
    subscriptions_file: Path = Field(
        default=Path("subscriptions.toml"),
        description="TOML file of receivers, one [[subscription]] table each.",
    )
    group: str = Field(
        default="convex-notifier", min_length=1, description="Kafka consumer group of this notifier."
    )
    time_base: TimeBase = Field(
        default=TimeBase.LIVE,
        description="live: events expire at not_after; replay: as long after receipt as they were valid.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://[^\s/]+[^\s]*$",
        description="Where people reach the dashboard; links in messages begin with it.",
    )
    message_id_domain: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Domain of every Message-ID; the sender's domain when not set.",
    )
    smtp: SmtpSettings = SmtpSettings()
    request_timeout_seconds: float = Field(
        default=15.0, gt=0, le=60, description="Longest wait for a webhook's response, connecting included."
    )
    webhook_allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, _COMMA_SEPARATED] = (
        Field(
            default=(),
            description="Private networks that webhooks may reach, comma-separated, such as 10.20.0.0/16.",
        )
    )
    webhook_ca_file: Path | None = Field(
        default=None,
        description="File of CA certificates for the servers of webhooks; the system's when not set.",
    )
    retry_delays_seconds: Annotated[
        tuple[Annotated[float, Field(gt=0, le=86_400)], ...], NoDecode, _COMMA_SEPARATED
    ] = Field(
        default=RETRY_DELAYS_SECONDS,
        min_length=1,
        description="Longest wait before each next attempt, comma-separated; the last one repeats.",
    )
    max_concurrent_webhooks: int | None = Field(
        default=None,
        ge=1,
        le=4_096,
        description="Most webhooks in flight at a time; when not set, as many as "
        "CONVEX_NOTIFIER_MAX_CONCURRENT_ATTEMPTS, or 256 if that is not set either.",
    )
    max_concurrent_mails: int | None = Field(
        default=None,
        ge=1,
        le=4_096,
        description="Most e-mails in flight at a time; when not set, as many as "
        "CONVEX_NOTIFIER_MAX_CONCURRENT_ATTEMPTS, or 32 if that is not set either.",
    )
    max_concurrent_attempts: int | None = Field(
        default=None,
        ge=1,
        le=1_000,
        description="Most attempts in flight at a time, of webhooks and of e-mails each.",
    )
    max_concurrent_attempts_per_subscription: int = Field(
        default=8, ge=1, le=1_000, description="Most attempts in flight at a time for one subscription."
    )
    probe_min_seconds: float = Field(
        default=5.0,
        gt=0,
        le=3_600,
        description="Shortest wait before a receiver that fails is tried again with one message.",
    )
    probe_max_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3_600,
        description="Longest such wait; in between it is a sixtieth of the time of failure.",
    )
    store_batch_seconds: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="For how long results of attempts are collected, to be stored in one transaction.",
    )
    retention_days: float = Field(
        default=90.0,
        gt=0,
        le=36_500,
        description="Events and deliveries that ended longer ago are deleted from the store.",
    )
    operator_address: str | None = Field(
        default=None,
        description="Who is alerted by e-mail when a receiver is paused or gone and its subscription has no "
        "owner.",
    )
    api: ApiSettings = ApiSettings()
    health: HealthSettings = HealthSettings()

    @field_validator("operator_address")
    @classmethod
    def _is_mail_address(cls, address: str | None) -> str | None:
        return check_mail_address(address) if address is not None else None

    @field_validator("probe_max_seconds")
    @classmethod
    def _is_the_longer_wait(cls, longest: float, info: ValidationInfo) -> float:
        shortest = info.data.get("probe_min_seconds", 0.0)
        if longest < shortest:
            raise ValueError(
                f"must be at least CONVEX_NOTIFIER_PROBE_MIN_SECONDS, {shortest:g}, was {longest:g}"
            )
        return longest

    @property
    def webhook_concurrency(self) -> int:
        """Return the most webhooks in flight at a time."""
        return self.max_concurrent_webhooks or self.max_concurrent_attempts or _WEBHOOKS_IN_FLIGHT

    @property
    def mail_concurrency(self) -> int:
        """Return the most e-mails in flight at a time."""
        return self.max_concurrent_mails or self.max_concurrent_attempts or _MAILS_IN_FLIGHT
