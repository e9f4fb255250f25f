"""Read the subscriptions from a TOML file; secrets are kept out of it, in the environment or in other files.

::

    [[subscription]]
    name = "desk"                       # part of every delivery's id: a renamed subscription is a new one
    channel = "webhook"
    url = "https://desk.example.com/convex"
    secret_env = "DESK_WEBHOOK_SECRET"  # or secret_file; a list of two while a secret rotates
    pairs = ["gold-iwm"]                # all when left out
    kinds = ["ratio_stretch"]           # all when left out, data faults included
    min_severity = "critical"           # "warning" when left out

    [[subscription]]
    name = "ann"
    channel = "email"
    address = "ann@example.com"
"""

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.notifier.core.receiver_addresses import check_mail_address
from services.notifier.core.routing import Subscription
from services.notifier.core.signing import parse_secret
from shared.domain.deliveries import Channel
from shared.domain.divergences import Kind, Severity
from shared.files.input_file import bad_file


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """A subscription by webhook, with the keys that sign its messages."""

    subscription: Subscription
    keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailTarget:
    """A subscription by e-mail."""

    subscription: Subscription


Target = WebhookTarget | EmailTarget

_Names = str | tuple[str, ...]

_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_URL_FORM: Final = "must be http(s)://host/path without a user or a fragment"


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


def load_subscriptions(
    path: Path, *, environ: Mapping[str, str] | None = None, pairs: Collection[str] | None = None
) -> tuple[Target, ...]:
    """Return the checked subscriptions of a file, in its order.

    Parameters
    ----------
    environ
        Where ``secret_env`` is looked up; the process's environment when None.
    pairs
        Names of the pairs that exist, so that a misspelt one is refused; not checked when None.

    Raises
    ------
    ConfigError
        If the file, a table, a field or a secret is unusable; the message names it and the remedy, never a
        secret.
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
    if isinstance(tables, dict):
        raise bad_file(path, "[subscription] must be written [[subscription]]")
    if loaded:
        raise bad_file(path, f"must contain only [[subscription]] tables, was {', '.join(loaded)}")
    if not isinstance(tables, list):
        raise bad_file(path, "subscription: must be [[subscription]] tables")
    # Only secrets are read from the environment here; everything else is a setting.
    known = environ if environ is not None else os.environ  # noqa: TID251 - named by the operator's file
    targets = []
    seen: set[str] = set()
    for number, table in enumerate(tables, 1):
        target = _target(path, f"subscription {number}", table, known)
        name = target.subscription.name
        if pairs is not None and (unknown := (target.subscription.pairs or frozenset()).difference(pairs)):
            raise bad_file(
                path,
                f"subscription {number} ({name}): pairs: there is no {', '.join(sorted(unknown))}; "
                f"CONVEX_PAIRS has {', '.join(sorted(pairs))}",
            )
        if name in seen:
            raise bad_file(
                path,
                f"subscription {number}: name: {name} is used twice; each subscription needs its own name",
            )
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
    # Errors never show the URL: it may contain a password or a token.
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise bad_file(path, f"{where}: url: {_URL_FORM}, was no URL") from None
    problems = {
        "has another scheme": url.scheme not in ("http", "https"),
        "has no host": not url.host,
        "has a user": bool(url.userinfo),
        "has a fragment": bool(url.fragment),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise bad_file(path, f"{where}: url: {_URL_FORM}, it {problem}")
    return str(url)


def _checked_address(path: Path, where: str, text: str) -> str:
    try:
        return check_mail_address(text)
    except ValueError as error:
        raise bad_file(path, f"{where}: address: {error}") from None


def _keys(path: Path, where: str, table: _WebhookTable, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    try:
        secrets = [
            *(_secret_of(name, environ) for name in _as_names(table.secret_env)),
            *(secret for name in _as_names(table.secret_file) for secret in _secrets_in(path.parent, name)),
        ]
        keys = []
        for source, secret in secrets:
            try:
                keys.append(parse_secret(secret))
            except ValueError as error:
                raise ValueError(f"{source}: {error}") from None
    except ValueError as error:
        raise bad_file(path, f"{where}: {error}") from None
    if not keys:
        raise bad_file(
            path,
            f"{where}: secret_env or secret_file must name a secret; "
            "make one with: echo whsec_$(head -c 32 /dev/urandom | base64)",
        )
    return tuple(keys)


def _secret_of(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    # Errors show only what looks like a name: anything else may be the secret itself, entered by mistake.
    if not _VARIABLE.fullmatch(name):
        raise ValueError(
            "secret_env: must be the name of an environment variable (A-Z, 0-9 and _) that holds the secret, "
            "not the secret itself"
        )
    if name.startswith("CONVEX_"):
        raise ValueError(
            f"secret_env: {name}: names that begin with CONVEX_ are settings; choose another name"
        )
    if name not in environ:
        raise ValueError(f"secret_env: {name} is not set; export it before you start the notifier")
    return f"secret_env: {name}", environ[name].strip()


def _secrets_in(folder: Path, name: str) -> list[tuple[str, str]]:
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except OSError as error:
        # The error does not show the name: it may be the secret itself, entered by mistake.
        raise ValueError(
            f"secret_file: must be the name of a readable file ({error.strerror}), not the secret itself"
        ) from None
    except ValueError:
        raise ValueError("secret_file: must be the name of a file of UTF-8 text") from None
    return [(f"secret_file: {name}", line) for line in text.split()]


def _as_names(names: _Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
