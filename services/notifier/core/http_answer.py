"""What the answer to a webhook means for its delivery.

========================================== =========== =====================
status                                     result      reason
========================================== =========== =====================
2xx                                        Delivered   -
410                                        Gone        ``gone``
408                                        Deferred    ``request_timeout``
425                                        Deferred    ``too_early``
429                                        Deferred    ``rate_limited``
5xx                                        Deferred    ``server_error``
3xx                                        Rejected    ``redirected``
401, 403                                   Rejected    ``unauthorized``
404                                        Rejected    ``not_found``
any other 4xx                              Rejected    ``refused``
1xx as the last answer, 600 to 999, 0      Deferred    ``not_http``
no status line of HTTP/1                   Deferred    ``not_http``
========================================== =========== =====================

An answer that is not HTTP often comes from something in front of the receiver that is in trouble, so it is
worth another attempt. A redirect is not followed: it would send a signed body to an address that nobody
configured.

The receiver can say more in a ``webhook-delivery`` header:

================ ========================== ======================================
value            and the status             result
================ ========================== ======================================
``abort``        would be tried again       Rejected, ``aborted``
``disable``      2xx                        Delivered, and it is the last message
``disable``      any other but 410          Gone, ``disabled``
================ ========================== ======================================

The status line counts, whatever follows it: a receiver that answered 200 has accepted the message, although
its headers may be malformed or its body may break off.
"""

import re
from dataclasses import replace
from enum import StrEnum
from typing import Final

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
)

_DEFERRED_STATUS: Final = {
    408: FailureReason.REQUEST_TIMEOUT,
    425: FailureReason.TOO_EARLY,
    429: FailureReason.RATE_LIMITED,
}
_REJECTED_STATUS: Final = {
    401: FailureReason.UNAUTHORIZED,
    403: FailureReason.UNAUTHORIZED,
    404: FailureReason.NOT_FOUND,
}
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?=[ \r\n])")


class DeliveryRequest(StrEnum):
    """What a receiver asks for in ``webhook-delivery``."""

    ABORT = "abort"
    DISABLE = "disable"


_DELIVERY_REQUESTS: Final = {
    "abort": DeliveryRequest.ABORT,
    "abort-message": DeliveryRequest.ABORT,
    "disable": DeliveryRequest.DISABLE,
    "disable-endpoint": DeliveryRequest.DISABLE,
}


def classify_http_answer(
    status: int,
    *,
    retry_after_seconds: float | None = None,
    delivery_request: DeliveryRequest | None = None,
    detail: str = "",
) -> AttemptResult:
    """Return what an answer means.

    Examples
    --------
    >>> classify_http_answer(204)
    Delivered(disables=False)
    >>> classify_http_answer(503, retry_after_seconds=120.0).retry_after_seconds
    120.0
    >>> classify_http_answer(302).reason
    <FailureReason.REDIRECTED: 'redirected'>
    >>> classify_http_answer(503, delivery_request=DeliveryRequest.ABORT).reason
    <FailureReason.ABORTED: 'aborted'>
    """
    result = _by_status(status, retry_after_seconds=retry_after_seconds, detail=detail)
    if delivery_request is DeliveryRequest.ABORT and isinstance(result, Deferred):
        return Rejected(reason=FailureReason.ABORTED, detail=detail)
    if delivery_request is DeliveryRequest.DISABLE and not isinstance(result, Gone):
        if isinstance(result, Delivered):
            return replace(result, disables=True)
        return Gone(reason=FailureReason.DISABLED, detail=detail)
    return result


def read_delivery_request(header: str | None) -> DeliveryRequest | None:
    """Return what a ``webhook-delivery`` header asks for; None if it asks for nothing that is known.

    Parameters
    ----------
    header
        One value, or several separated by commas, in any case; ``disable`` outweighs ``abort``.

    Examples
    --------
    >>> read_delivery_request("Abort-Message")
    <DeliveryRequest.ABORT: 'abort'>
    >>> read_delivery_request("abort, disable")
    <DeliveryRequest.DISABLE: 'disable'>
    >>> read_delivery_request("later") is None
    True
    """
    if header is None:
        return None
    asked = {_DELIVERY_REQUESTS.get(value.strip().lower()) for value in header.split(",")}
    if DeliveryRequest.DISABLE in asked:
        return DeliveryRequest.DISABLE
    return DeliveryRequest.ABORT if DeliveryRequest.ABORT in asked else None


def read_status(beginning: bytes) -> int:
    r"""Return the status of an answer from its first bytes; 0 if it has no status line of HTTP/1.

    Interim answers (100 to 199) are passed over. This is for answers that a parser refused for something
    behind their status line.

    Examples
    --------
    >>> read_status(b"HTTP/1.1 204 No Content\r\n\r\nbut here is some")
    204
    >>> read_status(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 503 Busy\r\nx\x00y")
    503
    >>> read_status(b"SSH-2.0-OpenSSH_9.6")
    0
    """
    at = 0
    while (match := _STATUS_LINE.match(beginning, at)) is not None:
        status = int(match[1])
        if not 100 <= status <= 199:
            return status
        end = beginning.find(b"\r\n\r\n", match.end())
        if end < 0:
            return 0
        at = end + 4
    return 0


def _by_status(status: int, *, retry_after_seconds: float | None, detail: str) -> AttemptResult:
    if 200 <= status <= 299:
        return Delivered()
    if 300 <= status <= 399:
        return Rejected(reason=FailureReason.REDIRECTED, detail=detail)
    if status == 410:
        return Gone(detail=detail)
    if status in _DEFERRED_STATUS:
        reason = _DEFERRED_STATUS[status]
    elif 400 <= status <= 499:
        return Rejected(reason=_REJECTED_STATUS.get(status, FailureReason.REFUSED), detail=detail)
    elif 500 <= status <= 599:
        reason = FailureReason.SERVER_ERROR
    else:
        reason = FailureReason.NOT_HTTP
    return Deferred(reason=reason, retry_after_seconds=retry_after_seconds, detail=detail)
