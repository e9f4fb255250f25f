from ipaddress import ip_address, ip_network

import pytest

from services.notifier.core.receiver_addresses import check_mail_address, is_reachable


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
    ],
)
def test_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_reachable(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_public_address_is_reachable(address: str) -> None:
    assert is_reachable(ip_address(address))


def test_allowed_network_is_opened_and_no_other() -> None:
    allowed = [ip_network("10.20.0.0/16"), ip_network("fd00::/8")]

    assert is_reachable(ip_address("10.20.1.1"), allowed=allowed)
    assert is_reachable(ip_address("fd00::1"), allowed=allowed)
    assert is_reachable(ip_address("::ffff:10.20.1.1"), allowed=allowed)
    assert not is_reachable(ip_address("10.21.1.1"), allowed=allowed)
    assert not is_reachable(ip_address("127.0.0.1"), allowed=allowed)


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
