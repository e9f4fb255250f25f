"""How each subscription's receiver, and each receiver's owner, is reached."""

import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.utils import parseaddr

from services.notifier.channels.email_smtp import EmailSmtp
from services.notifier.channels.notice_email import NoticeEmail
from services.notifier.channels.ports import Channel, Message
from services.notifier.channels.smtp_relay import SmtpRelay
from services.notifier.channels.webhook_client import make_webhook_client
from services.notifier.channels.webhook_http import WebhookHttp
from services.notifier.config import NotifierSettings
from services.notifier.core.notices import owner_subscription
from services.notifier.owners import Owner
from services.notifier.render.mail import MailWriter
from services.notifier.render.notice import NoticeRenderer
from services.notifier.render.renderer import Renderer
from services.notifier.subscriptions.targets import EmailTarget, Target, WebhookTarget
from services.notifier.webhook_bodies.body_template import BodyTemplate
from shared.clock import Clock
from shared.domain.deliveries import Channel as ChannelName
from shared.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The routes of each channel, by the name of the subscription."""

    webhooks: Mapping[str, Channel]
    mails: Mapping[str, Channel]

    def of(self, channel: ChannelName) -> Mapping[str, Channel]:
        """Return the routes of one channel."""
        return self.webhooks if channel is ChannelName.WEBHOOK else self.mails


async def make_routes(
    targets: tuple[Target, ...],
    owners: Mapping[str, Owner],
    settings: NotifierSettings,
    *,
    clock: Clock,
    stack: AsyncExitStack,
) -> Routes:
    """Return how every receiver is reached; the stack closes the connections.

    Raises
    ------
    ConfigError
        If mails are to be sent and no mail server is named.
    """
    client = await stack.enter_async_context(
        make_webhook_client(
            timeout_seconds=settings.request_timeout_seconds,
            allowed=settings.webhook_allowed_networks,
            max_connections=settings.webhook_concurrency,
            ca_file=settings.webhook_ca_file,
        )
    )
    relay = SmtpRelay(settings.smtp, clock=clock, uniform=random.random)
    stack.push_async_callback(relay.close)
    writer = MailWriter(
        sender=settings.smtp.sender,
        mail_domain=mail_domain(settings),
        renderer=Renderer(public_url=settings.public_url),
    )
    notice_renderer = NoticeRenderer()
    webhooks: dict[str, Channel] = {}
    mails: dict[str, Channel] = {}
    for target in targets:
        name = target.subscription.name
        match target:
            case WebhookTarget():
                webhooks[name] = WebhookHttp(
                    url=target.subscription.receiver,
                    keys=target.keys,
                    client=client,
                    clock=clock,
                    headers=target.headers,
                    tls=target.tls,
                    body_of=_body_of(target.body_template),
                )
            case EmailTarget():
                mails[name] = EmailSmtp(address=target.subscription.receiver, relay=relay, writer=writer)
    for name, owner in owners.items():
        mails[owner_subscription(name)] = NoticeEmail(
            address=owner.address,
            receiver=owner.receiver,
            sender=settings.smtp.sender,
            mail_domain=mail_domain(settings),
            relay=relay,
            renderer=notice_renderer,
        )
    if mails and settings.smtp.host is None:
        raise ConfigError(
            f"CONVEX_NOTIFIER_SMTP__HOST: subscription {next(iter(mails))} is by e-mail; name the mail server"
        )
    return Routes(webhooks=webhooks, mails=mails)


def mail_domain(settings: NotifierSettings) -> str:
    """Return the right side of every Message-ID."""
    if settings.message_id_domain is not None:
        return settings.message_id_domain
    return parseaddr(settings.smtp.sender)[1].rpartition("@")[2]


def _body_of(template: BodyTemplate | None) -> Callable[[Message], bytes] | None:
    return None if template is None else lambda message: template.render(message.body)
