"""Mail servers that break the rules: every sort of reply at every step, lost connections, silence.

Whatever the server does, the mail channel returns a result in time, calls a mail delivered only if the server
has taken it, and sends the next mail as if nothing had happened.
"""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifier.config import SmtpSecurity
from services.notifier.core.attempt_result import (
    AttemptResult,
    Blame,
    Deferred,
    Delivered,
    FailureReason,
    Rejected,
    Unknown,
)
from tests.support.certificates import certificate_for
from tests.support.hostile_smtp import GOOD, HostileSmtp, Says, Script
from tests.support.mailing import Mailing, mailing_to

SESSION_STEPS = ("greeting", "ehlo")
MAIL_STEPS = ("mail", "rcpt", "data", "dot")
CODES = (
    *(0, 100, 150, 199, 200, 211, 220, 221, 235, 250, 251, 252, 299, 300, 334, 354, 399, 400, 421, 432, 450),
    *(
        451,
        452,
        454,
        455,
        499,
        500,
        501,
        502,
        503,
        504,
        521,
        523,
        530,
        534,
        535,
        538,
        550,
        551,
        552,
        553,
        554,
    ),
    *(555, 556, 571, 599, 600, 999),
)
NO_REPLIES = {
    "no code": b"hello\r\n",
    "two digits": b"25 ok\r\n",
    "four digits": b"2500 ok\r\n",
    "signed": b"+25 ok\r\n",
    "blank": b"\r\n",
    "binary": bytes(range(11, 256)) + b"\r\n",
    "NUL": b"\x00\x00\x00\r\n",
    "line of a megabyte": b"250 " + b"x" * 1_000_000 + b"\r\n",
    "megabyte without an end": b"x" * 1_000_000,
    "lines with two codes": b"250-yes\r\n550 no\r\n",
    "HTTP": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def reply(code: int) -> Says:
    return Says(reply=b"%03d said so\r\n" % code)


async def assert_next_mail_goes_out(mailing: Mailing, server: HostileSmtp) -> None:
    """Send another mail, after any back-off, to a server that behaves from now on."""
    accepted = len(server.accepted)
    mailing.clock.advance(timedelta(minutes=10))
    assert await mailing.mail("bob@example.com") == Delivered()
    assert len(server.accepted) == accepted + 1


def is_success(step: str, code: int) -> bool:
    match step:
        case "greeting":
            return code == 220
        case "data":
            return 300 <= code <= 399
        case _:
            return 200 <= code <= 299


@pytest.mark.parametrize("step", [*SESSION_STEPS, *MAIL_STEPS])
@pytest.mark.parametrize("code", CODES)
async def test_every_code_at_every_step_means_what_the_server_did(step: str, code: int) -> None:
    bad = [reply(code)]
    # A server that refuses EHLO in a way that HELO may mend.
    script: Script = {step: bad, "helo": bad} if step == "ehlo" else {step: bad}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        result = await mailing.mail()
        assert (result == Delivered()) == bool(server.accepted)
        assert (result == Delivered()) == is_success(step, code)
        if step in SESSION_STEPS and not is_success(step, code):
            assert isinstance(result, Deferred)
            assert result.blame is Blame.RELAY
            assert result.retry_after_seconds == 2.5
        if isinstance(result, Rejected):
            assert 500 <= code <= 599
            assert step in ("rcpt", "data", "dot")
        if isinstance(result, Unknown):
            assert step == "dot"
            assert not 200 <= code <= 299
            assert not 400 <= code <= 599
        await assert_next_mail_goes_out(mailing, server)


@pytest.mark.parametrize("step", ["rset", "noop", "quit"])
@pytest.mark.parametrize("code", [100, 221, 354, 421, 450, 500, 502, 503, 550, 999])
async def test_reply_between_mails_never_costs_a_mail(step: str, code: int) -> None:
    script: Script = {"rcpt": [Says(reply=b"550 no such user\r\n")], step: reply(code)}
    async with HostileSmtp(script, one_script=True) as server:
        async with mailing_to(server.port) as mailing:
            assert isinstance(await mailing.mail(), Rejected)
            mailing.clock.advance(timedelta(seconds=10))
            assert await mailing.mail("bob@example.com") == Delivered()
            mailing.clock.advance(timedelta(seconds=10))
            assert await mailing.mail("cyn@example.com") == Delivered()
        assert len(server.accepted) == 2


@pytest.mark.parametrize("what", NO_REPLIES)
@pytest.mark.parametrize("step", [*SESSION_STEPS, *MAIL_STEPS])
async def test_nonsense_is_never_taken_for_a_reply(step: str, what: str) -> None:
    script: Script = {step: [Says(reply=NO_REPLIES[what])]}
    settings = {"timeout_seconds": 0.3, "data_timeout_seconds": 0.3}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port, **settings) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Unknown if step == "dot" else Deferred)
        await assert_next_mail_goes_out(mailing, server)


