"""GET a JSON document or a text within bounds; every other outcome is an error of `http_errors`.

Bounded are the bytes of an answer, the time until it is complete, and the redirects. A redirect is followed
to the same host, and to another one only when the request carries no key: headers would go there as well.

No message contains query strings or headers: keys are sent there. A key that an answer repeats is removed
from it before anything reads it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import orjson

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.transport.http_clients import TappedClient
from services.ingestor.feeds.transport.http_errors import (
    LEAST_KEY_CHARACTERS,
    Refused,
    Unanswered,
    error_of_status,
    provider_words,
    secrets_sent,
)
from services.ingestor.feeds.transport.secrets import Redactor
from shared.domain.retry_after import parse_retry_after

# A wait of years is a mistake of the provider; one request an hour is no burden.
LONGEST_RETRY_AFTER_SECONDS: Final = 3600.0
# The longest answer that is needed, twenty-five years of daily rows as JSON, has 3 MB.
MAX_ANSWER_BYTES: Final = 16 << 20
# From the first header to the last byte: a server that sends a byte now and then must not hold us.
_BODY_SECONDS: Final = 60.0
# Until the headers; a request waits here for its turn as well (`RateLimiter`).
_HEAD_SECONDS: Final = 900.0
_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An answer with status 200.

    Parameters
    ----------
    body
        Complete, without a byte order mark or white space before it.
    at
        The provider's clock, from its ``Date`` header; None if it sent none that can be read.
    """

    body: bytes
    content_type: str
    at: datetime | None


async def get_json(
    client: httpx.AsyncClient,
    path: str,
    *,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON document at a path below the client's base address.

    Raises
    ------
    Unanswered, Throttled, Refused
        As in the table of `http_errors`.
    """
    answer = await fetch(client, path, params=params, headers=headers)
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise Unanswered(f"{_where(client, path)}: not JSON: {error}", reason="not_json") from None


async def get_text(
    client: httpx.AsyncClient,
    path: str,
    *,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return the text at a path below the client's base address: a CSV, for instance.

    Raises
    ------
    Unanswered, Throttled, Refused
        As in the table of `http_errors`.
    """
    answer = await fetch(client, path, params=params, headers=headers)
    try:
        return answer.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unanswered(f"{_where(client, path)}: not text: {error}", reason="not_json") from None


async def fetch(
    client: httpx.AsyncClient,
    path: str,
    *,
    params: Params | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """Return an answer that has status 200 and is no web page.

    Raises
    ------
    Unanswered, Throttled, Refused
        As in the table of `http_errors`.
    """
    sent_params, sent_headers = dict(params or {}), dict(headers or {})
    secrets = secrets_sent(sent_headers, sent_params)
    where = _where(client, path)
    try:
        request = client.build_request("GET", path, params=sent_params, headers=sent_headers)
        response = await _final_response(client, request, has_key=bool(secrets))
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _bounded_body(response, where)
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        # Its text may hold the address with its query.
        raise Unanswered(f"{where}: {type(error).__name__}", reason="unreachable") from None
    except ValueError as error:
        # A header or an address that HTTP cannot carry; the text of the error may hold it.
        raise Refused(
            f"{where}: the request cannot be sent: {type(error).__name__}", refusal=Refusal.OTHER
        ) from None
    # Before anything reads it: errors and dead letters quote an answer, and some repeat the key.
    body = Redactor(each for each in secrets if len(each) >= LEAST_KEY_CHARACTERS).raw(
        body.removeprefix(b"\xef\xbb\xbf").lstrip()
    )
    if isinstance(client, TappedClient):
        client.on_answer(url=request.url, status=response.status_code, body=body)
    content_type = response.headers.get("content-type", "").lower()
    is_html = body[:1] == b"<" or "html" in content_type
    at = _server_time(response.headers.get("date"))
    if response.status_code != 200:
        words = provider_words(body, secrets=secrets)
        asked = parse_retry_after(
            response.headers.get("retry-after"), longest_seconds=LONGEST_RETRY_AFTER_SECONDS, at=at
        )
        message = f"{where}: HTTP {response.status_code}" + (f": {words}" if words else "")
        raise error_of_status(response.status_code, message, asked_seconds=asked, is_html=is_html)
    if is_html:
        raise Unanswered(f"{where}: a web page instead of data", reason="blocked")
    return HttpAnswer(body=body, content_type=content_type, at=at)


async def _final_response(
    client: httpx.AsyncClient, request: httpx.Request, *, has_key: bool
) -> httpx.Response:
    """Return the response after redirects, its body unread; a redirect that must not be followed as it is."""
    for _ in range(_MOST_REDIRECTS):
        async with asyncio.timeout(_HEAD_SECONDS):
            response = await client.send(request, stream=True, follow_redirects=False)
        further = response.next_request
        if response.status_code not in _REDIRECTS or further is None:
            return response
        is_same = further.url.netloc == request.url.netloc
        is_downgrade = request.url.scheme == "https" and further.url.scheme != "https"
        if is_downgrade or (has_key and not is_same):
            return response
        await response.aclose()
        request = further
    async with asyncio.timeout(_HEAD_SECONDS):
        return await client.send(request, stream=True, follow_redirects=False)


async def _bounded_body(response: httpx.Response, where: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise Unanswered(f"{where}: an answer of more than {MAX_ANSWER_BYTES} bytes", reason="too_long")
        parts.append(part)
    return b"".join(parts)


def _server_time(date: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(date) if date is not None else None
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _where(client: httpx.AsyncClient, path: str) -> str:
    return f"{client.base_url.host}{path}"
