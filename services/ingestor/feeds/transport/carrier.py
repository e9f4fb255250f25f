"""What every carrier of frames is to a connection: opened, received from, sent to, closed.

Carriers are websockets, the lines of one HTTP answer, and answers asked for again and again. What a carrier
brings are frames; what they mean is the venue's protocol's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

import orjson

from services.ingestor.core.refusals import Refusal, refusal_of_status
from services.ingestor.feeds.transport.http_errors import secrets_sent
from services.ingestor.feeds.transport.http_json import LONGEST_RETRY_AFTER_SECONDS
from shared.domain.instants import INSTANTS_END_NS, from_ns
from shared.domain.retry_after import parse_retry_after

# After this the second address of a host is tried too, while the first is still waited for (RFC 8305).
HAPPY_EYEBALLS_SECONDS: Final = 0.25
# Of an answer that refuses us, no more is read.
MAX_REFUSAL_BYTES: Final = 4_096
# No server's clock shows another time than this, however wrong it is.
_EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_LATEST: Final = from_ns(INSTANTS_END_NS)
_WORDS_NAMES: Final = ("errorMessage", "detail", "message", "msg", "error", "reason", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a connection goes.

    Parameters
    ----------
    url
        Without any key: it is logged.
    query, headers
        May hold keys: never logged, never stored.
    """

    url: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Channel(Protocol):
    """One open connection of a carrier.

    Attributes
    ----------
    server_time
        What the server's clock showed when it was opened, or, where answers are polled, with the newest one;
        None if it did not say.
    """

    server_time: datetime | None

    async def receive(self) -> str | bytes:
        """Return the next frame.

        Raises
        ------
        ChannelEnded
            If there will be no more, whatever the reason.
        """
        ...

    async def send(self, frame: str) -> None:
        """Send a frame; a carrier that cannot sends nothing.

        Raises
        ------
        ChannelEnded
            If it is closed.
        """
        ...

    async def close(self) -> None:
        """Close it; does nothing when it is closed, and never waits long."""
        ...


class ChannelEnded(Exception):
    """A connection could not be opened, or is over.

    Parameters
    ----------
    reason
        ``unreachable``, ``closed`` or ``refused``; label of the metric.
    words
        What the other side said, or what failed. It may hold keys: redact it before it is shown.
    refusal
        What it is evidence of; None: of nothing.
    retry_after_seconds
        How long the provider asks to wait.
    """

    def __init__(
        self,
        reason: str,
        words: str,
        *,
        refusal: Refusal | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        self.refusal = refusal
        self.retry_after_seconds = retry_after_seconds


def refused_by_status(
    status: int,
    body: bytes,
    *,
    endpoint: Endpoint,
    content_type: str | None,
    retry_after: str | None,
    at: datetime,
) -> ChannelEnded:
    """Return the end that an HTTP status other than the wanted one means.

    Parameters
    ----------
    endpoint
        What was asked, with the keys that were sent.
    content_type, retry_after
        The headers of those names.
    at
        Now, to turn a date in that header into a wait.
    """
    is_web_page = body.lstrip()[:1] == b"<" or "html" in (content_type or "").lower()
    said = "" if is_web_page else words_of(body)
    return ChannelEnded(
        "refused",
        f"HTTP {status}: {said}" if said else f"HTTP {status}",
        refusal=refusal_of_status(
            status,
            is_web_page=is_web_page,
            has_key=bool(secrets_sent(endpoint.headers, endpoint.query)),
        ),
        retry_after_seconds=parse_retry_after(
            retry_after, longest_seconds=LONGEST_RETRY_AFTER_SECONDS, at=at
        ),
    )


def server_time(date: str | None) -> datetime | None:
    """Return the instant of a ``Date`` header; None if there was none that can be true.

    Examples
    --------
    >>> server_time("Fri, 28 Nov 2025 12:05:00 GMT").isoformat()
    '2025-11-28T12:05:00+00:00'
    >>> server_time("today") is server_time("Fri, 28 Nov 9999 12:05:00 GMT") is None
    True
    """
    try:
        at = parsedate_to_datetime(date) if date is not None else None
    except (ValueError, OverflowError):
        return None
    if at is None:
        return None
    # RFC 9110 dates are GMT; "-0000" reads as naive.
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return at if _EARLIEST <= at < _LATEST else None


def words_of(body: bytes) -> str:
    r"""Return what an answer that refuses us says: a JSON field, or a text that is no web page.

    Examples
    --------
    >>> words_of(b'{"errorMessage":"Insufficient authorization to perform request."}')
    'Insufficient authorization to perform request.'
    >>> words_of(b"Invalid Crumb\n"), words_of(b"<html><body>Forbidden")
    ('Invalid Crumb', '')
    """
    body = body[:MAX_REFUSAL_BYTES].strip()
    if body[:1] == b"<":
        return ""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")
    if not isinstance(fields, dict):
        return str(fields)
    said = [fields[name] for name in _WORDS_NAMES if isinstance(fields.get(name), str)]
    return said[0] if said else str(fields)
