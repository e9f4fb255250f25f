"""GET a JSON document; every other outcome is an error that says what to do next.

=================================== ======================= ===================
answer                              error                   reason
=================================== ======================= ===================
no answer, timeout, cut off         `FeedUnavailable`       ``unreachable``
429 and 418                         `Throttled`             ``throttled``
401, 403, 451                       `FeedRefused`           ``refused``
404, 400 and other 4xx              `FeedRefused`           ``not_found``
5xx, redirects                      `FeedUnavailable`       ``server_error``
200 with HTML                       `FeedUnavailable`       ``blocked``
200 with anything but JSON          `FeedUnavailable`       ``not_json``
=================================== ======================= ===================

No message contains query strings or headers: keys are sent there.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import orjson

from shared.domain.retry_after import parse_retry_after
from shared.errors import FeedRefused, FeedUnavailable

_FINAL: Final = frozenset({401, 403, 451})
_THROTTLED: Final = frozenset({418, 429})
_DEFAULT_RETRY_AFTER_SECONDS: Final = 60.0
# A wait of years is a mistake of the provider; one request an hour is no burden.
LONGEST_RETRY_AFTER_SECONDS: Final = 3600.0


class Throttled(FeedUnavailable):
    """The provider asks for fewer requests.

    Parameters
    ----------
    retry_after_seconds
        How long to wait before the next request.
    """

    default_reason = "throttled"

    def __init__(self, message: str, *, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


async def get_json(
    client: httpx.AsyncClient,
    path: str,
    *,
    params: Mapping[str, str | int] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Return the JSON document at a path below the client's base address.

    Raises
    ------
    FeedUnavailable, Throttled, FeedRefused
        As in the table above.
    """
    where = f"{client.base_url.host}{path}"
    try:
        response = await client.get(path, params=dict(params or {}), headers=dict(headers or {}))
    except httpx.HTTPError as error:
        # Its text may hold the address with its query.
        raise FeedUnavailable(f"{where}: {type(error).__name__}", reason="unreachable") from None
    status = response.status_code
    if status in _THROTTLED:
        asked = parse_retry_after(
            response.headers.get("retry-after"), longest_seconds=LONGEST_RETRY_AFTER_SECONDS
        )
        raise Throttled(
            f"{where}: HTTP {status}",
            retry_after_seconds=_DEFAULT_RETRY_AFTER_SECONDS if asked is None else asked,
        )
    if status in _FINAL:
        raise FeedRefused(f"{where}: HTTP {status}: {_provider_message(response)}", reason="refused")
    if 400 <= status < 500:
        raise FeedRefused(f"{where}: HTTP {status}: {_provider_message(response)}", reason="not_found")
    if status != 200:
        raise FeedUnavailable(f"{where}: HTTP {status}", reason="server_error")
    body = response.content.lstrip()
    if body[:1] == b"<" or "html" in response.headers.get("content-type", ""):
        raise FeedUnavailable(f"{where}: a web page instead of data", reason="blocked")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FeedUnavailable(f"{where}: not JSON: {error}", reason="not_json") from None


def _provider_message(response: httpx.Response) -> str:
    """Return the provider's message if it is a JSON field; some providers repeat the key in free text."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return ""
    message = body.get("detail", body.get("message", "")) if isinstance(body, dict) else ""
    return message[:100] if isinstance(message, str) else ""
