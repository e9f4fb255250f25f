"""What a notifier sends about events: each webhook with its headers, and each mail with every byte."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import orjson

from services.notifier.app import run_notifier
from services.notifier.config import NotifierSettings
from shared.clock import ManualClock
from tests.golden.broker import Broker
from tests.support.receivers import MailSink, ReceivedMail, WebhookReceiver, WebhookRequest

_NOW = datetime(2019, 8, 5, 12, tzinfo=UTC)
_SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIGdvbGRlbiBvdXRwdXRz"
# How many events of one sort are sent: with the same kind, direction, transition, severity and confirmation.
_OF_EACH_SORT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event, and the messages about it.

    Parameters
    ----------
    mail
        None where a mail has said it before: the end of what has no duration.
    """

    event: dict[str, Any]
    webhook: WebhookRequest
    mail: ReceivedMail | None

    @property
    def signed(self) -> bytes:
        """Return the webhook's headers of Standard Webhooks, and its body."""
        names = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
        heads = [f"{name}: {self.webhook.headers[name]}\n" for name in names]
        return "".join(heads).encode() + b"\n" + self.webhook.body

    @property
    def text(self) -> str:
        """Return the mail's subject and its plain text; empty where there is none."""
        if self.mail is None:
            return ""
        message = self.mail.message
        body = message.get_body(("plain",))
        assert isinstance(body, EmailMessage)
        return f"Subject: {message['Subject']}\n\n{body.get_content()}".replace("\r\n", "\n")

    @property
    def envelope(self) -> bytes:
        """Return what of the mail is no wording: every header but the subject."""
        if self.mail is None:
            return b""
        message = self.mail.message
        heads = [f"{name}: {value}\n" for name, value in message.items() if name != "Subject"]
        return "".join(heads).encode()


def choose(events: Iterable[bytes]) -> list[bytes]:
    """Return the first events of each sort, in their order."""
    seen: Counter[tuple[str, ...]] = Counter()
    chosen: list[bytes] = []
    for value in events:
        event = orjson.loads(value)
        names = ("kind", "direction", "type", "severity", "confirmation")
        sort = (*(str(event[name]) for name in names), str(event.get("is_flapping")))
        seen[sort] += 1
        if seen[sort] <= _OF_EACH_SORT:
            chosen.append(value)
    return chosen


async def deliver(events: Iterable[bytes], *, folder: Path) -> list[Sent]:
    """Return what a notifier, whose clock stands still, sends about each event."""
    broker, stop, sent = Broker("divergences.v1", "deliveries.v1"), asyncio.Event(), list[Sent]()
    mail_count = 0
    async with WebhookReceiver() as receiver, MailSink() as sink:
        settings = _settings(folder, url=receiver.url, mail_port=sink.port)
        running = asyncio.create_task(
            run_notifier(broker.kafka, settings, clock=ManualClock(_NOW), stop=stop)
        )
        try:
            for count, value in enumerate(events, 1):
                event = orjson.loads(value)
                # One at a time: a newer state of a divergence replaces an older one that waits.
                broker.put("divergences.v1", event["pair"], value, at_ms=count)
                webhooks = await receiver.wait_for(count, timeout_seconds=60)
                mail = None
                if event["type"] != "closed" or not _is_instant(event):
                    mail_count += 1
                    mail = (await sink.wait_for(mail_count, timeout_seconds=60))[-1]
                sent.append(Sent(event=event, webhook=webhooks[-1], mail=mail))
        finally:
            stop.set()
            await running
    return sent


def _is_instant(event: dict[str, Any]) -> bool:
    return event["kind"] == "regime_change" or "revised_to" in event["values"]


def _settings(folder: Path, *, url: str, mail_port: int) -> NotifierSettings:
    (folder / "secret").write_text(_SECRET)
    subscriptions = folder / "subscriptions.toml"
    subscriptions.write_text(
        f"""
[[subscription]]
name = "desk"
channel = "webhook"
url = "{url}"
secret_file = "secret"

[[subscription]]
name = "ann"
channel = "email"
address = "ann@example.com"
"""
    )
    fields: dict[str, Any] = {
        "database_url": f"sqlite:///{folder}/notifier.db",
        "subscriptions_file": subscriptions,
        "time_base": "replay",
        "public_url": "https://convex.example",
        "webhook_allowed_networks": "127.0.0.0/8",
        "smtp": {
            "host": "127.0.0.1",
            "port": mail_port,
            "security": "none",
            "sender": "Convex <alerts@convex.example>",
        },
    }
    return NotifierSettings(**fields)