@pytest.mark.parametrize("step", [*SESSION_STEPS, *MAIL_STEPS])
@pytest.mark.parametrize("piece", [b"250-x\r\n", b"x", b"\x00\xff"])
async def test_endless_reply_ends_in_time(step: str, piece: bytes) -> None:
    script: Script = {step: [Says(reply=piece * 1_000, repeats=True)]}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        started = time.monotonic()
        result = await mailing.mail()
        assert time.monotonic() - started < 2.0
        assert isinstance(result, Unknown if step == "dot" else Deferred)
        await assert_next_mail_goes_out(mailing, server)


@pytest.mark.parametrize("step", [*SESSION_STEPS, *MAIL_STEPS])
@pytest.mark.parametrize(
    "says",
    [
        Says(reply=b"", closes=True),
        Says(reply=b"", resets=True),
        Says(reply=b"2", closes=True),
        Says(reply=b"250-half\r\n", closes=True),
        Says(reply=b"250 no line end", closes=True),
    ],
    ids=["closed", "reset", "digit", "half", "no end"],
)
async def test_connection_lost_at_a_step_is_deferred_and_after_the_message_unknown(
    step: str, says: Says
) -> None:
    async with HostileSmtp({step: [says]}, one_script=True) as server, mailing_to(server.port) as mailing:
        result = await mailing.mail()
        if step == "dot":
            assert isinstance(result, Unknown)
            assert len(server.mails) == 1
        else:
            assert isinstance(result, Deferred)
            assert result.reason is FailureReason.CONNECTION_LOST
            assert not server.mails
        await assert_next_mail_goes_out(mailing, server)


@pytest.mark.parametrize("step", [*SESSION_STEPS, *MAIL_STEPS])
@pytest.mark.parametrize("ends", ["closes", "resets"])
async def test_connection_lost_after_a_good_reply_loses_no_mail(step: str, ends: str) -> None:
    says = Says(closes=ends == "closes", resets=ends == "resets")
    async with HostileSmtp({step: [says]}, one_script=True) as server, mailing_to(server.port) as mailing:
        result = await mailing.mail()
        if step == "dot" and ends == "closes":
            assert result == Delivered()
        elif step == "dot":
            # A reset may overtake the reply.
            assert isinstance(result, Delivered | Unknown)
        elif step == "data":
            # The operating system may take the whole message before it knows that the connection is closed.
            assert isinstance(result, Deferred | Unknown)
        else:
            assert isinstance(result, Deferred)
            assert not server.mails
        await assert_next_mail_goes_out(mailing, server)


@pytest.mark.parametrize("step", [*SESSION_STEPS, *MAIL_STEPS])
async def test_silence_is_waited_for_no_longer_than_configured(step: str) -> None:
    script: Script = {step: [Says(reply=b"", wait_seconds=60)]}
    settings = {"timeout_seconds": 0.2, "data_timeout_seconds": 0.4}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port, **settings) as mailing:
        started = time.monotonic()
        result = await mailing.mail()
        assert time.monotonic() - started < 2.0
        if step == "dot":
            assert isinstance(result, Unknown)
        else:
            assert isinstance(result, Deferred)
            assert result.reason is FailureReason.TIMED_OUT
            assert (result.blame is Blame.RELAY) == (step in ("greeting", "ehlo", "mail"))
        await assert_next_mail_goes_out(mailing, server)


async def test_reply_to_the_message_is_waited_for_longer_than_any_other() -> None:
    script: Script = {"dot": Says(wait_seconds=0.6)}
    settings = {"timeout_seconds": 0.2, "data_timeout_seconds": 5.0}
    async with HostileSmtp(script) as server, mailing_to(server.port, **settings) as mailing:
        assert await mailing.mail() == Delivered()
        assert len(server.mails) == 1


