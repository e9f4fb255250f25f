"""Read who is told from a TOML file; secrets stand elsewhere, in the environment or in files of their own.

::

    [[subscription]]
    name = "desk"                       # part of every delivery's identity: renaming makes a new subscription
    channel = "webhook"
    url = "https://desk.example.com/convex"
    secret_env = "DESK_WEBHOOK_SECRET"  # or secret_file; a list of two while a secret rotates
    pairs = ["gold-iwm"]                # all when left out, as with kinds
    kinds = ["ratio_stretch"]
    min_severity = "critical"           # "warning" when left out

    [[subscription]]
    name = "ann"
    channel = "email"
    address = "ann@example.com"
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.notifier.core.mail_addresses import check_mail_address
from services.notifier.core.plan import Subscription
from services.notifier.core.signing import parse_secret
from shared.domain.deliveries import Channel
from shared.domain.divergences import Kind, Severity
from shared.files.problems import bad_file


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """A subscription by webhook: where to, and what signs it."""

    subscription: Subscription
    keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTarget:
    """A subscription by e-mail."""

    subscription: Subscription


Target = WebhookTarget | EmailTarget

_Names = str | tuple[str, ...]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    pairs: tuple[str, ...] | None = Field(default=None, min_length=1)
    kinds: tuple[Kind, ...] | None = Field(default=None, min_length=1)
    min_severity: Severity = Severity.WARNING

    def to_subscription(self, channel: Channel, receiver: str) -> Subscription:
        return Subscription(
            name=self.name,
            channel=channel,
            receiver=receiver,
            pairs=frozenset(self.pairs) if self.pairs is not None else None,
            kinds=frozenset(self.kinds) if self.kinds is not None else None,
            min_severity=self.min_severity,
        )


class _WebhookTable(_Table):
    channel: Literal["webhook"]
    url: str
    secret_env: _Names = ()
    secret_file: _Names = ()


class _EmailTable(_Table):
    channel: Literal["email"]
    address: str


_TABLE: TypeAdapter[_WebhookTable | _EmailTable] = TypeAdapter(
    Annotated[_WebhookTable | _EmailTable, Field(discriminator="channel")]
)


def load_subscriptions(path: Path, *, environ: Mapping[str, str] | None = None) -> tuple[Target, ...]:
    """Return the subscriptions of a file, checked, in its order.

    Parameters
    ----------
    environ
        Where ``secret_env`` is looked up; the process's environment when None.

    Raises
    ------
    ConfigError
        If the file, a table, a field or a secret is unusable; names them and the remedy, never a secret.
    """
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise bad_file(
            path, f"cannot be read ({error.strerror}); CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE names the file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise bad_file(path, f"is not TOML: {error}") from error
    tables = loaded.pop("subscription", [])
    if loaded or not isinstance(tables, list):
        raise bad_file(path, f"holds [[subscription]] tables and nothing else, was {', '.join(loaded)}")
    # The one secret-bearing reader of the environment; everything else is a setting.
    known = environ if environ is not None else os.environ  # noqa: TID251 - named by the operator's file
    targets = []
    seen: set[str] = set()
    for number, table in enumerate(tables, 1):
        target = _target(path, f"subscription {number}", table, known)
        name = target.subscription.name
        if name in seen:
            raise bad_file(path, f"subscription {number}: name: {name} is taken; each needs its own")
        seen.add(name)
        targets.append(target)
    return tuple(targets)


def _target(path: Path, where: str, table: Any, environ: Mapping[str, str]) -> Target:
    try:
        checked = _TABLE.validate_python(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        fields = [str(part) for part in first["loc"] if part not in ("webhook", "email")]
        raise bad_file(path, f"{where}: {'.'.join(fields) or 'channel'}: {first['msg']}") from None
    where = f"{where} ({checked.name})"
    match checked:
        case _WebhookTable():
            url = _checked_url(path, where, checked.url)
            keys = _keys(path, where, checked, environ)
            return WebhookTarget(subscription=checked.to_subscription(Channel.WEBHOOK, url), keys=keys)
        case _EmailTable():
            address = _checked_address(path, where, checked.address)
            return EmailTarget(subscription=checked.to_subscription(Channel.EMAIL, address))


def _checked_url(path: Path, where: str, text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise bad_file(path, f"{where}: url: {error}") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.fragment:
        raise bad_file(
            path, f"{where}: url: must be http(s)://host/path without a user or a fragment, was {text!r}"
        )
    return str(url)


def _checked_address(path: Path, where: str, text: str) -> str:
    try:
        return check_mail_address(text)
    except ValueError as error:
        raise bad_file(path, f"{where}: address: {error}") from None


def _keys(path: Path, where: str, table: _WebhookTable, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    secrets: list[tuple[str, str]] = []
    for name in _as_names(table.secret_env):
        if name.startswith("CONVEX_"):
            raise bad_file(
                path, f"{where}: secret_env: {name}: CONVEX_ names are settings; take another for the secret"
            )
        if name not in environ:
            raise bad_file(path, f"{where}: secret_env: {name} is not set; export it before the start")
        secrets.append((f"secret_env: {name}", environ[name].strip()))
    for name in _as_names(table.secret_file):
        try:
            text = (path.parent / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise bad_file(path, f"{where}: secret_file: {name} cannot be read: {error}") from error
        secrets.extend((f"secret_file: {name}", line) for line in text.split())
    if not secrets:
        raise bad_file(
            path,
            f"{where}: secret_env or secret_file must name a secret; "
            "make one with: echo whsec_$(head -c 32 /dev/urandom | base64)",
        )
    keys = []
    for source, secret in secrets:
        try:
            keys.append(parse_secret(secret))
        except ValueError as error:
            raise bad_file(path, f"{where}: {source}: {error}") from None
    return tuple(keys)


def _as_names(names: _Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
