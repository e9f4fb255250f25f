from pathlib import Path

import pytest

from services.notifier.subscriptions.custom_headers import read_headers
from services.notifier.subscriptions.secrets import SecretSource


def headers(
    plain: dict[str, str], from_variables: dict[str, str] | None = None, **environ: str
) -> tuple[tuple[str, str], ...]:
    return read_headers(plain, from_variables or {}, SecretSource(environ, Path()))


def test_headers_keep_their_order_and_spelling() -> None:
    assert headers(
        {"X-Team": "desk one", "authorization": "Basic a=="}, {"X-Key": "KEY"}, KEY="sesame\n"
    ) == (
        ("X-Team", "desk one"),
        ("authorization", "Basic a=="),
        ("X-Key", "sesame"),
    )


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "ä", "a\r\nb", "a\x00", "(a)", "a" * 101, "a/b", '"a"', "\ud800"]
)
def test_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^headers: a name must be"):
        headers({name: "1"})


@pytest.mark.parametrize(
    "value", ["", " ", " a", "a ", "a\r\nb", "a\nb", "a\x00", "\x7f", "é", "\ud800", "\t", "a" * 4_097]
)
def test_value_that_no_server_reads_alike_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ValueError, match=r"^headers\.X-A: the value must be") as caught:
        headers({"X-A": value})

    assert "aaaa" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["", " \n", "a\r\nb", "a\x00b", "é", "a" * 4_097])
def test_value_of_a_variable_is_checked_too(value: str) -> None:
    with pytest.raises(ValueError, match=r"^headers_env\.X-A: the value must be"):
        headers({}, {"X-A": "A"}, A=value)


@pytest.mark.parametrize("value", ["a", "a b", "a\tb", "a" * 4_096, '{"a": 1}', "~!@#$%^&*()"])
def test_printable_value_is_accepted(value: str) -> None:
    assert headers({"X-A": value}) == (("X-A", value),)


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-LENGTH",
        "Content-Type",
        "Transfer-Encoding",
        "connection",
        "Webhook-Signature",
        "webhook-id",
        "Webhook-Anything",
        "Convex-Sequence",
        "convex-not-delivered",
        "Proxy-Authorization",
        "Expect",
        "Upgrade",
        "TE",
    ],
)
def test_header_of_the_message_itself_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the notifier sets this header itself"):
        headers({}, {name: "A"}, A="1")


def test_header_that_is_set_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^headers_env\.x-team: is set twice"):
        headers({"X-Team": "1"}, {"x-team": "A"}, A="2")


def test_headers_are_bounded_in_number() -> None:
    assert len(headers({f"X-{number}": "1" for number in range(32)})) == 32
    with pytest.raises(ValueError, match=r"^headers: must be at most 32, were 33"):
        headers({f"X-{number}": "1" for number in range(33)})


def test_secret_in_place_of_a_variable_is_not_shown() -> None:
    with pytest.raises(
        ValueError, match=r"^headers_env\.X-A: must be the name of an environment variable"
    ) as caught:
        headers({}, {"X-A": "Bearer sesame"})

    assert "sesame" not in str(caught.value)
