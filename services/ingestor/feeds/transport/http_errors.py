"""What an HTTP answer without data says, as an error: evidence, and never the last word.

========================== ====================== ================ ==============
answer                     error                  evidence         reason
========================== ====================== ================ ==============
none, timeout, cut off     `Unanswered`           none             unreachable
429                        `Throttled`            THROTTLED        throttled
418                        `Throttled`            THROTTLED        throttled
401, 402, 403, 407         `Refused`              ACCESS           refused
451                        `Refused`              BLOCKED          refused
404, 410                   `Refused`              UNKNOWN_SYMBOL   not_found
any other 4xx              `Refused`              OTHER            bad_request
408, 425, 5xx, redirects   `Unanswered`           none             server_error
4xx or 200 with HTML       `Unanswered`           none             blocked
200, but not JSON or text  `Unanswered`           none             not_json
========================== ====================== ================ ==============

Every one of them is a `FeedUnavailable`: the request is made again after a wait. Whether a provider refuses
us for good is decided from many answers over time. A web page with status 403 comes from something between us
and the provider, so it says nothing about our key.

A provider's words are quoted without the keys that were sent with the request: some providers repeat them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from services.ingestor.core.refusals import Refusal
from services.ingestor.feeds.transport.secrets import Redactor
from shared.errors import FeedUnavailable

# A provider that says nothing about how long: most limits are per minute.
DEFAULT_RETRY_AFTER_SECONDS: Final = 60.0
# Binance bans an address that goes on after 429; a block for legal reasons does not end within seconds.
LONG_RETRY_AFTER_SECONDS: Final = 600.0

_ACCESS: Final = frozenset({401, 402, 403, 407})
_UNKNOWN: Final = frozenset({404, 410})
_THROTTLED: Final = frozenset({418, 429})
_AGAIN: Final = frozenset({408, 425})
_LEGAL: Final = 451
_LONG: Final = frozenset({418, _LEGAL})
# Where providers put what they say about an error, outermost first.
_WORDS: Final = (
    "detail",
    "message",
    "msg",
    "error_message",
    "errorMessage",
    "description",
    "Information",
    "Note",
    "Error Message",
    "error",
    "chart",
    "finance",
    "status",
)
_MOST_WORDS: Final = 200
_MOST_NESTING: Final = 4
_SECRET_PARAMETER: Final = re.compile(r"key|token|secret|account", re.IGNORECASE)
_PUBLIC_HEADERS: Final = frozenset({"user-agent", "accept", "accept-encoding"})
# Words of a header that stand before a key, and shorter ones, are no keys.
_SCHEMES: Final = frozenset({"bearer", "apikey", "token"})
LEAST_KEY_CHARACTERS: Final = 6


class Unanswered(FeedUnavailable):
    """The provider gave no data; ask again.

    Parameters
    ----------
    refusal
        What the answer is evidence of; None if it refuses nothing.
    retry_after_seconds
        How long to wait at least before the next request; 0 if the provider did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        refusal: Refusal | None = None,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(message, reason=reason)
        self.refusal = refusal
        self.retry_after_seconds = retry_after_seconds


class Throttled(Unanswered):
    """The provider asks for fewer requests."""

    default_reason = "throttled"

    def __init__(self, message: str, *, retry_after_seconds: float = DEFAULT_RETRY_AFTER_SECONDS) -> None:
        super().__init__(message, refusal=Refusal.THROTTLED, retry_after_seconds=retry_after_seconds)


class Refused(Unanswered):
    """The provider refuses this request: one piece of evidence that it refuses us."""

    default_reason = "refused"

    def __init__(self, message: str, *, refusal: Refusal, retry_after_seconds: float = 0.0) -> None:
        reason = {
            Refusal.ACCESS: "refused",
            Refusal.BLOCKED: "refused",
            Refusal.UNKNOWN_SYMBOL: "not_found",
        }.get(refusal, "bad_request")
        super().__init__(message, reason=reason, refusal=refusal, retry_after_seconds=retry_after_seconds)


