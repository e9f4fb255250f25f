import pytest

from services.notifier.core.mail_addresses import check_mail_address

# A domain of 255 characters: four labels of 63 with dots between them.
LONGEST = "a@" + ".".join(["x" * 63] * 4)


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        "a.b+c@mail.local",
        "root@localhost",
        "o'neil@xn--mnchen-3ya.de",
        "x" * 64 + "@a.b",
        LONGEST,
    ],
)
def test_address_that_mail_can_be_sent_to_passes_unchanged(address: str) -> None:
    assert check_mail_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@@example.com",
        "ann lee@example.com",
        ".ann@example.com",
        "ann..lee@example.com",
        "ann@-example.com",
        "ann@example..com",
        "ann@example.com\n",
        "ann@example.com\r\nBcc: eve@example.com",
        "ann@example.com,eve@example.com",
        "<ann@example.com>",
        "ånn@example.com",
        "ann@münchen.de",
        "ann@[127.0.0.1]",
        "x" * 65 + "@a.b",
        LONGEST.replace("@", "@x."),
    ],
)
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must be name@domain in ASCII"):
        check_mail_address(address)
