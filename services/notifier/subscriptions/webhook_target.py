"""Make the target of a webhook from its table: its URL, its keys and what goes with each message."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.notifier.core.address_guard import Network
from services.notifier.core.signing import Ed25519Key, SigningKey, parse_ed25519_key, parse_secret
from services.notifier.subscriptions.client_certificate import load_client_certificate
from services.notifier.subscriptions.custom_headers import read_headers
from services.notifier.subscriptions.secrets import SecretSource, parse_token
from services.notifier.subscriptions.tables import WebhookTable
from services.notifier.subscriptions.targets import WebhookTarget
from services.notifier.subscriptions.webhook_template import WebhookTemplate, read_template
from services.notifier.subscriptions.webhook_url import WebhookUrl, parse_webhook_url
from shared.domain.deliveries import Channel
from shared.domain.identity import stable_hash

_MAKE_SECRET: Final = "echo whsec_$(head -c 32 /dev/urandom | base64)"  # noqa: S105 - a command, no secret
_MAKE_SIGNING_KEY: Final = "echo whsk_$(head -c 32 /dev/urandom | base64)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSurroundings:
    """What the settings and the file's place add to a table.

    Parameters
    ----------
    allowed_networks
        Networks that webhooks may reach although they are not public; addresses are not checked when None.
    ca_file
        CA certificates of the servers of webhooks; the system's when None.
    public_url
        Address of the dashboard, for links.
    """

    secrets: SecretSource
    allowed_networks: Iterable[Network] | None
    ca_file: Path | None
    public_url: str


def webhook_target(
    table: WebhookTable, surroundings: WebhookSurroundings, *, owner: str | None
) -> WebhookTarget:
    """Return the target that a table describes.

    Raises
    ------
    ValueError
        If a field is unusable; the message begins with its name and shows neither the URL nor a secret.
    """
    try:
        url = parse_webhook_url(table.url, allowed_networks=surroundings.allowed_networks)
    except ValueError as error:
        raise ValueError(f"url: {error}") from None
    secrets = surroundings.secrets
    keys = _keys(table, secrets)
    headers = read_headers(table.headers, table.headers_env, secrets)
    template = read_template(table, secrets, public_url=surroundings.public_url)
    return WebhookTarget(
        subscription=table.to_subscription(
            Channel.WEBHOOK,
            url.text,
            types=template.types,
            kinds=template.kinds,
            variant=(*template.variant, *_header_variant(table)),
            dedupe_key=_dedupe_key(table, url, keys, headers, template),
        ),
        keys=keys,
        headers=headers,
        body_template=template.body,
        tls=_tls(table, url, surroundings),
        events_tokens=secrets.read(
            "events_token", parse_token, variables=table.events_token_env, files=table.events_token_file
        ),
        owner=owner,
    )


def _keys(table: WebhookTable, secrets: SecretSource) -> tuple[SigningKey, ...]:
    keys = secrets.read("secret", parse_secret, variables=table.secret_env, files=table.secret_file)
    signing_keys = secrets.read(
        "signing_key", parse_ed25519_key, variables=table.signing_key_env, files=table.signing_key_file
    )
    if not keys and table.signature != "ed25519":
        raise ValueError(f"secret_env or secret_file must name a secret; make one with: {_MAKE_SECRET}")
    if not signing_keys and table.signature != "hmac":
        raise ValueError(
            f"signing_key_env or signing_key_file must name a key; make one with: {_MAKE_SIGNING_KEY}"
        )
    if keys and table.signature == "ed25519":
        raise ValueError('signature: a secret is not used; write signature = "both" to use both')
    if signing_keys and table.signature == "hmac":
        raise ValueError('signature: a signing key is not used; write signature = "ed25519" or "both"')
    return (*keys, *signing_keys)


def _tls(table: WebhookTable, url: WebhookUrl, surroundings: WebhookSurroundings) -> ssl.SSLContext | None:
    if table.client_cert_file is None:
        if table.client_key_file is not None:
            raise ValueError("client_key_file: needs client_cert_file, the certificate of the key")
        return None
    if not url.is_encrypted:
        raise ValueError("client_cert_file: needs a URL that begins with https")
    folder = surroundings.secrets.folder
    return load_client_certificate(
        folder / table.client_cert_file,
        folder / table.client_key_file if table.client_key_file is not None else None,
        ca_file=surroundings.ca_file,
    )


def _header_variant(table: WebhookTable) -> tuple[str, ...]:
    """Return the part of the headers that distinguishes receivers behind one URL; nothing of it is secret."""
    return tuple(
        part
        for field, values in (("header", table.headers), ("header_env", table.headers_env))
        for name, value in sorted((name.lower(), value) for name, value in values.items())
        for part in (field, name, value)
    )


def _dedupe_key(
    table: WebhookTable,
    url: WebhookUrl,
    keys: tuple[SigningKey, ...],
    headers: tuple[tuple[str, str], ...],
    template: WebhookTemplate,
) -> str:
    return stable_hash(
        url.normal_form,
        *sorted(key.public_key if isinstance(key, Ed25519Key) else key.hex() for key in keys),
        "headers",
        *(
            part
            for name, value in sorted((name.lower(), value) for name, value in headers)
            for part in (name, value)
        ),
        "template",
        template.fingerprint,
        "certificate",
        table.client_cert_file or "",
        table.client_key_file or "",
    )