async def test_replies_may_come_byte_by_byte() -> None:
    script: Script = {step: Says(in_bytes=True) for step in GOOD}
    async with HostileSmtp(script) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Delivered()
        assert len(server.accepted) == 1


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("surplus", [b"250 early\r\n", b"550 early\r\n", b"2", b"\x00" * 10])
async def test_reply_that_comes_early_is_not_taken_for_the_next_one(step: str, surplus: bytes) -> None:
    script: Script = {step: [Says(reply=GOOD[step] + surplus)], "dot": [reply(554)]}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Deferred)
        assert not server.mails


async def test_reply_that_follows_that_to_the_message_does_not_reach_the_next_mail() -> None:
    script: Script = {"dot": [Says(reply=b"250 queued\r\n550 no\r\n"), reply(554)]}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Delivered()
        assert isinstance(await mailing.mail(), Rejected)
        assert server.connections == 2


@pytest.mark.parametrize(
    "says",
    [Says(reply=b"421 one mail a connection\r\n", closes=True), Says(reply=b"", closes=True)],
    ids=["421", "closed"],
)
@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
async def test_server_that_ends_the_session_after_one_mail_gets_every_mail_in_one_attempt(
    step: str, says: Says
) -> None:
    script: Script = {step: [Says(), says]}
    async with HostileSmtp(script) as server, mailing_to(server.port) as mailing:
        assert [await mailing.mail(f"{name}@example.com") for name in "abcdef"] == [Delivered()] * 6
        assert len(server.accepted) == 6


async def test_server_that_closes_after_each_mail_gets_every_mail_in_one_attempt() -> None:
    async with HostileSmtp({"dot": Says(closes=True)}) as server, mailing_to(server.port) as mailing:
        assert [await mailing.mail(f"{name}@example.com") for name in "abcdef"] == [Delivered()] * 6
        assert server.connections == 6


async def test_421_on_a_new_line_is_deferred_and_not_tried_for_ever() -> None:
    script: Script = {"mail": Says(reply=b"421 4.3.2 shutting down\r\n", closes=True)}
    async with HostileSmtp(script) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Deferred(
            reason=FailureReason.SMTP_DEFERRED, detail="421 4.3.2 shutting down"
        )
        assert server.connections == 1


async def test_421_to_the_message_is_not_repeated_within_the_attempt() -> None:
    script: Script = {"dot": [Says(), Says(reply=b"421 closing\r\n", closes=True)]}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Delivered()
        assert isinstance(await mailing.mail(), Deferred)
        assert len(server.mails) == 2


async def test_retry_asks_for_a_sign_of_life_before_it_uses_an_old_line() -> None:
    # The line is silently dead: the server takes commands and answers nothing.
    first: Script = {
        "noop": Says(reply=b"", wait_seconds=60),
        "mail": [Says(), Says(reply=b"", wait_seconds=60)],
    }
    async with HostileSmtp(first, {}) as server, mailing_to(server.port, timeout_seconds=0.3) as mailing:
        assert await mailing.mail() == Delivered()
        assert await mailing.mail(needs_fresh_connection=True) == Delivered()
        assert server.connections == 2


@pytest.mark.parametrize(
    "text",
    [
        b"550 Empf\xe4nger unbekannt\r\n",
        "550 Empfänger unbekannt\r\n".encode(),
        b"550-Empf\xe4nger\r\n550 unbekannt\r\n",
        b"550 Empf\xe4nger\x00unbekannt\r\n",
        b"550 \xed\xa0\x80 Empf\xe4nger unbekannt\r\n",
        b"550 " + b"Empf\xe4nger " * 500 + b"\r\n",
    ],
)
async def test_text_of_a_refusal_stays_readable_whatever_its_bytes(text: bytes) -> None:
    async with HostileSmtp({"rcpt": Says(reply=text)}) as server, mailing_to(server.port) as mailing:
        result = await mailing.mail()

    assert isinstance(result, Rejected)
    assert "Empfänger" in result.detail
    assert result.detail.isprintable()
    assert len(result.detail) <= 300
    assert result.detail.encode()


