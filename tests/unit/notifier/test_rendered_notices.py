"""What the owner of a subscription reads."""

import pytest

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.notices import Notice, ReceiverCondition
from services.notifier.render.notice import NoticeRenderer, notice_view
from shared.domain.deliveries import Channel
from tests.unit.notifier.test_notices import HOUR_NS, SINCE_NS, notice

RENDERER = NoticeRenderer()
HOST = "https://desk.example"


def text_of(told: Notice) -> str:
    return RENDERER.render(told, receiver=HOST).text


def test_mail_about_a_failure_says_since_when_why_how_much_waits_and_what_to_do() -> None:
    mail = RENDERER.render(notice(), receiver=HOST)

    assert mail.subject == "Convex cannot deliver to the webhook desk"
    assert "The webhook desk has failed for 1 h" in mail.text
    assert "https://desk.example has succeeded since Fri 28 Nov 2025, 12:00:00 UTC (07:00 New York)." in (
        mail.text
    )
    assert "because it answered with a server error (5xx)." in mail.text
    assert "3 messages wait for it" in mail.text
    assert "    convex deliveries retry desk\n" in mail.text


def test_mail_about_the_end_of_a_failure_says_for_how_long_it_was() -> None:
    mail = RENDERER.render(notice(condition=ReceiverCondition.RECOVERED, reason=""), receiver=HOST)

    assert mail.subject == "Convex can deliver to the webhook desk again"
    assert "It had failed for 1 h, since Fri 28 Nov 2025" in mail.text
    assert "GET /v1/events" in mail.text


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("gone", "it answered 410 Gone"),
        ("disabled", "it answered with the header webhook-delivery: disable"),
    ],
)
def test_mail_about_a_receiver_that_is_gone_has_the_way_back(reason: str, why: str) -> None:
    mail = RENDERER.render(notice(condition=ReceiverCondition.GONE, reason=reason), receiver=HOST)

    assert mail.subject == "Convex no longer sends to the webhook desk"
    assert why in mail.text
    assert "3 messages that waited for it were not delivered." in mail.text
    assert "    convex deliveries enable desk\n" in mail.text


@pytest.mark.parametrize(
    ("condition", "count", "sentence"),
    [
        (ReceiverCondition.PAUSED, 0, "No message waits for it now."),
        (ReceiverCondition.PAUSED, 1, "1 message waits for it; each"),
        (ReceiverCondition.PAUSED, 1_204, "1,204 messages wait for it; each"),
        (ReceiverCondition.RECOVERED, 0, "No message waits for it any more."),
        (ReceiverCondition.RECOVERED, 1, "1 message waits for it and is being sent now."),
        (ReceiverCondition.RECOVERED, 2, "2 messages wait for it and are being sent now."),
        (ReceiverCondition.GONE, 0, "No message was waiting for it."),
        (ReceiverCondition.GONE, 1, "1 message that waited for it was not delivered."),
    ],
)
def test_number_of_messages_is_in_words(condition: ReceiverCondition, count: int, sentence: str) -> None:
    assert sentence in text_of(notice(condition=condition, waiting=count))


@pytest.mark.parametrize("reason", [*FailureReason, "of a later version"])
def test_every_reason_makes_a_sentence(reason: str) -> None:
    assert "The last attempt failed because " in text_of(notice(reason=reason))


def test_failure_whose_reason_is_not_known_says_nothing_of_it() -> None:
    text = text_of(notice(reason=""))

    assert "failed because" not in text
    assert "has failed for 1 h" in text


@pytest.mark.parametrize("condition", ReceiverCondition)
@pytest.mark.parametrize("channel", Channel)
def test_both_forms_say_the_same(condition: ReceiverCondition, channel: Channel) -> None:
    told = notice(condition=condition, channel=channel)
    mail = RENDERER.render(told, receiver="a<b>.example")
    view = notice_view(told, receiver="a<b>.example")

    assert mail.html.startswith("<!doctype html>")
    assert "a&lt;b&gt;.example" in mail.html
    assert "a<b>.example" in mail.text
    for sentence in view.sentences:
        assert sentence in mail.text
    for step in view.steps:
        assert step.command in mail.text
        assert step.command in mail.html


def test_failure_of_a_second_is_no_special_case() -> None:
    assert "has failed for 2 h" in text_of(notice(at_ns=SINCE_NS + 2 * HOUR_NS))
    assert "has failed for under 1 s" in text_of(notice(at_ns=SINCE_NS - 1))
