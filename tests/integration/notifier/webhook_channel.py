"""A webhook channel to a server of the test, without a notifier around it."""

import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from services.notifier.channels.name_resolution import LookUp
from services.notifier.channels.ports import Message
from services.notifier.channels.webhook_client import make_webhook_client
from services.notifier.channels.webhook_http import WebhookHttp
from services.notifier.core.address_guard import Network
from services.notifier.core.attempt_result import AttemptResult, Delivered
from services.notifier.core.signing import parse_secret
from shared.clock import Clock, SystemClock
from tests.support.hostile_http import HostileServer, Script

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 32 bytes!").decode()
LOOPBACK = (ip_network("127.0.0.0/8"),)
MESSAGE = Message(event_id="ev_1", message_id="ev_1", body='{"pair": "gold–iwm"}\n'.encode(), first_seen_ns=0)


@asynccontextmanager
async def webhook(
    url: str,
    *,
    allowed: Sequence[Network] = LOOPBACK,
    timeout_seconds: float = 5.0,
    clock: Clock | None = None,
    ca_file: Path | None = None,
    look_up: LookUp | None = None,
    **options: Any,
) -> AsyncIterator[WebhookHttp]:
    """Yield a channel to a URL with a client of its own."""
    async with make_webhook_client(
        timeout_seconds=timeout_seconds,
        allowed=allowed,
        max_connections=4,
        ca_file=ca_file,
        look_up=look_up,
    ) as client:
        yield WebhookHttp(
            url=url,
            keys=(parse_secret(SECRET),),
            client=client,
            clock=clock or SystemClock(),
            **options,
        )


async def results_of(
    scripts: Iterable[Script], *, count: int = 1, timeout_seconds: float = 5.0
) -> tuple[list[AttemptResult], int]:
    """Return the results of attempts, one after the other, and how many connections they took."""
    async with (
        HostileServer(*scripts) as server,
        webhook(server.url, timeout_seconds=timeout_seconds) as channel,
    ):
        return [await channel.attempt(MESSAGE) for _ in range(count)], server.connections


async def result_of(script: Script, *, timeout_seconds: float = 5.0) -> AttemptResult:
    """Return the result of one attempt at a server that follows a script."""
    (result,), _ = await results_of([script], timeout_seconds=timeout_seconds)
    return result


def ok(status: int = 200, *headers: str, body: bytes = b"") -> bytes:
    """Return an answer as it should be."""
    lines = [f"HTTP/1.1 {status} Odd", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def kind_of(result: AttemptResult) -> tuple[str, str]:
    """Return a result's name and reason."""
    return result.name, "" if isinstance(result, Delivered) else str(getattr(result, "reason", ""))
