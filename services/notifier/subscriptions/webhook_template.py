"""Read the body template of a subscription, and which events its receiver can use."""

from collections.abc import Collection
from dataclasses import dataclass, field
from posixpath import normpath

import orjson

from services.notifier.subscriptions.secrets import SecretSource, parse_text
from services.notifier.subscriptions.tables import WebhookTable
from services.notifier.webhook_bodies.body_template import BodyTemplate
from services.notifier.webhook_bodies.loading import find_template, load_body_template
from shared.domain.identity import stable_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTemplate:
    """How a subscription's bodies are made.

    Parameters
    ----------
    body
        None where the event itself is sent.
    types, kinds
        The events that the subscription gets; None means all.
    variant
        What distinguishes its receiver from others behind the same URL; nothing of it is secret.
    fingerprint
        Equal for subscriptions that make the same bodies. It depends on secrets.
    """

    body: BodyTemplate | None
    types: frozenset[str] | None
    kinds: frozenset[str] | None
    variant: tuple[str, ...] = ()
    fingerprint: str = field(default="", repr=False)


def read_template(table: WebhookTable, secrets: SecretSource, *, public_url: str) -> WebhookTemplate:
    """Return how the bodies of a table's subscription are made.

    Raises
    ------
    ValueError
        If the template or one of its values or secrets is unusable; the message begins with the field.
    """
    types, kinds = _as_set(table.types), _as_set(table.kinds)
    name = table.body_template
    if name is None:
        for field_name in ("template_values", "template_secrets_env"):
            if getattr(table, field_name):
                raise ValueError(f"{field_name}: needs body_template")
        return WebhookTemplate(body=None, types=types, kinds=kinds)
    try:
        source = find_template(name, folder=secrets.folder)
    except ValueError as error:
        raise ValueError(f"body_template: {error}") from None
    types = _narrowed("types", types, source.types, name)
    kinds = _narrowed("kinds", kinds, source.kinds, name)
    values = dict(sorted(table.template_values.items()))
    secret_texts = {
        secret: _secret(secrets, f"template_secrets_env.{secret}", variable)
        for secret, variable in sorted(table.template_secrets_env.items())
    }
    body = load_body_template(
        source, values=values, secrets=secret_texts, public_url=public_url, types=types, kinds=kinds
    )
    variant = (
        "template",
        normpath(name),
        orjson.dumps(values).decode(),
        orjson.dumps(dict(sorted(table.template_secrets_env.items()))).decode(),
    )
    return WebhookTemplate(
        body=body,
        types=types,
        kinds=kinds,
        variant=variant,
        fingerprint=stable_hash(source.text, orjson.dumps([values, secret_texts]).decode()),
    )


def _secret(secrets: SecretSource, field_name: str, variable: str) -> str:
    text = secrets.variable(field_name, variable)
    try:
        return parse_text(text)
    except ValueError as error:
        raise ValueError(f"{field_name}: {variable}: {error}") from None


def _as_set(chosen: Collection[str] | None) -> frozenset[str] | None:
    return frozenset(chosen) if chosen is not None else None


def _narrowed(
    field_name: str, chosen: frozenset[str] | None, usable: frozenset[str] | None, template: str
) -> frozenset[str] | None:
    if usable is None or chosen is None:
        return usable if chosen is None else chosen
    if unusable := sorted(chosen - usable):
        raise ValueError(
            f"{field_name}: a receiver of body_template {template} cannot use {', '.join(unusable)}; "
            f"it can use {', '.join(sorted(usable))}"
        )
    return chosen
