"""Replies of an SMTP server, well formed and not, in every piece that a network may cut them into."""

from itertools import islice

import pytest

from services.notifier.core.smtp_reply import MalformedReply, ReplyParser, SmtpReply


def parsed(*pieces: bytes) -> list[SmtpReply]:
    parser = ReplyParser()
    return [reply for piece in pieces for reply in parser.feed(piece)]


@pytest.mark.parametrize(
    ("data", "code", "lines"),
    [
        (b"250 ok\r\n", 250, (b"ok",)),
        (b"250\r\n", 250, (b"",)),
        (b"250 \r\n", 250, (b"",)),
        (b"250\tok\r\n", 250, (b"ok",)),
        (b"250 ok\n", 250, (b"ok",)),
        (b"250-one\r\n250-\r\n250 three\r\n", 250, (b"one", b"", b"three")),
        (b"250-one\r\n250\r\n", 250, (b"one", b"")),
        (b"550 Empf\xe4nger\x00\r\n", 550, (b"Empf\xe4nger\x00",)),
        (b"550 a\rb\r\n", 550, (b"a\rb",)),
        (b"000 ?\r\n", 0, (b"?",)),
        (b"999 ?\r\n", 999, (b"?",)),
    ],
)
def test_reply_is_code_and_text_wherever_it_is_cut(data: bytes, code: int, lines: tuple[bytes, ...]) -> None:
    expected = [SmtpReply(code=code, lines=lines)]

    assert parsed(data) == expected
    assert parsed(*(data[at : at + 1] for at in range(len(data)))) == expected
    for cut in range(len(data)):
        assert parsed(data[:cut], data[cut:]) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"\n",
        b"hello\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"+25 ok\r\n",
        b" 250 ok\r\n",
        b"2_5 ok\r\n",
        b"250ok\r\n",
        b"\xb2\xb5\xb0 ok\r\n",
        "२५० ok\r\n".encode(),
        b"250-one\r\n550 two\r\n",
        b"550-one\r\n250 two\r\n",
        b"250-one\r\nno code\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"250 " + b"x" * 9_000,
        b"x" * 9_000,
        b"250-" + b"x" * 8_000 + b"\r\n" + (b"250-" + b"x" * 8_000 + b"\r\n") * 5,
        b"250-\r\n" * 1_000,
    ],
)
def test_anything_else_is_no_reply(data: bytes) -> None:
    with pytest.raises(MalformedReply):
        parsed(data)


def test_endless_reply_is_refused_before_it_takes_memory() -> None:
    parser = ReplyParser()
    endless = iter(lambda: parser.feed(b"250-x\r\n"), (SmtpReply(code=0),))

    with pytest.raises(MalformedReply):
        assert len(list(islice(endless, 10_000))) < 10_000


def test_limits_are_of_one_reply_and_not_of_the_connection() -> None:
    assert len(parsed(*[b"250 " + b"x" * 500 + b"\r\n"] * 1_000)) == 1_000
    assert len(parsed(b"250 ok\r\n" * 10_000)) == 10_000


def test_parser_says_whether_a_reply_has_begun() -> None:
    parser = ReplyParser()
    states = [parser.is_empty]
    for piece in (b"25", b"0-one\r\n", b"250 two\r\n", b"250 a\r\n2"):
        parser.feed(piece)
        states.append(parser.is_empty)

    assert states == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("code", "text", "enhanced"),
    [
        (550, b"5.1.1 unknown", (5, 1, 1)),
        (550, b"5.7.509", (5, 7, 509)),
        (450, b"4.7.1 greylisted", (4, 7, 1)),
        (550, b"4.7.1 contradicts the code", None),
        (550, b"unknown 5.1.1", None),
        (550, b"5.1.1.1 an address", None),
        (550, b"5.1.1234 too long", None),
        (550, b"", None),
    ],
)
def test_enhanced_code_counts_where_it_stands_first_and_agrees(
    code: int, text: bytes, enhanced: tuple[int, int, int] | None
) -> None:
    assert SmtpReply(code=code, lines=(text, b"5.9.9 of the second line")).enhanced == enhanced


def test_shown_reply_is_one_printable_line() -> None:
    reply = SmtpReply(code=550, lines=(b"Empf\xe4nger", b"\x00\x1b[2J", b"x" * 1_000))

    assert str(reply).startswith("550 Empfänger ")
    assert str(reply).isprintable()
    assert len(str(reply)) <= 300
