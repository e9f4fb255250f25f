"""What an answer without data is evidence of."""

import pytest

from services.ingestor.feeds.streaming.events import Refusal
from services.ingestor.feeds.transport.http_errors import error_of, error_of_status, provider_words


@pytest.mark.parametrize(
    ("status", "is_html", "reason", "refusal", "wait"),
    [
        (401, False, "refused", Refusal.ACCESS, 0.0),
        (402, False, "refused", Refusal.ACCESS, 0.0),
        (403, False, "refused", Refusal.ACCESS, 0.0),
        (403, True, "blocked", None, 0.0),
        (451, False, "refused", Refusal.BLOCKED, 600.0),
        (451, True, "refused", Refusal.BLOCKED, 600.0),
        (404, False, "not_found", Refusal.UNKNOWN_SYMBOL, 0.0),
        (404, True, "blocked", None, 0.0),
        (400, False, "bad_request", Refusal.OTHER, 0.0),
        (422, False, "bad_request", Refusal.OTHER, 0.0),
        (408, False, "server_error", None, 0.0),
        (425, False, "server_error", None, 0.0),
        (429, False, "throttled", Refusal.THROTTLED, 60.0),
        (418, False, "throttled", Refusal.THROTTLED, 600.0),
        (302, False, "server_error", None, 0.0),
        (500, True, "server_error", None, 0.0),
        (503, False, "server_error", None, 0.0),
        (204, False, "server_error", None, 0.0),
    ],
)
def test_each_status_is_evidence_of_what_it_says(
    status: int, is_html: bool, reason: str, refusal: Refusal | None, wait: float
) -> None:
    error = error_of_status(status, "example.com/x: HTTP", asked_seconds=None, is_html=is_html)
    assert (error.reason, error.refusal, error.retry_after_seconds) == (reason, refusal, wait)


@pytest.mark.parametrize("status", [403, 418, 429, 451, 503])
def test_what_the_provider_asks_for_is_the_wait(status: int) -> None:
    error = error_of_status(status, "", asked_seconds=7.0, is_html=False)
    assert error.retry_after_seconds == 7.0


def test_zero_seconds_do_not_end_a_cool_down() -> None:
    assert error_of_status(429, "", asked_seconds=0.0, is_html=False).retry_after_seconds == 60.0


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Refusal.ACCESS, "refused"),
        (Refusal.UNKNOWN_SYMBOL, "not_found"),
        (Refusal.THROTTLED, "throttled"),
        (Refusal.TOO_MANY_CONNECTIONS, "throttled"),
        (Refusal.OTHER, "bad_request"),
    ],
)
def test_error_in_a_body_has_the_reason_of_its_kind(refusal: Refusal, reason: str) -> None:
    assert error_of(refusal, "said").reason == reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"detail":"Please supply a token"}', "Please supply a token"),
        (b'{"code":40010001,"message":"invalid syntax for \\"end\\""}', 'invalid syntax for "end"'),
        (
            b'{"status":"ERROR","request_id":"a1","error":"API Key was not provided"}',
            "API Key was not provided",
        ),
        (
            b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}',
            "Invalid Crumb",
        ),
        (b'{"error":["EAPI:Rate limit exceeded"]}', "EAPI:Rate limit exceeded"),
        (
            b'{"error_code":400,"error_message":"Bad Request.  The series does not exist."}',
            "Bad Request. The series does not exist.",
        ),
        (b'{"status":{"error_code":429,"error_message":"Slow down"}}', "Slow down"),
        (b'{"Error Message":"Invalid API call."}', "Invalid API call."),
        (b'{"errorMessage":"Insufficient authorization."}', "Insufficient authorization."),
        (b"<html>login</html>", ""),
        (b'{"detail":', ""),
        (b'{"other":"x"}', ""),
        (b"[]", ""),
        (b"17", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"error":{"error":{"error":{"error":{"error":"deep"}}}}}', ""),
        (b"x" * 100_000, "x" * 200),
    ],
)
def test_words_are_found_where_providers_put_them(body: bytes, words: str) -> None:
    assert provider_words(body, secrets=[]) == words


def test_key_that_a_provider_repeats_is_cut_out_in_each_form() -> None:
    body = b'{"Information":"We have detected your API key as k/1 and k%2F1 and our limit"}'
    assert provider_words(body, secrets=["k%2F1", "k/1"]) == (
        "We have detected your API key as [key removed] and [key removed] and our limit"
    )
