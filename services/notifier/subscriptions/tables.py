"""The fields of a ``[[subscription]]`` table, and their types."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.notifier.core.routing import Subscription
from services.notifier.subscriptions.secrets import Names
from shared.domain.deliveries import Channel
from shared.domain.divergences import Kind, Severity, Transition
from shared.domain.instants import NS_PER_SECOND

_DAY_SECONDS: Final = 86_400
# As an expression of a template can write it.
_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    pairs: tuple[str, ...] | None = Field(default=None, min_length=1)
    kinds: tuple[Kind, ...] | None = Field(default=None, min_length=1)
    types: tuple[Transition, ...] | None = Field(default=None, min_length=1)
    min_severity: Severity = Severity.WARNING
    repeat_interval_seconds: float = Field(default=0.0, ge=0, le=366 * _DAY_SECONDS, allow_inf_nan=False)
    owner: str | None = None

    def to_subscription(
        self,
        channel: Channel,
        receiver: str,
        *,
        types: frozenset[str] | None,
        kinds: frozenset[str] | None,
        variant: tuple[str, ...] = (),
        dedupe_key: str = "",
    ) -> Subscription:
        """Return the subscription of this table, with what was derived from its other fields."""
        return Subscription(
            name=self.name,
            channel=channel,
            receiver=receiver,
            pairs=frozenset(self.pairs) if self.pairs is not None else None,
            kinds=kinds,
            types=types,
            min_severity=self.min_severity,
            repeat_interval_ns=round(self.repeat_interval_seconds * NS_PER_SECOND),
            variant=variant,
            dedupe_key=dedupe_key,
        )


class WebhookTable(_Table):
    """A subscription by webhook, as it is written."""

    channel: Literal["webhook"]
    url: str
    signature: Literal["hmac", "ed25519", "both"] = "hmac"
    secret_env: Names = ()
    secret_file: Names = ()
    signing_key_env: Names = ()
    signing_key_file: Names = ()
    headers: dict[str, str] = Field(default_factory=dict)
    headers_env: dict[str, str] = Field(default_factory=dict)
    body_template: str | None = Field(default=None, min_length=1)
    template_values: dict[_Name, str | bool | int | float] = Field(default_factory=dict)
    template_secrets_env: dict[_Name, str] = Field(default_factory=dict)
    client_cert_file: str | None = Field(default=None, min_length=1)
    client_key_file: str | None = Field(default=None, min_length=1)
    events_token_env: Names = ()
    events_token_file: Names = ()


class EmailTable(_Table):
    """A subscription by e-mail, as it is written."""

    channel: Literal["email"]
    address: str


Table = WebhookTable | EmailTable
TABLE: TypeAdapter[Table] = TypeAdapter(Annotated[Table, Field(discriminator="channel")])
