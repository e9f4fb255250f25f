"""Every row of the tables of `services.notifier.core.attempt_result`."""

import pytest

from services.notifier.core.attempt_result import (
    AttemptResult,
    Deferred,
    Delivered,
    FailureReason,
    Rejected,
    SmtpStage,
    classify_smtp_reply,
)


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
