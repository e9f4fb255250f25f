"""Every row of the table of `services.notifier.core.smtp_answers`, and every code at every step."""

import pytest

from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Rejected,
    Unknown,
)
from services.notifier.core.smtp_answers import SmtpStep, classify_message_reply, classify_smtp_reply
from services.notifier.core.smtp_reply import SmtpReply

SESSION = (SmtpStep.GREETING, SmtpStep.HELLO, SmtpStep.TLS, SmtpStep.LOGIN)
TRANSACTION = (SmtpStep.SENDER, SmtpStep.RECIPIENT, SmtpStep.DATA)


def classified(text: str, step: SmtpStep) -> AttemptResult | None:
    """Return what a reply such as ``550 5.1.1 unknown`` means."""
    reply = SmtpReply(code=int(text[:3]), lines=(text[4:].encode(),))
    return classify_message_reply(reply) if step is SmtpStep.MESSAGE else classify_smtp_reply(reply, step)


@pytest.mark.parametrize("step", [SmtpStep.HELLO, SmtpStep.LOGIN, SmtpStep.SENDER, SmtpStep.RECIPIENT])
@pytest.mark.parametrize("code", [200, 220, 235, 250, 251, 252, 299])
def test_step_succeeds_by_any_2xx(step: SmtpStep, code: int) -> None:
    assert classified(f"{code} ok", step) is None


@pytest.mark.parametrize("step", [SmtpStep.GREETING, SmtpStep.TLS])
def test_only_220_says_that_a_server_is_ready(step: SmtpStep) -> None:
    assert [code for code in range(1000) if classified(f"{code:03d}", step) is None] == [220]


def test_data_succeeds_by_any_3xx_and_nothing_else() -> None:
    assert [code for code in range(1000) if classified(f"{code:03d}", SmtpStep.DATA) is None] == [
        *range(300, 400)
    ]


def test_only_2xx_to_the_whole_message_delivers() -> None:
    delivered = [code for code in range(1000) if classified(f"{code:03d}", SmtpStep.MESSAGE) == Delivered()]

    assert delivered == [*range(200, 300)]


@pytest.mark.parametrize("code", [0, 100, 199, 300, 354, 399, 600, 999])
def test_nonsense_to_the_message_is_unknown_and_before_it_deferred(code: int) -> None:
    text = f"{code:03d} what"
    assert classified(text, SmtpStep.MESSAGE) == Unknown(detail=text)
    for step in (SmtpStep.SENDER, SmtpStep.RECIPIENT):
        assert classified(text, step) == Deferred(reason=FailureReason.SMTP_UNUSABLE, detail=text)


@pytest.mark.parametrize("step", SESSION)
def test_session_that_is_refused_concerns_every_mail(step: SmtpStep) -> None:
    for code in (100, 300, 400, 421, 454, 500, 535, 550, 554, 599, 600):
        assert classified(f"{code} no", step) == Deferred(
            reason=FailureReason.SMTP_UNUSABLE, blame=Blame.RELAY, detail=f"{code} no"
        )


@pytest.mark.parametrize("step", [*TRANSACTION, SmtpStep.MESSAGE])
@pytest.mark.parametrize(
    "text",
    [
        "530 5.7.0 Authentication required",
        "530 5.7.57 Client not authenticated to send mail",
        "530 log in first",
        "503 5.5.1 bad sequence of commands",
        "535 5.7.8 bad credentials",
        "534 5.7.9 mechanism too weak",
        "538 5.7.11 encryption required",
        "523 no",
        "454 4.7.0 temporary authentication failure",
        "432 4.7.12 password transition needed",
        "500 5.5.2 unknown command",
        "501 syntax",
        "502 not implemented",
        "504 parameter",
        "550 5.7.57 client was not authenticated",
        "554 5.7.8 login",
    ],
)
def test_our_own_fault_waits_for_the_operator_at_any_step(step: SmtpStep, text: str) -> None:
    assert classified(text, step) == Deferred(
        reason=FailureReason.SMTP_UNUSABLE, blame=Blame.RELAY, detail=text
    )


@pytest.mark.parametrize("text", ["550 not you", "553 5.1.8 no such domain", "554 5.7.1 denied", "599 no"])
def test_refused_sender_waits_for_the_operator(text: str) -> None:
    assert classified(text, SmtpStep.SENDER) == Deferred(
        reason=FailureReason.SENDER_REFUSED, blame=Blame.RELAY, detail=text
    )


@pytest.mark.parametrize("step", [*TRANSACTION, SmtpStep.MESSAGE])
@pytest.mark.parametrize(
    "text", ["421 closing", "450 4.7.1 greylisted", "451 later", "452 4.2.2 full", "400", "499"]
)
def test_4xx_is_deferred_for_this_recipient(step: SmtpStep, text: str) -> None:
    assert classified(text, step) == Deferred(reason=FailureReason.SMTP_DEFERRED, detail=text)


@pytest.mark.parametrize(
    ("text", "step", "result"),
    [
        ("550 no such user", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        ("550 5.1.1 unknown", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        ("501 5.1.3 bad address", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        ("551 user not local", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        ("553 5.1.2 no such domain", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        ("550 5.2.1 disabled", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.RECIPIENT_REFUSED)),
        ("552 full", SmtpStep.RECIPIENT, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        ("552 5.2.2 full", SmtpStep.RECIPIENT, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        ("550 5.3.2 not accepting", SmtpStep.RECIPIENT, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        ("550 5.1.8 sender's domain", SmtpStep.RECIPIENT, Deferred(reason=FailureReason.SENDER_REFUSED)),
        ("554 5.7.1 relay denied", SmtpStep.RECIPIENT, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
        ("454 4.7.1 relay denied", SmtpStep.RECIPIENT, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        ("552 5.3.4 too big", SmtpStep.SENDER, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("552 5.3.4 too big", SmtpStep.RECIPIENT, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("552 5.2.3 too big", SmtpStep.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("554 no valid recipients", SmtpStep.DATA, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("554 spam", SmtpStep.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("552 too much", SmtpStep.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("550 5.7.1 policy", SmtpStep.MESSAGE, Rejected(reason=FailureReason.MESSAGE_REFUSED)),
        ("552 5.2.2 full", SmtpStep.MESSAGE, Deferred(reason=FailureReason.SMTP_DEFERRED)),
        ("550 5.7.26 no SPF, no DKIM", SmtpStep.MESSAGE, Deferred(reason=FailureReason.SMTP_UNUSABLE)),
    ],
)
def test_5xx_ends_the_delivery_unless_it_names_what_can_be_mended(
    text: str, step: SmtpStep, result: Deferred | Rejected
) -> None:
    actual = classified(text, step)

    assert isinstance(actual, type(result))
    assert actual.reason is result.reason
    assert actual.detail == text
    if isinstance(actual, Deferred):
        assert actual.blame is Blame.RECEIVER
