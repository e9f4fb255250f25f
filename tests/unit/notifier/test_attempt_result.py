"""Every row of the tables of `services.notifier.core.attempt_result`."""

import pytest

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Gone,
    Rejected,
    SmtpStage,
    classify_http_status,
    classify_smtp_reply,
)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_every_2xx_is_delivered(status: int) -> None:
    assert classify_http_status(status) == Delivered()


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
    answer = classify_http_status(status, retry_after_seconds=7.0, detail="busy")

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
        (199, "not_http"),
        (600, "not_http"),
    ],
)
def test_what_cannot_pass_is_rejected(status: int, reason: str) -> None:
    assert classify_http_status(status, retry_after_seconds=7.0, detail="no") == Rejected(
        reason=FailureReason(reason), detail="no"
    )


def test_410_is_gone() -> None:
    assert classify_http_status(410, detail="moved out") == Gone(detail="moved out")


@pytest.mark.parametrize(
    ("code", "stage", "answer"),
    [
        (200, SmtpStage.MESSAGE, Delivered()),
        (250, SmtpStage.MESSAGE, Delivered()),
        (299, SmtpStage.MESSAGE, Delivered()),
        (300, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
        (399, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
        (400, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        (499, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        (500, SmtpStage.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        (599, SmtpStage.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        (421, SmtpStage.SESSION, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        (451, SmtpStage.SENDER, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        (450, SmtpStage.RECIPIENT, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        (452, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        (550, SmtpStage.SENDER, Rejected(reason=FailureReason.SENDER_REFUSED)),
        (550, SmtpStage.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        (554, SmtpStage.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        (535, SmtpStage.SESSION, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
        (554, SmtpStage.SESSION, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
        (354, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
        (600, SmtpStage.MESSAGE, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
    ],
)
def test_smtp_replies_mean_what_the_table_says(code: int, stage: SmtpStage, answer: AttemptResult) -> None:
    assert classify_smtp_reply(code, stage) == answer
