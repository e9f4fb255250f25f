"""Deliver an event to a URL by HTTP POST, signed as Standard Webhooks specifies."""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp
from yarl import URL

from services.notifier.channels.ports import Message
from services.notifier.channels.webhook_client import WebhookClient
from services.notifier.channels.webhook_errors import REQUEST_ERRORS, classify_request_error
from services.notifier.core.answer_text import shown_answer
from services.notifier.core.attempt_result import AttemptResult, Deferred, FailureReason
from services.notifier.core.http_answer import classify_http_answer, read_delivery_request
from services.notifier.core.retry import MAX_RETRY_AFTER_SECONDS
from services.notifier.core.signing import SigningKey, webhook_signature
from shared.clock import Clock
from shared.domain.instants import NS_PER_SECOND
from shared.domain.retry_after import parse_retry_after
from shared.errors import ConfigError
from shared.version import CODE_VERSION

# Of a response's body only the beginning is used, as a hint for the operator.
_MAX_BODY_BYTES: Final = 65_536
_MAX_BODY_SECONDS: Final = 2.0
# After these, unused connections to the same host may be as dead as the one that failed.
_CONNECTION_FAILURES: Final = frozenset({FailureReason.TIMED_OUT, FailureReason.CONNECTION_LOST})


class WebhookHttp:
    """Deliver to one URL.

    Parameters
    ----------
    url
        In ASCII, as it is sent.
    keys
        One signature for each; more than one while a secret rotates.
    headers
        More headers for this receiver, by name.
    content_type
        Of the body.
    tls
        For a receiver that asks for a client certificate; the client's own context when None.
    body_of
        Makes the body of a message, which is then signed and sent; the event's own bytes when None.

    Raises
    ------
    ConfigError
        If nothing can be sent to the URL, or a header cannot be sent; neither is shown.
    """

    def __init__(
        self,
        *,
        url: str,
        keys: tuple[SigningKey, ...],
        client: WebhookClient,
        clock: Clock,
        headers: Iterable[tuple[str, str]] = (),
        content_type: str = "application/json",
        tls: ssl.SSLContext | None = None,
        body_of: Callable[[Message], bytes] | None = None,
    ) -> None:
        self._url = _checked_url(url)
        self._keys = keys
        self._client = client
        self._clock = clock
        self._headers = {
            "user-agent": f"convex/{CODE_VERSION}",
            # The beginning of an answer's body is shown to the operator.
            "accept-encoding": "identity",
            "content-type": content_type,
            **{name.lower(): value for name, value in headers},
        }
        if any(
            forbidden in text for pair in self._headers.items() for text in pair for forbidden in "\r\n\0"
        ):
            raise ConfigError("a header of a webhook has a line break or NUL")
        self._tls = tls
        self._body_of = body_of

    async def attempt(self, message: Message) -> AttemptResult:
        """POST the event once."""
        if message.needs_fresh_connection:
            self._client.distrust(self._url)
        body = message.body if self._body_of is None else self._body_of(message)
        try:
            response = await self._client.post(self._url, body, self._headers_of(message, body), self._tls)
        except REQUEST_ERRORS as error:
            result = classify_request_error(error)
            if isinstance(result, Deferred) and result.reason in _CONNECTION_FAILURES:
                self._client.distrust(self._url)
            return result
        # Most answers are short and come in one piece; then the connection is already free.
        is_read = response.connection is None and response.content.exception() is None
        beginning = response.content.read_nowait() if is_read else await _read(response)
        is_accepted = 200 <= response.status <= 299
        # A receiver may repeat what it was sent, and a body of the operator's own may have secrets.
        shown = shown_answer(beginning) if self._body_of is None else ""
        return classify_http_answer(
            response.status,
            retry_after_seconds=None if is_accepted else self._retry_after_seconds(response),
            delivery_request=read_delivery_request(response.headers.get("webhook-delivery")),
            detail="" if is_accepted else f"HTTP {response.status} {shown}".strip(),
        )

    def _retry_after_seconds(self, response: aiohttp.ClientResponse) -> float | None:
        return parse_retry_after(
            response.headers.get("retry-after"),
            longest_seconds=MAX_RETRY_AFTER_SECONDS,
            at=self._clock.now(),
        )

    def _headers_of(self, message: Message, body: bytes) -> dict[str, str]:
        # Whole seconds: verifiers parse the header as an integer.
        timestamp = self._clock.now_ns() // NS_PER_SECOND
        headers = {
            **self._headers,
            "webhook-id": message.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": webhook_signature(
                body, message_id=message.message_id, timestamp_seconds=timestamp, keys=self._keys
            ),
        }
        if message.endpoint_sequence > 0:
            headers["convex-sequence"] = str(message.endpoint_sequence)
        if message.replaces:
            headers["convex-not-delivered"] = ", ".join(
                f"{replaced.endpoint_sequence}={replaced.outcome}" for replaced in message.replaces
            )
        return headers


def _checked_url(text: str) -> URL:
    """Return the URL of a text that was checked when it was read; this is the last line of defence."""
    try:
        url = URL(text, encoded=True)
        # Decoding an international name fails for some that encoding accepts.
        is_usable = url.scheme in ("http", "https") and bool(url.host) and bool(url.port) and text.isascii()
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ConfigError(
            "the URL of a webhook must be http(s)://host/path in ASCII, with a port from 1 to 65535"
        )
    return url


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of a response's body; read it to its end, so that the connection can be reused."""
    content = response.content
    read = bytearray()
    try:
        async with asyncio.timeout(_MAX_BODY_SECONDS):
            while len(read) <= _MAX_BODY_BYTES and (chunk := await content.readany()):
                read += chunk
    except REQUEST_ERRORS:
        # The status has been received and counts, even if the body breaks off.
        return b""
    finally:
        # Closes the connection unless the body was read to its end.
        response.close()
    return bytes(read)
