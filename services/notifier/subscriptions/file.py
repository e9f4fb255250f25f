"""Read the subscriptions from a TOML file; secrets are kept out of it, in the environment or in other files.

``deploy/env/subscriptions.toml.example`` shows every field.
"""

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from services.notifier.core.address_guard import Network
from services.notifier.core.mail_addresses import check_mail_address
from services.notifier.core.routing import Subscription
from services.notifier.subscriptions.secrets import SecretSource
from services.notifier.subscriptions.tables import TABLE, EmailTable, WebhookTable
from services.notifier.subscriptions.targets import EmailTarget, Target
from services.notifier.subscriptions.webhook_target import WebhookSurroundings, webhook_target
from shared.domain.deliveries import Channel
from shared.files.input_file import bad_file

_SHOWN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def load_subscriptions(
    path: Path,
    *,
    environ: Mapping[str, str] | None = None,
    pairs: Collection[str] | None = None,
    allowed_networks: Iterable[Network] | None = None,
    ca_file: Path | None = None,
    public_url: str = "",
) -> tuple[Target, ...]:
    """Return the checked subscriptions of a file, in its order.

    Parameters
    ----------
    environ
        Where secrets are looked up; the process's environment when None.
    pairs
        Names of the pairs that exist, so that a misspelt one is refused; not checked when None.
    allowed_networks
        Networks that webhooks may reach although they are not public, so that a URL with the address of any
        other is refused; not checked when None.
    ca_file
        CA certificates for the servers of webhooks with a client certificate; the system's when None.
    public_url
        Address of the dashboard, for links in body templates.

    Raises
    ------
    ConfigError
        If the file, a table, a field or a secret is unusable; the message names it and the remedy, never a
        secret.
    """
    tables = _tables(path)
    surroundings = WebhookSurroundings(
        # Only secrets are read from the environment here; everything else is a setting.
        secrets=SecretSource(
            environ if environ is not None else os.environ,  # noqa: TID251 - named by the operator's file
            path.parent,
        ),
        allowed_networks=tuple(allowed_networks) if allowed_networks is not None else None,
        ca_file=ca_file,
        public_url=public_url,
    )
    targets = []
    seen: set[str] = set()
    for number, table in enumerate(tables, 1):
        target = _target(path, f"subscription {number}", table, surroundings)
        name = target.subscription.name
        if pairs is not None and (unknown := (target.subscription.pairs or frozenset()).difference(pairs)):
            raise bad_file(
                path,
                f"subscription {number} ({name}): pairs: there is no {_shown(*unknown)}; "
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


def _tables(path: Path) -> list[Any]:
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise bad_file(
            path, f"cannot be read ({error.strerror}); CONVEX_NOTIFIER_SUBSCRIPTIONS_FILE names the file"
        ) from error
    except RecursionError:
        raise bad_file(path, "is not TOML: it is nested too deeply") from None
    except ValueError as error:
        raise bad_file(path, f"is not TOML: {error}") from error
    tables = loaded.pop("subscription", [])
    if isinstance(tables, dict):
        raise bad_file(path, "[subscription] must be written [[subscription]]")
    if loaded:
        raise bad_file(path, f"must contain only [[subscription]] tables, was {_shown(*loaded)}")
    if not isinstance(tables, list):
        raise bad_file(path, "subscription: must be [[subscription]] tables")
    return tables


def _target(path: Path, where: str, table: Any, surroundings: WebhookSurroundings) -> Target:
    try:
        checked = TABLE.validate_python(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        fields = [_shown(str(part)) for part in first["loc"] if part not in ("webhook", "email")]
        field = ".".join(fields) or "channel"
        raise bad_file(path, f"{where}: {field}: {_problem(first['type'], first['msg'], field)}") from None
    try:
        owner = _mail_address("owner", checked.owner) if checked.owner is not None else None
        match checked:
            case WebhookTable():
                return webhook_target(checked, surroundings, owner=owner)
            case EmailTable():
                return EmailTarget(subscription=_by_mail(checked), owner=owner)
    except ValueError as error:
        raise bad_file(path, f"{where} ({checked.name}): {error}") from None


def _problem(kind: str, message: str, field: str) -> str:
    if kind.startswith("union_tag"):
        # The library's message shows what was written.
        return "must be webhook or email"
    if kind != "extra_forbidden":
        return message
    if field in ("secret", "signing_key", "events_token"):
        return f"a secret does not belong in this file; use {field}_env or {field}_file"
    return "there is no such field"


def _by_mail(table: EmailTable) -> Subscription:
    return table.to_subscription(
        Channel.EMAIL,
        _mail_address("address", table.address),
        types=frozenset(table.types) if table.types is not None else None,
        kinds=frozenset(table.kinds) if table.kinds is not None else None,
    )


def _mail_address(field: str, text: str) -> str:
    try:
        return check_mail_address(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _shown(*names: str) -> str:
    """Return names as one line: any other text of the file may be long, broken, or a secret."""
    return ", ".join(name if _SHOWN.fullmatch(name) else "a name of another form" for name in sorted(names))
