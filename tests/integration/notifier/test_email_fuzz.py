"""Mail servers made by a fuzzer: whatever they answer, an attempt has a result in time, and a true one."""

import asyncio
import time

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.notifier.core.attempt_result import Deferred, Delivered, Rejected, Unknown
from tests.support.hostile_smtp import GOOD, HostileSmtp, Says
from tests.support.mailing import mailing_to

STEPS = (
    "greeting",
    "ehlo",
    "helo",
    "mail",
    "rcpt",
    "data",
    "dot",
    "rset",
    "noop",
    "quit",
    "auth",
    "auth-data",
)
TIMEOUT_SECONDS = 0.15

codes = st.one_of(
    st.integers(0, 999), st.sampled_from([220, 250, 251, 252, 354, 421, 450, 530, 550, 552, 554])
)
texts = st.one_of(
    st.binary(max_size=40).map(lambda text: text.replace(b"\n", b" ")),
    st.sampled_from(
        [b"ok", b"5.1.1 no", b"5.7.1 no", b"4.7.0 later", b"AUTH PLAIN LOGIN", b"SIZE 10", b"8BITMIME"]
    ),
)
lines = st.builds(
    lambda code, mark, text, end: b"%03d%b%b%b" % (code, mark, text, end),
    codes,
    st.sampled_from([b" ", b" ", b" ", b"-", b"", b"\t", b"x"]),
    texts,
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""]),
)
replies = st.one_of(
    lines,
    st.lists(lines, max_size=4).map(b"".join),
    st.binary(max_size=60),
    st.builds(
        lambda code, texts: (
            b"".join(b"%03d-%b\r\n" % (code, text) for text in texts) + b"%03d end\r\n" % code
        ),
        codes,
        st.lists(texts, max_size=4),
    ),
)
says = st.builds(
    Says,
    reply=st.one_of(st.none(), st.none(), replies),
    closes=st.sampled_from([False, False, False, True]),
    resets=st.sampled_from([False, False, False, False, True]),
    wait_seconds=st.sampled_from([0.0] * 12 + [0.01, 1.0]),
    in_bytes=st.sampled_from([False, False, False, True]),
)
scripts = st.dictionaries(st.sampled_from(STEPS), says, max_size=4)


@seed(7)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(scripts, min_size=1, max_size=3), st.booleans())
def test_answers_of_any_sort_give_a_result_in_time(found: list[dict[str, Says]], has_login: bool) -> None:
    asyncio.run(_three_mails_to(found, has_login=has_login))


async def _three_mails_to(found: list[dict[str, Says]], *, has_login: bool) -> None:
    login = {"username": "convex", "password": "right"} if has_login else {}
    limits = {
        "timeout_seconds": TIMEOUT_SECONDS,
        "data_timeout_seconds": TIMEOUT_SECONDS,
        "max_connections": 2,
    }
    async with HostileSmtp(*found) as server, mailing_to(server.port, **limits, **login) as mailing:
        started = time.monotonic()
        results = await asyncio.gather(
            *(mailing.mail(f"{name}@example.com") for name in ("ann", "bob", "cyn"))
        )
        assert time.monotonic() - started < 10.0
        for result, name in zip(results, ("ann", "bob", "cyn"), strict=True):
            recipient = f"RCPT TO:<{name}@example.com>".encode()
            mails = [mail for mail in server.mails if mail.recipient == recipient]
            match result:
                case Delivered():
                    # Whoever reads a reply as a success has sent the whole message before, once.
                    assert len(mails) == 1
                    assert mails[0].reply[:1] == b"2"
                case Rejected(detail=detail) | Unknown(detail=detail):
                    assert len(mails) <= 1
                    assert detail.isprintable()
                case Deferred(detail=detail):
                    assert not any(mail.reply == GOOD["dot"] for mail in mails)
                    assert detail.isprintable()
