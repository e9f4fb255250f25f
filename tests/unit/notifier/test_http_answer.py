"""Every row of the tables of `services.notifier.core.http_answer`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.attempt_result import Deferred, Delivered, FailureReason, Gone, Rejected
from services.notifier.core.http_answer import (
    DeliveryRequest,
    classify_http_answer,
    read_delivery_request,
    read_status,
)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_every_2xx_is_delivered(status: int) -> None:
    assert classify_http_answer(status) == Delivered()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (408, "request_timeout"),
        (425, "too_early"),
        (429, "rate_limited"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "server_error"),
        (599, "server_error"),
    ],
)
def test_what_may_pass_is_deferred_with_the_receivers_wish(status: int, reason: str) -> None:
    answer = classify_http_answer(status, retry_after_seconds=7.0, detail="busy")

    assert answer == Deferred(reason=FailureReason(reason), retry_after_seconds=7.0, detail="busy")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (300, "redirected"),
        (301, "redirected"),
        (302, "redirected"),
        (304, "redirected"),
        (307, "redirected"),
        (399, "redirected"),
        (400, "refused"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not_found"),
        (409, "refused"),
        (422, "refused"),
        (499, "refused"),
    ],
)
def test_what_cannot_pass_is_rejected(status: int, reason: str) -> None:
    assert classify_http_answer(status, retry_after_seconds=7.0, detail="no") == Rejected(
        reason=FailureReason(reason), detail="no"
    )


def test_410_is_gone() -> None:
    assert classify_http_answer(410, detail="moved out") == Gone(detail="moved out")


@pytest.mark.parametrize("status", [0, 1, 99, 100, 101, 103, 199, 600, 999])
def test_answer_that_is_no_answer_of_http_is_deferred(status: int) -> None:
    """A proxy in trouble is not the receiver's decision."""
    assert classify_http_answer(status, detail="odd") == Deferred(reason=FailureReason.NOT_HTTP, detail="odd")


@pytest.mark.parametrize("status", [0, 101, 408, 425, 429, 500, 503, 599, 999])
def test_abort_rejects_what_would_be_tried_again(status: int) -> None:
    assert classify_http_answer(
        status, retry_after_seconds=9.0, delivery_request=DeliveryRequest.ABORT, detail="stop"
    ) == Rejected(reason=FailureReason.ABORTED, detail="stop")


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 404, 410, 422])
def test_abort_changes_nothing_where_no_attempt_would_follow(status: int) -> None:
    assert classify_http_answer(
        status, delivery_request=DeliveryRequest.ABORT, detail="stop"
    ) == classify_http_answer(status, detail="stop")


@pytest.mark.parametrize("status", [200, 202, 299])
def test_disable_with_an_accepted_message_makes_it_the_last_one(status: int) -> None:
    assert classify_http_answer(status, delivery_request=DeliveryRequest.DISABLE) == Delivered(disables=True)


@pytest.mark.parametrize("status", [0, 101, 301, 404, 429, 503, 999])
def test_disable_with_any_other_answer_ends_the_receiver(status: int) -> None:
    assert classify_http_answer(status, delivery_request=DeliveryRequest.DISABLE, detail="enough") == Gone(
        reason=FailureReason.DISABLED, detail="enough"
    )


def test_410_stays_the_reason_although_the_receiver_also_asks_to_be_disabled() -> None:
    assert classify_http_answer(410, delivery_request=DeliveryRequest.DISABLE) == Gone(
        reason=FailureReason.GONE
    )


@pytest.mark.parametrize(
    ("header", "asks_for"),
    [
        (None, None),
        ("", None),
        ("later", None),
        ("aborted", None),
        ("abort", DeliveryRequest.ABORT),
        ("ABORT", DeliveryRequest.ABORT),
        ("Abort-Message", DeliveryRequest.ABORT),
        ("  abort\t", DeliveryRequest.ABORT),
        ("later,abort-message", DeliveryRequest.ABORT),
        ("disable", DeliveryRequest.DISABLE),
        ("Disable-Endpoint", DeliveryRequest.DISABLE),
        ("disable ,abort", DeliveryRequest.DISABLE),
        ("abort, DISABLE", DeliveryRequest.DISABLE),
        ("abort disable", None),
        ("\udcff, abort", DeliveryRequest.ABORT),
    ],
)
def test_receivers_request_is_read_in_any_case_and_in_a_list(
    header: str | None, asks_for: DeliveryRequest | None
) -> None:
    assert read_delivery_request(header) is asks_for


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.0 500\r\n", 500),
        (b"HTTP/1.1 204\n\nx", 204),
        (b"HTTP/1.1 999 Odd\r\n", 999),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n", 201),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 429 Slow\r\n", 429),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n", 0),
        (b"HTTP/1.1 100 Continue\r\n\r\nnonsense", 0),
        (b"", 0),
        (b"HTTP/1.1 20", 0),
        (b"HTTP/1.1 200", 0),
        (b"HTTP/1.1 -1 Odd\r\n", 0),
        (b"HTTP/1.1 2000 Odd\r\n", 0),
        (b"HTTP/2 200 OK\r\n", 0),
        (b"HTTP/1.2 200 OK\r\n", 0),
        (b" HTTP/1.1 200 OK\r\n", 0),
        (b"<html>HTTP/1.1 200 OK\r\n", 0),
        (b"\x15\x03\x03\x00\x02\x02\x28", 0),
    ],
)
def test_status_is_read_from_the_status_line_alone(beginning: bytes, status: int) -> None:
    assert read_status(beginning) == status


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"HTTP/1.1 1" + rest))
def test_whatever_the_bytes_there_is_a_status_or_none(beginning: bytes) -> None:
    assert read_status(beginning) in {0, *range(1000)}