def error_of(refusal: Refusal, message: str, *, retry_after_seconds: float | None = None) -> Unanswered:
    """Return the error for what a provider says in a body, whatever the HTTP status was.

    Examples
    --------
    >>> error_of(Refusal.ACCESS, "Twelve Data: apikey is incorrect").reason
    'refused'
    >>> error_of(Refusal.THROTTLED, "Twelve Data: out of credits").retry_after_seconds
    60.0
    """
    if refusal in (Refusal.THROTTLED, Refusal.TOO_MANY_CONNECTIONS):
        wait = DEFAULT_RETRY_AFTER_SECONDS if retry_after_seconds is None else retry_after_seconds
        return Throttled(message, retry_after_seconds=wait)
    return Refused(message, refusal=refusal, retry_after_seconds=retry_after_seconds or 0.0)


def error_of_status(status: int, message: str, *, asked_seconds: float | None, is_html: bool) -> Unanswered:
    """Return the error for an HTTP status other than 200.

    Parameters
    ----------
    asked_seconds
        What ``Retry-After`` says; None if nothing that can be read.
    is_html
        The body is a web page.
    """
    wait = (
        asked_seconds if asked_seconds is not None else LONG_RETRY_AFTER_SECONDS if status in _LONG else 0.0
    )
    if status in _THROTTLED:
        return Throttled(message, retry_after_seconds=wait or DEFAULT_RETRY_AFTER_SECONDS)
    if not 400 <= status < 500 or status in _AGAIN:
        return Unanswered(message, reason="server_error", retry_after_seconds=wait)
    if is_html and status not in _LONG:
        return Unanswered(message, reason="blocked", retry_after_seconds=wait)
    if status == _LEGAL:
        return Refused(message, refusal=Refusal.BLOCKED, retry_after_seconds=wait)
    if status in _ACCESS:
        return Refused(message, refusal=Refusal.ACCESS, retry_after_seconds=wait)
    refusal = Refusal.UNKNOWN_SYMBOL if status in _UNKNOWN else Refusal.OTHER
    return Refused(message, refusal=refusal, retry_after_seconds=wait)


def provider_words(body: bytes, *, secrets: Iterable[str]) -> str:
    r"""Return what a provider says about an error, on one line and without what must stay secret.

    Examples
    --------
    >>> provider_words(b'{"detail":"Invalid token abc123."}', secrets=["abc123"])
    'Invalid token [key removed].'
    >>> provider_words(b'{"chart":{"result":null,"error":{"description":"No data found"}}}', secrets=[])
    'No data found'
    >>> provider_words(b"Too Many Requests\n", secrets=[])
    'Too Many Requests'
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[: 4 * _MOST_WORDS].decode("utf-8", "replace")
        value = "" if text.lstrip()[:1] in ("<", "{", "[") else text
    return words_of(value, secrets=secrets)


def words_of(body: Any, *, secrets: Iterable[str]) -> str:
    """Return what a JSON value says about an error, as `provider_words` does."""
    return Redactor(secrets).words(_said(body, _MOST_NESTING), longest=_MOST_WORDS)


def secrets_sent(headers: Mapping[str, str], params: Mapping[str, str | int]) -> list[str]:
    """Return the keys that a request carries; longest first.

    Examples
    --------
    >>> secrets_sent({"Authorization": "Token abc123", "User-Agent": "convex"}, {"apikey": "k/1", "page": 2})
    ['abc123', 'k/1']
    """
    values = [str(value) for name, value in params.items() if _SECRET_PARAMETER.search(name)]
    for name, value in headers.items():
        if name.lower() not in _PUBLIC_HEADERS:
            words = [word for word in value.split() if word.lower() not in _SCHEMES]
            values += [" ".join(words), *(word for word in words if len(word) >= LEAST_KEY_CHARACTERS)]
    return sorted({value for value in values if value}, key=lambda value: (-len(value), value))


def _said(body: Any, depth: int) -> str:
    """Return the first text under a name that providers use for errors."""
    if isinstance(body, str):
        return body
    if depth and isinstance(body, list) and body:
        return _said(body[0], depth - 1)
    if not depth or not isinstance(body, dict):
        return ""
    found = (_said(body[name], depth - 1) for name in _WORDS if name in body)
    return next((each for each in found if each), "")
