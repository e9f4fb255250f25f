"""E-mails against a real SMTP server: what arrives, what each reply means, how the connection is kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notifier.config import SmtpSecurity
from services.notifier.core.attempt_result import Blame, Deferred, Delivered, FailureReason, Rejected
from shared.domain.divergences import Transition
from tests.support.builders import divergence
from tests.support.certificates import certificate_for
from tests.support.mailing import START, Mailing, mailing_to, message_about
from tests.support.receivers import MailSink


@asynccontextmanager
async def mailing(sink: MailSink, **settings: Any) -> AsyncIterator[Mailing]:
    async with sink, mailing_to(sink.port, **settings) as ready:
        yield ready


async def test_mail_arrives_with_both_forms_and_its_headers() -> None:
    sink = MailSink()
    async with mailing(sink) as setup:
        assert await setup.channel.attempt(message_about(divergence())) == Delivered()

    (mail,) = sink.mails
    assert mail.sender == "alerts@convex.example"
    assert mail.recipients == ("ann@example.com",)
    parsed = mail.message
    assert parsed["From"] == "Convex Ålerts <alerts@convex.example>"
    assert parsed["To"] == "ann@example.com"
    assert parsed["Subject"] == "Gold is rich against IWM, z +2.31 (provisional)"
    assert parsed["Date"].datetime == START
    assert parsed["Message-ID"] == message_about(divergence()).message_id
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["List-Id"] == "Convex gold-iwm <gold-iwm.convex.example>"
    assert parsed.get_content_type() == "multipart/alternative"
    text, html = parsed.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert "16 h 35 min old" in text.get_content()
    assert html.get_content_type() == "text/html"
    assert html.get_content().startswith("<!doctype html>")
    assert not parsed.defects


async def test_divergence_is_one_thread() -> None:
    sink = MailSink()
    async with mailing(sink) as setup:
        await setup.channel.attempt(message_about(divergence()))
        await setup.channel.attempt(message_about(divergence(type=Transition.CLOSED)))

    opening, closing = (mail.message for mail in sink.mails)
    assert opening["References"] is None
    assert closing["References"] == opening["Message-ID"]
    assert closing["In-Reply-To"] == opening["Message-ID"]
    assert closing["Message-ID"] != opening["Message-ID"]


async def test_retry_sends_the_same_bytes() -> None:
    sink = MailSink(message_replies=["451 later"])
    async with mailing(sink) as setup:
        first = await setup.channel.attempt(message_about(divergence()))
        setup.clock.advance(timedelta(hours=1))
        second = await setup.channel.attempt(message_about(divergence()))
        third = await setup.channel.attempt(message_about(divergence()))

    assert isinstance(first, Deferred)
    assert second == third == Delivered()
    assert sink.mails[0].content == sink.mails[1].content


@pytest.mark.parametrize(
    ("replies", "answer"),
    [
        ({"mail_replies": ["451 busy"]}, Deferred(reason=FailureReason.SMTP_DEFERRED, detail="451 busy")),
        (
            {"recipient_replies": ["450 greylisted"]},
            Deferred(reason=FailureReason.SMTP_DEFERRED, detail="450 greylisted"),
        ),
        ({"message_replies": ["452 full"]}, Deferred(reason=FailureReason.SMTP_DEFERRED, detail="452 full")),
        (
            {"recipient_replies": ["550 no such user"]},
            Rejected(reason=FailureReason.RECIPIENT_REFUSED, detail="550 no such user"),
        ),
        (
            {"message_replies": ["554 spam"]},
            Rejected(reason=FailureReason.MESSAGE_REFUSED, detail="554 spam"),
        ),
    ],
)
async def test_reply_decides_and_the_next_mail_goes_out(replies: dict[str, Any], answer: object) -> None:
    sink = MailSink(**replies)
    async with mailing(sink) as setup:
        assert await setup.channel.attempt(message_about(divergence())) == answer
        assert await setup.channel.attempt(message_about(divergence())) == Delivered()

    assert sink.connections == 1


async def test_refused_sender_waits_for_the_operator_with_all_mails() -> None:
    sink = MailSink(mail_replies=["550 not you"])
    async with mailing(sink) as setup:
        refused = await setup.channel.attempt(message_about(divergence()))
        meanwhile = await setup.channel.attempt(message_about(divergence()))
        setup.clock.advance(timedelta(seconds=2.5))
        assert await setup.channel.attempt(message_about(divergence())) == Delivered()

    assert refused == Deferred(
        reason=FailureReason.SENDER_REFUSED,
        blame=Blame.RELAY,
        retry_after_seconds=2.5,
        detail="550 not you",
    )
    assert meanwhile == refused
    assert sink.connections == 2


async def test_line_is_kept_between_mails() -> None:
    sink = MailSink()
    async with mailing(sink, idle_seconds=60) as setup:
        for wait_seconds in (0, 4, 30):
            setup.clock.advance(timedelta(seconds=wait_seconds))
            await setup.channel.attempt(message_about(divergence()))

    assert len(sink.mails) == 3
    assert sink.connections == 1


async def test_line_that_was_idle_for_long_is_replaced() -> None:
    sink = MailSink()
    async with mailing(sink, idle_seconds=60) as setup:
        await setup.channel.attempt(message_about(divergence()))
        setup.clock.advance(timedelta(seconds=61))
        await setup.channel.attempt(message_about(divergence()))

    assert sink.connections == 2


async def test_server_that_hung_up_meanwhile_costs_nothing() -> None:
    sink = MailSink()
    async with mailing(sink) as setup:
        await setup.channel.attempt(message_about(divergence()))
        await sink.drop_connections()
        setup.clock.advance(timedelta(seconds=6))
        assert await setup.channel.attempt(message_about(divergence())) == Delivered()

    assert len(sink.mails) == 2


async def test_server_that_is_not_there_is_deferred() -> None:
    async with MailSink() as sink:
        port = sink.port
    answer = await Mailing(port).channel.attempt(message_about(divergence()))

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.CONNECT_FAILED


async def test_login_is_made_and_a_wrong_password_waits_for_the_operator() -> None:
    sink = MailSink(login=("convex", "right"))
    async with mailing(sink, username="convex", password="right") as setup:
        assert await setup.channel.attempt(message_about(divergence())) == Delivered()
    sink = MailSink(login=("convex", "right"))
    async with mailing(sink, username="convex", password="wrong") as setup:
        answer = await setup.channel.attempt(message_about(divergence()))

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.SMTP_UNUSABLE


async def test_server_without_starttls_gets_no_mail_in_the_clear() -> None:
    sink = MailSink()
    async with mailing(sink, security=SmtpSecurity.STARTTLS) as setup:
        answer = await setup.channel.attempt(message_about(divergence()))

    assert isinstance(answer, Deferred)
    assert answer.reason is FailureReason.SMTP_UNUSABLE
    assert sink.mails == []


async def test_starttls_verifies_the_server(tmp_path: Path) -> None:
    tls, ca_file = certificate_for("localhost", tmp_path)
    secure = {"security": SmtpSecurity.STARTTLS, "ca_file": ca_file}
    sink = MailSink(tls=tls)
    async with mailing(sink, host="localhost", **secure) as setup:
        trusted = await setup.channel.attempt(message_about(divergence()))
    sink_by_address = MailSink(tls=tls)
    async with mailing(sink_by_address, **secure) as setup:
        untrusted = await setup.channel.attempt(message_about(divergence()))

    assert trusted == Delivered()
    assert isinstance(untrusted, Deferred)
    assert sink_by_address.mails == []