@pytest.mark.parametrize(
    ("step", "text", "reason"),
    [
        ("mail", b"530 5.7.0 log in first\r\n", FailureReason.SMTP_UNUSABLE),
        ("mail", b"503 what\r\n", FailureReason.SMTP_UNUSABLE),
        ("mail", b"550 not you\r\n", FailureReason.SENDER_REFUSED),
        ("rcpt", b"530 5.7.57 log in first\r\n", FailureReason.SMTP_UNUSABLE),
        ("data", b"503 what\r\n", FailureReason.SMTP_UNUSABLE),
        ("dot", b"535 5.7.8 no\r\n", FailureReason.SMTP_UNUSABLE),
    ],
)
async def test_refusal_of_every_mail_is_tried_once_and_then_after_a_pause(
    step: str, text: bytes, reason: FailureReason
) -> None:
    async with HostileSmtp({step: Says(reply=text)}) as server, mailing_to(server.port) as mailing:
        results = await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(40)))
        assert {result.reason for result in results if isinstance(result, Deferred)} == {reason}
        assert len(results) == 40
        # Those that were under way when the first was refused.
        assert server.count(b"MAIL") <= 4
        before = server.count(b"MAIL")
        mailing.clock.advance(timedelta(seconds=3))
        await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(40)))
        assert server.count(b"MAIL") == before + 1


async def test_refusal_that_names_one_recipient_leaves_the_others_alone() -> None:
    # A server that takes others' mails on the same line does not lack our login.
    script: Script = {"rcpt": [Says(), Says(reply=b"530 5.7.0 not for this one\r\n")]}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Delivered()
        refused = await mailing.mail("bob@example.com")
        assert isinstance(refused, Deferred)
        assert refused.blame is Blame.RECEIVER
        assert await mailing.mail("cyn@example.com") == Delivered()


async def test_wrong_password_is_tried_once_for_a_hundred_mails() -> None:
    script: Script = {
        "ehlo": Says(reply=b"250-mail.example\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n"),
        "auth": Says(reply=b"535 5.7.8 wrong\r\n"),
    }
    settings = {"username": "convex", "password": "wrong"}
    async with HostileSmtp(script) as server, mailing_to(server.port, **settings) as mailing:
        results = await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(100)))
        assert set(results) == {
            Deferred(
                reason=FailureReason.SMTP_UNUSABLE,
                blame=Blame.RELAY,
                retry_after_seconds=2.5,
                detail="login: 535 5.7.8 wrong",
            )
        }
        assert server.count(b"AUTH") == 1
        waits = []
        for _ in range(8):
            mailing.clock.advance(timedelta(minutes=5))
            results = await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(20)))
            waits += [result.retry_after_seconds for result in results[:1] if isinstance(result, Deferred)]
        assert server.count(b"AUTH") == 9
        assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 150.0, 150.0, 150.0]


async def test_password_that_is_right_again_sends_what_waits() -> None:
    script: Script = {
        "ehlo": Says(reply=b"250-mail.example\r\n250 AUTH PLAIN\r\n"),
        "auth": [Says(reply=b"454 4.7.0 directory is down\r\n")],
    }
    settings = {"username": "convex", "password": "right"}
    async with (
        HostileSmtp(script, one_script=True) as server,
        mailing_to(server.port, **settings) as mailing,
    ):
        assert isinstance(await mailing.mail(), Deferred)
        mailing.clock.advance(timedelta(seconds=3))
        results = await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(20)))
        assert results == [Delivered()] * 20


