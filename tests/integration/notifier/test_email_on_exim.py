"""Mails through Exim, a real mail server: what it refuses, when it ends sessions, what arrives."""

import asyncio
from pathlib import Path

from services.notifier.config import SmtpSecurity
from services.notifier.core.attempt_result import Blame, Deferred, Delivered, FailureReason, Rejected
from tests.support.certificates import certificate_for
from tests.support.exim import Exim
from tests.support.mailing import mailing_to


async def test_twenty_mails_arrive_once_although_each_session_ends_after_three() -> None:
    with Exim() as exim:
        async with mailing_to(exim.port, timeout_seconds=20.0) as mailing:
            addresses = [f"r{number}@example.com" for number in range(20)]
            results = await asyncio.gather(*(mailing.mail(address) for address in addresses))
        assert results == [Delivered()] * 20
        arrived = await asyncio.to_thread(exim.mails, 20)

    assert sorted(mail["To"] for mail in arrived) == sorted(addresses)
    assert len({mail["Message-ID"] for mail in arrived}) == 20
    for mail in arrived:
        assert not mail.defects
        text, html = mail.iter_parts()
        assert "16 h 35 min old" in text.get_content()
        assert html.get_content().startswith("<!doctype html>")


async def test_what_it_says_of_one_recipient_does_not_touch_the_next() -> None:
    with Exim() as exim:
        async with mailing_to(exim.port, timeout_seconds=20.0) as mailing:
            refused = await mailing.mail("nobody@example.com")
            later = await mailing.mail("later@example.com")
            delivered = await mailing.mail("ann@example.com")
        assert isinstance(refused, Rejected)
        assert refused.reason is FailureReason.RECIPIENT_REFUSED
        assert "Empfänger unbekannt" in refused.detail
        assert isinstance(later, Deferred)
        assert (later.reason, later.blame) == (FailureReason.SMTP_DEFERRED, Blame.RECEIVER)
        assert delivered == Delivered()


async def test_login_over_starttls(tmp_path: Path) -> None:
    _, certificate = certificate_for("localhost", tmp_path)
    secure = {
        "host": "localhost",
        "security": SmtpSecurity.STARTTLS,
        "ca_file": certificate,
        "timeout_seconds": 20.0,
    }
    logins = (("right", Delivered), ("wrong", Deferred), (None, Deferred))
    with Exim(certificate=certificate, key=tmp_path / "key.pem", needs_login=True) as exim:
        for password, expected in logins:
            user = {"username": "convex", "password": password} if password is not None else {}
            async with mailing_to(exim.port, **secure, **user) as mailing:
                result = await mailing.mail()
                assert isinstance(result, expected)
                if isinstance(result, Deferred):
                    assert result.blame is Blame.RELAY
                    assert result.retry_after_seconds == 2.5
        assert len(await asyncio.to_thread(exim.mails, 1)) == 1
