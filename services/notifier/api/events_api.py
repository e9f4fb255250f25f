"""``GET /v1/events?after=N``: a receiver asks for its messages by number, and so proves that it missed none.

The bearer token names the subscription; there is no other way to name one. The answer has every message from
``after`` on in whatever state, also those that expired or were superseded, and each event byte for byte as
it was published:

=========== ==========================================================================================
field       meaning
=========== ==========================================================================================
first_kept  from this number on, every message is still in the store
last        the newest number that was given; below ``after`` if the store has been replaced
next_after  the ``after`` of the next request
has_more    whether there are messages after ``next_after``
events      ``endpoint_sequence``, ``state``, ``event_id``, ``event``
=========== ==========================================================================================

The server must not delay a delivery: it reads over a connection of its own, a few requests at a time, and
what one client can take in connections, requests and bytes is bounded.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import orjson
import structlog
from aiohttp import web

from services.notifier.api.bounded_server import BoundedServer
from services.notifier.api.request_rate import RequestRate
from services.notifier.store.endpoint_events import EndpointEvent, EndpointEventPage
from shared.clock import Clock
from shared.errors import ConfigError, StoreUnavailable

log = structlog.get_logger(__name__)

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
# Only of whole events: an answer is at most this long and one event.
MAX_BYTES: Final = 4 * 1024 * 1024
# Below 2**63, so that every database can compare it.
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_READS_AT_A_TIME: Final = 2
_MESSAGES_A_READ: Final = 50
_READ_SECONDS: Final = 10.0
_MAX_TOKEN: Final = 512


class EventSource(Protocol):
    """Where the messages of a subscription are read."""

    async def after(self, subscription: str, after: int, *, limit: int) -> EndpointEventPage:
        """Return the messages whose number is above one, at most ``limit``."""
        ...


class EventTokens:
    """Find the subscription that a bearer token belongs to, in a time that does not depend on the token.

    Parameters
    ----------
    tokens
        The tokens of each subscription.

    Raises
    ------
    ConfigError
        If two subscriptions have one token.

    Examples
    --------
    >>> tokens = EventTokens({"desk": ["a-long-secret"]})
    >>> tokens.subscription_of("a-long-secret"), tokens.subscription_of("another")
    ('desk', None)
    """

    def __init__(self, tokens: Mapping[str, Iterable[str]]) -> None:
        # Nobody without this key knows which tokens have similar digests.
        self._key = secrets.token_bytes(32)
        self._subscriptions: dict[bytes, str] = {}
        for subscription, own in tokens.items():
            for token in own:
                known = self._subscriptions.setdefault(self._digest(token), subscription)
                if known != subscription:
                    raise ConfigError(
                        f"subscriptions {known} and {subscription} have the same events token; "
                        "give each its own"
                    )

    def subscription_of(self, token: str) -> str | None:
        """Return the subscription's name; None for an unknown token."""
        return self._subscriptions.get(self._digest(token))

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._key, token.encode("utf-8", "surrogateescape"), hashlib.sha256)


class EventsApi:
    """Serve the messages of each subscription to who has its token.

    Parameters
    ----------
    on_answer
        Called with the status of each answer.
    """

    def __init__(
        self,
        *,
        events: EventSource,
        tokens: EventTokens,
        clock: Clock,
        on_answer: Callable[[int], None] = lambda _status: None,
    ) -> None:
        self._events = events
        self._tokens = tokens
        self._rate = RequestRate(clock)
        self._on_answer = on_answer
        self._reading = asyncio.Semaphore(_READS_AT_A_TIME)

    def server(self) -> BoundedServer:
        """Return a server that answers with this object."""
        return BoundedServer(self.answer)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to one request, also to a bad one."""
        response = await self._answer(request)
        self._on_answer(response.status)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.path != "/v1/events":
            return _problem(404, "not_found", "there is only GET /v1/events")
        if request.method != "GET":
            return _problem(405, "method_not_allowed", "ask with GET", {"Allow": "GET"})
        subscription = self._tokens.subscription_of(_bearer_token(request))
        if subscription is None:
            return _problem(
                401,
                "unauthorized",
                "send the subscription's token: Authorization: Bearer TOKEN",
                {"WWW-Authenticate": 'Bearer realm="convex"'},
            )
        if (wait_seconds := self._rate.wait_seconds(subscription)) > 0:
            return _problem(
                429, "rate_limited", "ask less often", {"Retry-After": str(int(wait_seconds) + 1)}
            )
        try:
            after = _number(request, "after", 0, highest=10**18 - 1)
            limit = _number(request, "limit", DEFAULT_LIMIT, lowest=1, highest=MAX_LIMIT)
        except ValueError as error:
            return _problem(400, "bad_request", str(error))
        try:
            async with asyncio.timeout(_READ_SECONDS), self._reading:
                body = await self._body(subscription, after, limit)
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("events_not_read", subscription=subscription, detail=str(error))
            return _problem(503, "unavailable", "the store does not answer now", {"Retry-After": "5"})
        return web.Response(body=body, content_type="application/json")

    async def _body(self, subscription: str, after: int, limit: int) -> bytes:
        """Read a few messages at a time, so that large ones are never in memory by the thousand."""
        parts: list[bytes] = []
        size, next_after, is_full = 0, after, False
        while True:
            asked = min(_MESSAGES_A_READ, limit - len(parts))
            page = await self._events.after(subscription, next_after, limit=asked)
            for event in page.events:
                part = _part(event)
                is_full = bool(parts) and size + len(part) > MAX_BYTES
                if is_full:
                    break
                parts.append(part)
                size += len(part)
                next_after = event.endpoint_sequence
            if is_full or len(page.events) < asked or len(parts) == limit:
                break
        answer = {
            "subscription": subscription,
            "after": after,
            "first_kept": page.first_kept,
            "last": page.last,
            "next_after": next_after,
            "has_more": is_full or (len(page.events) == asked and next_after < page.last),
        }
        return orjson.dumps(answer)[:-1] + b',"events":[' + b",".join(parts) + b"]}"


def _bearer_token(request: web.BaseRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip()[:_MAX_TOKEN] if scheme.lower() == "bearer" else ""


def _number(request: web.BaseRequest, name: str, default: int, *, lowest: int = 0, highest: int) -> int:
    texts = request.query.getall(name, [])
    if not texts:
        return default
    # Only the ten ASCII digits: int() also takes signs, underscores and the digits of every script.
    if len(texts) == 1 and _NUMBER.fullmatch(texts[0]) and lowest <= int(texts[0]) <= highest:
        return int(texts[0])
    raise ValueError(f"{name} must be one whole number from {lowest} to {highest}")


def _part(event: EndpointEvent) -> bytes:
    """Return a message with its event as it was stored: parsing and writing could change its bytes."""
    head = {
        "endpoint_sequence": event.endpoint_sequence,
        "state": event.state,
        "event_id": event.event_id,
    }
    return orjson.dumps(head)[:-1] + b',"event":' + event.value + b"}"


def _problem(
    status: int, reason: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    body = orjson.dumps({"error": reason, "message": message})
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
