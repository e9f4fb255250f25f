"""Deliver an event to a URL by HTTP POST, signed as Standard Webhooks specifies."""

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import httpx

from services.notifier.channels.guarded_network import GuardedTransport
from services.notifier.channels.ports import Message
from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    FailureReason,
    Rejected,
)
from services.notifier.core.http_answer import classify_http_answer
from services.notifier.core.receiver_addresses import Network
from services.notifier.core.retry import MAX_RETRY_AFTER_SECONDS
from services.notifier.core.signing import webhook_signature
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND
from shared.domain.retry_after import parse_retry_after
from shared.errors import DeliveryDeferred, DeliveryRejected
from shared.version import CODE_VERSION

# Of a response's body only the beginning is used, as a hint for the operator.
_MAX_BODY_BYTES: Final = 65_536
_MAX_BODY_SECONDS: Final = 2.0
_MAX_DETAIL: Final = 300
# Events are minutes apart; a connection that is still open saves the handshakes.
_KEEPALIVE_SECONDS: Final = 300.0


def make_webhook_client(
    *, timeout_seconds: float, allowed: Iterable[Network], max_connections: int, ca_file: Path | None = None
) -> httpx.AsyncClient:
    """Return the client that all webhooks share; it connects to public and allowed addresses only.

    Parameters
    ----------
    ca_file
        CA certificates to trust; the system's when None.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(
            allowed=allowed,
            keepalive_seconds=_KEEPALIVE_SECONDS,
            max_connections=max_connections,
            ssl_context=ssl.create_default_context(cafile=str(ca_file) if ca_file else None),
        ),
        headers={"user-agent": f"convex/{CODE_VERSION}"},
        timeout=timeout_seconds,
        follow_redirects=False,
        # A proxy from the environment would bypass the check of addresses.
        trust_env=False,
    )


class WebhookHttp:
    """Deliver to one URL.

    Parameters
    ----------
    keys
        One signature for each; more than one while a secret rotates.
    timeout_seconds
        Longest wait for the response's status, connecting included.
    """

    def __init__(
        self,
        *,
        url: str,
        keys: tuple[bytes, ...],
        client: httpx.AsyncClient,
        timeout_seconds: float,
        clock: Clock,
    ) -> None:
        self._url = url
        self._keys = keys
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._clock = clock

    async def attempt(self, message: Message) -> AttemptResult:
        """POST the event once."""
        request = self._client.build_request(
            "POST", self._url, content=message.body, headers=self._headers(message)
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.send(request, stream=True)
        except DeliveryRejected as error:
            return Rejected(reason=FailureReason(error.reason), detail=str(error))
        except DeliveryDeferred as error:
            return Deferred(reason=FailureReason(error.reason), detail=str(error))
        except (TimeoutError, httpx.TimeoutException) as error:
            return Deferred(reason=FailureReason.TIMED_OUT, detail=_described(error))
        except httpx.ConnectError as error:
            return Deferred(reason=FailureReason.CONNECT_FAILED, detail=_described(error))
        except httpx.TransportError as error:
            return Deferred(reason=FailureReason.CONNECTION_LOST, detail=_described(error))
        beginning = await _read(response)
        return classify_http_answer(
            response.status_code,
            retry_after_seconds=parse_retry_after(
                response.headers.get("retry-after"),
                longest_seconds=MAX_RETRY_AFTER_SECONDS,
                at=self._clock.now(),
            ),
            detail=f"HTTP {response.status_code} {beginning}".strip(),
        )

    def _headers(self, message: Message) -> dict[str, str]:
        # Whole seconds: verifiers parse the header as an integer.
        timestamp = self._clock.now_ns() // NS_PER_SECOND
        return {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": webhook_signature(
                message.body, message_id=message.message_id, timestamp_seconds=timestamp, keys=self._keys
            ),
        }


async def _read(response: httpx.Response) -> str:
    """Return the beginning of a response's body; read it to its end, so that the connection can be reused."""
    read = bytearray()
    try:
        async with asyncio.timeout(_MAX_BODY_SECONDS):
            # Raw: a compressed body may decompress to a thousand times what came over the wire.
            async for chunk in response.aiter_raw():
                read += chunk
                if len(read) > _MAX_BODY_BYTES:
                    break
    except (TimeoutError, httpx.TransportError):
        # The status has been received and counts, even if the body breaks off.
        return ""
    finally:
        await response.aclose()
    return bytes(read[:_MAX_DETAIL]).decode("utf-8", errors="replace")


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL]