@pytest.mark.parametrize(
    ("offer", "replies", "sent"),
    [
        (b"AUTH PLAIN", [b"235 ok\r\n"], [b"AUTH PLAIN AGNvbnZleABw5HNz"]),
        (b"AUTH=PLAIN", [b"235 ok\r\n"], [b"AUTH PLAIN AGNvbnZleABw5HNz"]),
        (b"AUTH PLAIN", [b"334 \r\n", b"235 ok\r\n"], [b"AUTH PLAIN AGNvbnZleABw5HNz", b"AGNvbnZleABw5HNz"]),
        (
            b"AUTH XOAUTH2 LOGIN",
            [b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 ok\r\n"],
            [b"AUTH LOGIN", b"Y29udmV4", b"cORzcw=="],
        ),
        (
            b"AUTH PLAIN CRAM-MD5",
            [b"334 PDEyMz4=\r\n", b"235 ok\r\n"],
            [b"AUTH CRAM-MD5", b"Y29udmV4IDE5YTQ5ZTM0MGVmYTc4ZDM1ZDI0ZDYzMmIzNDdjZTRj"],
        ),
        # The mechanism is not possible here: that was no login.
        (
            b"AUTH CRAM-MD5 PLAIN",
            [b"504 no\r\n", b"235 ok\r\n"],
            [b"AUTH CRAM-MD5", b"AUTH PLAIN AGNvbnZleABw5HNz"],
        ),
    ],
)
async def test_login_speaks_what_the_server_offers(
    offer: bytes, replies: list[bytes], sent: list[bytes]
) -> None:
    says = [Says(reply=each) for each in replies]
    auth_count = sum(line.startswith(b"AUTH") for line in sent)
    script: Script = {
        "ehlo": Says(reply=b"250-mail.example\r\n250-SIZE\r\n250 " + offer + b"\r\n"),
        "auth": says[:auth_count],
        "auth-data": says[auth_count:],
    }
    settings = {"username": "convex", "password": "p\udce4ss"}
    async with HostileSmtp(script) as server, mailing_to(server.port, **settings) as mailing:
        assert await mailing.mail() == Delivered()
        logged = server.commands[1 : 1 + len(sent)]
        if b"CRAM" not in sent[0] or auth_count > 1:
            assert logged == sent
        else:
            assert logged[0] == sent[0]


@pytest.mark.parametrize(
    "script",
    [
        {"ehlo": Says(reply=b"250-mail.example\r\n250 AUTH XOAUTH2\r\n")},
        {"ehlo": Says(reply=b"250 mail.example\r\n")},
        {"ehlo": Says(reply=b"500 what\r\n")},
        {
            "ehlo": Says(reply=b"250-mail.example\r\n250 AUTH LOGIN\r\n"),
            "auth": Says(reply=b"334 x\r\n"),
            "auth-data": Says(reply=b"334 and more\r\n"),
        },
        {
            "ehlo": Says(reply=b"250-mail.example\r\n250 AUTH PLAIN\r\n"),
            "auth": Says(reply=b"", closes=True),
        },
    ],
    ids=["other mechanism", "none", "no EHLO", "endless questions", "closed"],
)
async def test_no_mail_goes_out_without_the_login(script: dict[str, Says]) -> None:
    settings = {"username": "convex", "password": "right"}
    async with HostileSmtp(script) as server, mailing_to(server.port, **settings) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Deferred)
        assert result.blame is Blame.RELAY
        assert server.count(b"MAIL") == 0


async def test_helo_serves_where_ehlo_is_unknown() -> None:
    script: Script = {"ehlo": Says(reply=b"502 what\r\n"), "helo": Says(reply=b"220 hello\r\n")}
    async with HostileSmtp(script) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Delivered()
        assert len(server.accepted) == 1


@pytest.mark.parametrize(
    ("extensions", "options"),
    [
        ([b"SIZE 1000000", b"8BITMIME", b"SMTPUTF8"], [b"SIZE=", b"BODY=8BITMIME"]),
        ([b"size"], [b"SIZE="]),
        ([b"SIZE 0"], [b"SIZE="]),
        ([b"SIZE " + b"9" * 100], [b"SIZE="]),
        ([b"SIZE -5"], [b"SIZE="]),
        ([b"SIZE what"], [b"SIZE="]),
        ([b"X\xe4 \x00", b"", b"-", b"8BITMIME"], [b"BODY=8BITMIME"]),
    ],
)
async def test_extensions_are_used_as_announced(extensions: list[bytes], options: list[bytes]) -> None:
    lines = [b"mail.example", *extensions]
    ehlo = b"".join(b"250-%b\r\n" % line for line in lines) + b"250 HELP\r\n"
    async with HostileSmtp({"ehlo": Says(reply=ehlo)}) as server, mailing_to(server.port) as mailing:
        assert await mailing.mail() == Delivered()
        (mail,) = server.accepted
        is_ascii = mail.content.isascii()
        for option in (b"SIZE=", b"BODY=8BITMIME"):
            expected = option in options and not (option.startswith(b"BODY") and is_ascii)
            assert (option in mail.sender) == expected


