"""What it means for a delivery that a request had no answer.

================================================== ========= ====================
what happened                                      result    reason
================================================== ========= ====================
an address is not public                           Rejected  ``address_refused``
the URL names no address in a form that is sent to Rejected  ``address_refused``
the name has no address, or not in time            Deferred  ``dns_failed``
no connection, no TLS, a certificate problem       Deferred  ``connect_failed``
no status within the timeout                       Deferred  ``timed_out``
the connection ended or failed before a status     Deferred  ``connection_lost``
the answer is not HTTP                             Deferred  ``not_http``
================================================== ========= ====================

Who runs the receiver can mend an expired certificate or a name server, so such a delivery waits.
"""

import ssl
from typing import Final

import aiohttp

from services.notifier.channels.guarded_network import AddressRefused
from services.notifier.core.answer_text import shown_answer
from services.notifier.core.attempt_result import AttemptResult, Deferred, FailureReason, Rejected
from services.notifier.core.http_answer import classify_http_answer

# What a request can end with. The last four: what the library raises after bytes that it did not foresee.
REQUEST_ERRORS: Final = (aiohttp.ClientError, OSError, ValueError, AssertionError, RuntimeError, LookupError)


def classify_request_error(error: BaseException) -> AttemptResult:
    """Return what one of `REQUEST_ERRORS` means."""
    detail = shown_answer(f"{type(error).__name__}: {error}")
    match error:
        case aiohttp.ClientConnectorError(os_error=AddressRefused() as refused):
            return Rejected(reason=FailureReason.ADDRESS_REFUSED, detail=shown_answer(str(refused)))
        case aiohttp.InvalidURL():
            # Its text is the URL, of which the path may be secret.
            return Rejected(reason=FailureReason.ADDRESS_REFUSED, detail=type(error).__name__)
        case aiohttp.ClientResponseError(status=status):
            # The status line counts, although the parser refused something behind it.
            return classify_http_answer(status, detail=_of_odd_answer(status, error.message))
        case aiohttp.ClientConnectorDNSError():
            reason = FailureReason.DNS_FAILED
        case aiohttp.ClientConnectorError():
            reason = FailureReason.CONNECT_FAILED
        case TimeoutError():
            reason = FailureReason.TIMED_OUT
        case OSError() | aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError():
            reason = _of_lost_connection(error)
        case _:
            reason = FailureReason.NOT_HTTP
    return Deferred(reason=reason, detail=detail)


def _of_odd_answer(status: int, message: str) -> str:
    return shown_answer(f"HTTP {status}, malformed: {message}" if status else f"no HTTP: {message}")


def _of_lost_connection(error: BaseException) -> FailureReason:
    """Tell a TLS alert from other ends: TLS 1.3 sends one after the handshake, before the first answer."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLError):
        problem = cause.reason or ""
        if "ALERT" in problem or "CERTIFICATE" in problem:
            return FailureReason.CONNECT_FAILED
    return FailureReason.CONNECTION_LOST