async def test_mail_larger_than_the_server_takes_is_not_sent() -> None:
    script: Script = {"ehlo": Says(reply=b"250-mail.example\r\n250 SIZE 1000\r\n")}
    async with HostileSmtp(script) as server, mailing_to(server.port) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Rejected)
        assert result.reason is FailureReason.MESSAGE_REFUSED
        assert "the mail server takes 1000" in result.detail
        assert server.count(b"MAIL") == 0


@pytest.mark.parametrize("port_of", ["closed port", "no such host", "bad name"])
async def test_server_that_cannot_be_reached_blames_the_relay(port_of: str) -> None:
    async with HostileSmtp() as server:
        port = server.port
    host = {"closed port": "127.0.0.1", "no such host": "no-such-host.invalid", "bad name": "a..b"}[port_of]
    async with mailing_to(port, host=host) as mailing:
        result = await mailing.mail()
    assert isinstance(result, Deferred)
    assert result.reason is FailureReason.CONNECT_FAILED
    assert result.blame is Blame.RELAY


# Lines.


async def test_lines_are_opened_as_needed_and_no_more_than_configured() -> None:
    async with (
        HostileSmtp({"dot": Says(wait_seconds=0.05)}) as server,
        mailing_to(server.port, max_connections=3) as mailing,
    ):
        for name in "abc":
            await mailing.mail(f"{name}@example.com")
        assert server.connections == 1
        results = await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(30)))
        assert results == [Delivered()] * 30
        assert server.connections == server.most_open == 3


async def test_slow_recipient_does_not_hold_every_line() -> None:
    server = HostileSmtp({"rcpt": Says(wait_seconds=0.3)}, {"rcpt": Says(wait_seconds=0.3)}, {})
    async with server, mailing_to(server.port, max_connections=4) as mailing:
        slow = [asyncio.create_task(mailing.mail("slow@example.com")) for _ in range(8)]
        await asyncio.sleep(0.1)
        started = time.monotonic()
        assert await mailing.mail("ann@example.com") == Delivered()
        assert time.monotonic() - started < 0.25
        assert await asyncio.gather(*slow) == [Delivered()] * 8


async def test_mail_waits_for_a_line_no_longer_than_bounded() -> None:
    script: Script = {"dot": Says(wait_seconds=60)}
    settings = {"max_connections": 1, "timeout_seconds": 0.1}
    async with HostileSmtp(script) as server, mailing_to(server.port, **settings) as mailing:
        hanging = asyncio.create_task(mailing.mail("slow@example.com"))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        result = await mailing.mail("ann@example.com")
        assert time.monotonic() - started < 1.0
        assert isinstance(result, Deferred)
        assert result.blame is Blame.RELAY
        assert result.reason is FailureReason.TIMED_OUT
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)


async def test_limit_of_connections_at_the_server_slows_mails_down_and_stops_none() -> None:
    too_many = {"greeting": Says(reply=b"421 too many connections\r\n", closes=True)}
    slow = {"dot": Says(wait_seconds=0.02)}
    async with (
        HostileSmtp(slow, slow, too_many) as server,
        mailing_to(server.port, max_connections=4) as mailing,
    ):
        results = await asyncio.gather(*(mailing.mail(f"{number}@example.com") for number in range(20)))
        assert results == [Delivered()] * 20
        assert server.connections == 3


@pytest.mark.parametrize("step", ["greeting", "ehlo", "mail", "rcpt", "data", "dot"])
async def test_cancelled_mail_leaves_nothing_for_the_next_one(step: str) -> None:
    script: Script = {step: [Says(wait_seconds=0.2)]}
    async with HostileSmtp(script, one_script=True) as server, mailing_to(server.port) as mailing:
        task = asyncio.create_task(mailing.mail("ann@example.com"))
        await asyncio.sleep(0.1)
        task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert await mailing.mail("bob@example.com") == Delivered()
        assert server.accepted[-1].recipient == b"RCPT TO:<bob@example.com>"


async def test_many_cancelled_mails_lose_no_line() -> None:
    async with HostileSmtp() as server, mailing_to(server.port, max_connections=2) as mailing:
        for round_number in range(30):
            tasks = [asyncio.create_task(mailing.mail(f"{number}@example.com")) for number in range(10)]
            await asyncio.sleep(0.001 * (round_number % 5))
            for task in tasks[::2]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert results[1::2] == [Delivered()] * 5
        assert server.most_open <= 4


async def test_unused_line_is_closed() -> None:
    async with HostileSmtp() as server, mailing_to(server.port, idle_seconds=0) as mailing:
        assert await mailing.mail() == Delivered()
        async with asyncio.timeout(3):
            await server.wait_until_unused()


# TLS.


async def test_starttls_takes_nothing_that_came_before_the_encryption(tmp_path: Path) -> None:
    tls, ca_file = certificate_for("localhost", tmp_path)
    script: Script = {
        "ehlo": Says(reply=b"250-mail.example\r\n250 STARTTLS\r\n"),
        "starttls": Says(reply=b"220 go\r\n250-mail.example\r\n250 AUTH PLAIN\r\n"),
    }
    settings = {"security": SmtpSecurity.STARTTLS, "ca_file": ca_file, "host": "localhost"}
    async with HostileSmtp(script, tls=tls) as server, mailing_to(server.port, **settings) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Deferred)
        assert result.reason is FailureReason.SMTP_UNUSABLE
        assert server.count(b"MAIL") == 0


@pytest.mark.parametrize(
    "says",
    [
        reply(454),
        reply(502),
        reply(250),
        Says(reply=b"220 go\r\n", closes=True),
        Says(reply=b"220 go\r\n", wait_seconds=60),
    ],
    ids=["454", "502", "250", "closed", "silent"],
)
async def test_server_that_does_not_encrypt_gets_no_mail(says: Says, tmp_path: Path) -> None:
    _, ca_file = certificate_for("localhost", tmp_path)
    script: Script = {"ehlo": Says(reply=b"250-mail.example\r\n250 STARTTLS\r\n"), "starttls": says}
    settings = {
        "security": SmtpSecurity.STARTTLS,
        "ca_file": ca_file,
        "host": "localhost",
        "timeout_seconds": 0.3,
    }
    async with HostileSmtp(script) as server, mailing_to(server.port, **settings) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Deferred)
        assert result.blame is Blame.RELAY
        assert server.count(b"MAIL") == 0


async def test_plain_server_behind_a_tls_port_and_the_other_way_round(tmp_path: Path) -> None:
    tls, ca_file = certificate_for("localhost", tmp_path)
    secure = {"security": SmtpSecurity.TLS, "ca_file": ca_file, "host": "localhost", "timeout_seconds": 0.5}
    results: list[AttemptResult] = []
    async with HostileSmtp() as server, mailing_to(server.port, **secure) as mailing:
        results.append(await mailing.mail())
    async with (
        HostileSmtp(tls=tls, is_tls=True) as server,
        mailing_to(server.port, timeout_seconds=0.5) as mailing,
    ):
        results.append(await mailing.mail())
    for result in results:
        assert isinstance(result, Deferred)
        assert result.blame is Blame.RELAY


async def test_mails_go_out_encrypted_by_both_ways(tmp_path: Path) -> None:
    tls, ca_file = certificate_for("localhost", tmp_path)
    known = {"ca_file": ca_file, "host": "localhost"}
    script: Script = {"ehlo": Says(reply=b"250-mail.example\r\n250 STARTTLS\r\n")}
    async with (
        HostileSmtp(script, tls=tls) as server,
        mailing_to(server.port, security=SmtpSecurity.STARTTLS, **known) as mailing,
    ):
        assert [await mailing.mail() for _ in range(3)] == [Delivered()] * 3
        assert server.count(b"EHLO") == 2
    async with (
        HostileSmtp(tls=tls, is_tls=True) as server,
        mailing_to(server.port, security=SmtpSecurity.TLS, **known) as mailing,
    ):
        assert [await mailing.mail() for _ in range(3)] == [Delivered()] * 3


async def test_file_of_ca_certificates_that_cannot_be_read_makes_mails_wait(tmp_path: Path) -> None:
    settings = {"security": SmtpSecurity.TLS, "ca_file": tmp_path / "missing.pem"}
    async with HostileSmtp() as server, mailing_to(server.port, **settings) as mailing:
        result = await mailing.mail()
        assert isinstance(result, Deferred)
        assert result.reason is FailureReason.SMTP_UNUSABLE
