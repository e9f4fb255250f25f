"""The address guard against the IANA registries, written down here a second time, and against embeddings.

Nothing here is taken from the code under test: the blocks are the registries' rows, by their first and last
address, and embeddings are built by the arithmetic of their RFCs.
"""

import random
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.address_guard import NetworkAddress, is_reachable, why_refused

# IANA IPv4 Special-Purpose Address Registry, then multicast, then what cloud providers use inside.
IPV4_BLOCKS = {
    "this network": ("0.0.0.0", "0.255.255.255"),
    "this host": ("0.0.0.0", "0.0.0.0"),
    "private 10": ("10.0.0.0", "10.255.255.255"),
    "shared address space": ("100.64.0.0", "100.127.255.255"),
    "loopback": ("127.0.0.0", "127.255.255.255"),
    "link local": ("169.254.0.0", "169.254.255.255"),
    "private 172": ("172.16.0.0", "172.31.255.255"),
    "IETF protocol assignments": ("192.0.0.0", "192.0.0.255"),
    "IPv4 service continuity, DS-Lite": ("192.0.0.0", "192.0.0.7"),
    "dummy address": ("192.0.0.8", "192.0.0.8"),
    "port control anycast": ("192.0.0.9", "192.0.0.9"),
    "TURN anycast": ("192.0.0.10", "192.0.0.10"),
    "NAT64 discovery": ("192.0.0.170", "192.0.0.171"),
    "TEST-NET-1": ("192.0.2.0", "192.0.2.255"),
    "AS112-v4": ("192.31.196.0", "192.31.196.255"),
    "AMT": ("192.52.193.0", "192.52.193.255"),
    "6to4 relay anycast": ("192.88.99.0", "192.88.99.255"),
    "6a44 relay anycast": ("192.88.99.2", "192.88.99.2"),
    "private 192": ("192.168.0.0", "192.168.255.255"),
    "direct delegation AS112": ("192.175.48.0", "192.175.48.255"),
    "benchmarking": ("198.18.0.0", "198.19.255.255"),
    "TEST-NET-2": ("198.51.100.0", "198.51.100.255"),
    "TEST-NET-3": ("203.0.113.0", "203.0.113.255"),
    "multicast": ("224.0.0.0", "239.255.255.255"),
    "multicast test net": ("233.252.0.0", "233.252.0.255"),
    "reserved": ("240.0.0.0", "255.255.255.255"),
    "broadcast": ("255.255.255.255", "255.255.255.255"),
    "Azure wire server": ("168.63.129.16", "168.63.129.16"),
    "IBM Cloud services": ("161.26.0.0", "161.26.255.255"),
    "IBM Cloud services, more": ("166.8.0.0", "166.11.255.255"),
    "Equinix metadata": ("192.80.8.124", "192.80.8.124"),
}

# IANA IPv6 Special-Purpose Address Registry and the deprecated blocks of the address architecture.
IPV6_BLOCKS = {
    "unspecified": ("::", "::"),
    "loopback": ("::1", "::1"),
    "IPv4-compatible": ("::", "::ffff:ffff"),
    "IPv4-translated": ("::ffff:0:0:0", "::ffff:0:ffff:ffff"),
    "local NAT64": ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    "discard only": ("100::", "100::ffff:ffff:ffff:ffff"),
    "dummy prefix": ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"),
    "IETF protocol assignments": ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "Teredo": ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    "port control anycast": ("2001:1::1", "2001:1::1"),
    "TURN anycast": ("2001:1::2", "2001:1::2"),
    "DNS-SD anycast": ("2001:1::3", "2001:1::3"),
    "benchmarking": ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"),
    "AMT": ("2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"),
    "AS112-v6": ("2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"),
    "ORCHID": ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"),
    "ORCHIDv2": ("2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"),
    "drone remote id": ("2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"),
    "documentation": ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    "6to4": ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "direct delegation AS112": ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
    "6bone": ("3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "documentation, new": ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "segment routing": ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "unique local": ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "link local": ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "site local": ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "multicast": ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
}

METADATA = [
    "169.254.169.254",  # AWS, Azure, Google, DigitalOcean, Hetzner, IBM, OpenStack, Oracle, Vultr
    "169.254.170.2",  # AWS containers
    "169.254.170.23",  # AWS EKS pods
    "169.254.0.23",  # Tencent
    "169.254.42.42",  # Scaleway
    "100.100.100.200",  # Alibaba
    "192.0.0.192",  # Oracle, classic
    "168.63.129.16",  # Azure wire server
    "192.80.8.124",  # Equinix Metal
    "fd00:ec2::254",  # AWS
    "fd00:ec2::23",  # AWS EKS pods
    "fd20:ce::254",  # Google
    "fd00:42::42",  # Scaleway
    "fd00:a9fe:a9fe::1",  # Akamai, Linode
    "fe80::a9fe:a9fe",  # OpenStack
]

PUBLIC_IPV4 = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "100.63.255.255",
    "172.32.0.0",
    "198.20.0.0",
    "223.255.255.255",
]
PUBLIC_IPV6 = [
    "2606:2800:220:1::1",
    "2001:4860:4860::8888",
    "2a00:1450:4001::1",
    "2620:4f:7fff::1",
    "3000::1",
]


def as_range(first: str, last: str) -> tuple[int, int]:
    return int(ip_address(first)), int(ip_address(last))


IPV4_RANGES = [as_range(*block) for block in IPV4_BLOCKS.values()]
IPV6_RANGES = [as_range(*block) for block in IPV6_BLOCKS.values()]


def is_special(address: NetworkAddress) -> bool:
    """Return what the registries say of an address itself, not of what is embedded in it."""
    ranges = IPV4_RANGES if isinstance(address, IPv4Address) else IPV6_RANGES
    if any(first <= int(address) <= last for first, last in ranges):
        return True
    # Only an eighth of IPv6 has been given out.
    return isinstance(address, IPv6Address) and int(address) >> 125 != 0b001


def is_nat64_or_mapped(address: NetworkAddress) -> bool:
    return isinstance(address, IPv6Address) and int(address) >> 32 in (0xFFFF, 0x64_FF9B << 64)


@pytest.mark.parametrize(("first", "last"), IPV4_BLOCKS.values(), ids=IPV4_BLOCKS)
def test_every_special_ipv4_block_is_refused_from_its_first_to_its_last_address(
    first: str, last: str
) -> None:
    low, high = as_range(first, last)
    for number in {low, low + (high - low) // 2, high, *random.Random(7).choices(range(low, high + 1), k=20)}:
        assert not is_reachable(IPv4Address(number)), IPv4Address(number)
    for number in (low - 1, high + 1):
        if 0 <= number < 2**32:
            neighbour = IPv4Address(number)
            assert is_reachable(neighbour) is not is_special(neighbour), neighbour


@pytest.mark.parametrize(("first", "last"), IPV6_BLOCKS.values(), ids=IPV6_BLOCKS)
def test_every_special_ipv6_block_is_refused_from_its_first_to_its_last_address(
    first: str, last: str
) -> None:
    low, high = as_range(first, last)
    inside = {low, low + (high - low) // 2, high, *(random.Random(7).randint(low, high) for _ in range(20))}
    for number in inside:
        assert not is_reachable(IPv6Address(number)), IPv6Address(number)
    for number in (low - 1, high + 1):
        if 0 <= number < 2**128 and not is_nat64_or_mapped(IPv6Address(number)):
            neighbour = IPv6Address(number)
            assert is_reachable(neighbour) is not is_special(neighbour), neighbour


def test_neighbours_of_most_blocks_are_public_so_that_a_block_that_is_too_wide_is_seen() -> None:
    ipv4 = [
        IPv4Address(each) for low, high in IPV4_RANGES for each in (low - 1, high + 1) if 0 <= each < 2**32
    ]
    ipv6 = [
        IPv6Address(each) for low, high in IPV6_RANGES for each in (low - 1, high + 1) if 0 <= each < 2**128
    ]

    assert sum(map(is_reachable, ipv4)) >= 30
    assert sum(map(is_reachable, ipv6)) >= 8


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_are_refused_unless_a_listed_network_contains_them(address: str) -> None:
    metadata = ip_address(address)

    assert not is_reachable(metadata)
    assert not is_reachable(metadata, allowed=[ip_network("10.0.0.0/8"), ip_network("fd12::/16")])
    assert is_reachable(metadata, allowed=[ip_network(address)])


@pytest.mark.parametrize("address", PUBLIC_IPV4 + PUBLIC_IPV6)
def test_public_address_is_reachable(address: str) -> None:
    assert why_refused(ip_address(address)) is None


@pytest.mark.parametrize(
    "address",
    [
        "::2",
        "4000::1",
        "6000::1",
        "8000::1",
        "a000::1",
        "c000::1",
        "e000::1",
        "200::1",
        "64:ff9c::1",
        "fe00::1",
        "1000::",
    ],
)
def test_ipv6_that_was_never_given_out_is_refused(address: str) -> None:
    assert not is_reachable(ip_address(address))


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_ipv4_is_reachable_where_no_block_contains_it(address: IPv4Address) -> None:
    assert is_reachable(address) is not is_special(address)


# ---- IPv4 within IPv6, each by the arithmetic of its RFC --------------------------------------------------

FORBIDDEN_IPV4 = [
    *(IPv4Address(number) for low, high in IPV4_RANGES for number in (low, (low + high) // 2, high)),
    *(IPv4Address(address) for address in METADATA if "." in address),
]
forbidden_ipv4 = st.sampled_from(IPV4_RANGES).flatmap(lambda block: st.integers(*block)).map(IPv4Address)
any_ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address) | st.sampled_from(FORBIDDEN_IPV4)
public_prefix = st.sampled_from([int(IPv6Address(address)) >> 64 << 64 for address in PUBLIC_IPV6])


def mapped(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(0xFFFF << 32 | int(inner))


def nat64(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(0x0064_FF9B << 96 | int(inner))


def compatible(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(int(inner))


def translated(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(0xFFFF << 48 | int(inner))


def six_to_four(inner: IPv4Address, rest: int = 0) -> IPv6Address:
    return IPv6Address(0x2002 << 112 | int(inner) << 80 | rest)


def teredo(server: IPv4Address, client: IPv4Address) -> IPv6Address:
    return IPv6Address(0x2001_0000 << 96 | int(server) << 64 | (~int(client) & 0xFFFF_FFFF))


def local_nat64(inner: IPv4Address, *, prefix_bits: int, below_prefix: int = 0) -> IPv6Address:
    """Place an address after a prefix, around bits 64 to 71, which stay zero (RFC 6052, figure 1)."""
    value = 0x0064_FF9B_0001 << 80
    if prefix_bits > 48:
        value |= below_prefix % (1 << min(prefix_bits, 64) - 48) << 128 - min(prefix_bits, 64)
    at = prefix_bits
    for bit in range(31, -1, -1):
        if at == 64:
            at = 72
        value |= (int(inner) >> bit & 1) << 127 - at
        at += 1
    return IPv6Address(value)


def isatap(prefix: int, inner: IPv4Address, *, is_universal: bool) -> IPv6Address:
    return IPv6Address(prefix | (0x0200_5EFE if is_universal else 0x5EFE) << 32 | int(inner))


def test_embeddings_of_these_tests_are_those_of_the_rfcs() -> None:
    inner = IPv4Address("192.0.2.33")

    assert str(local_nat64(inner, prefix_bits=48)) == "64:ff9b:1:c000:2:2100::"
    assert str(local_nat64(inner, prefix_bits=56)) == "64:ff9b:1:c0:0:221::"
    assert str(local_nat64(inner, prefix_bits=64)) == "64:ff9b:1:0:c0:2:2100:0"
    assert str(local_nat64(inner, prefix_bits=96)) == "64:ff9b:1::c000:221"
    assert str(nat64(inner)) == "64:ff9b::c000:221"
    assert str(six_to_four(inner)) == "2002:c000:221::"
    assert mapped(inner).ipv4_mapped == inner
    assert teredo(inner, IPv4Address("1.2.3.4")).teredo == (inner, IPv4Address("1.2.3.4"))
    assert str(isatap(0, inner, is_universal=True)) == "::200:5efe:c000:221"


@given(any_ipv4)
def test_mapped_and_nat64_are_what_their_ipv4_address_is(inner: IPv4Address) -> None:
    for outer in (mapped(inner), nat64(inner)):
        assert is_reachable(outer) is is_reachable(inner), outer


@given(forbidden_ipv4, st.integers(0, 2**80 - 1), public_prefix)
def test_forbidden_ipv4_is_refused_in_every_form(inner: IPv4Address, rest: int, prefix: int) -> None:
    public = IPv4Address("8.8.8.8")
    forms = [
        mapped(inner),
        nat64(inner),
        compatible(inner),
        translated(inner),
        six_to_four(inner, rest),
        teredo(inner, public),
        teredo(public, inner),
        isatap(prefix, inner, is_universal=False),
        isatap(prefix, inner, is_universal=True),
        *(local_nat64(inner, prefix_bits=bits, below_prefix=rest) for bits in (48, 56, 64, 96)),
    ]
    for outer in forms:
        assert not is_reachable(outer), outer


EVERY_IPV6 = [ip_network("::/0")]


@given(forbidden_ipv4.filter(lambda inner: int(inner) >> 24 != 0), st.integers(0, 2**80 - 1), public_prefix)
def test_ipv6_network_that_is_opened_opens_no_ipv4_address_within_it(
    inner: IPv4Address, rest: int, prefix: int
) -> None:
    public = IPv4Address("8.8.8.8")
    forms = [
        mapped(inner),
        nat64(inner),
        compatible(inner),
        translated(inner),
        six_to_four(inner, rest),
        teredo(inner, public),
        teredo(public, inner),
        isatap(prefix, inner, is_universal=False),
        isatap(prefix, inner, is_universal=True),
        *(local_nat64(inner, prefix_bits=bits, below_prefix=rest) for bits in (48, 56, 64, 96)),
    ]
    for outer in forms:
        assert not is_reachable(outer, allowed=EVERY_IPV6), outer
        assert is_reachable(outer, allowed=[*EVERY_IPV6, ip_network("0.0.0.0/0")]), outer


@pytest.mark.parametrize(
    "outer",
    [
        compatible(IPv4Address("8.8.8.8")),
        translated(IPv4Address("8.8.8.8")),
        six_to_four(IPv4Address("8.8.8.8")),
        teredo(IPv4Address("8.8.4.4"), IPv4Address("8.8.8.8")),
        *(local_nat64(IPv4Address("8.8.8.8"), prefix_bits=bits) for bits in (48, 56, 64, 96)),
    ],
    ids=str,
)
def test_deprecated_or_local_form_of_a_public_address_needs_its_network_opened(outer: IPv6Address) -> None:
    assert not is_reachable(outer)
    assert is_reachable(outer, allowed=EVERY_IPV6)


@given(public_prefix, st.booleans())
def test_isatap_of_a_public_address_in_a_public_network_is_public(prefix: int, is_universal: bool) -> None:
    assert is_reachable(isatap(prefix, IPv4Address("8.8.8.8"), is_universal=is_universal))


# ---- what the operator opens -----------------------------------------------------------------------------


@given(forbidden_ipv4, st.integers(8, 32))
def test_listed_network_opens_what_it_contains_also_as_mapped_and_nat64(
    inner: IPv4Address, bits: int
) -> None:
    network = ip_network((inner, bits), strict=False)
    for address in (inner, mapped(inner), nat64(inner)):
        assert is_reachable(address, allowed=[network])
        assert not is_reachable(address, allowed=[ip_network("fd00::/8")])
    outside = IPv4Address(int(inner) ^ 1 << 32 - bits)
    assert is_reachable(outside, allowed=[network]) is not is_special(outside)


def test_allowed_networks_are_read_once_whatever_they_come_in() -> None:
    teredo_inside = teredo(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"))

    assert is_reachable(teredo_inside, allowed=iter([ip_network("10.0.0.0/8"), ip_network("2001::/32")]))


def test_address_with_a_zone_is_refused_like_the_one_without() -> None:
    assert not is_reachable(IPv6Address("fe80::1%eth0"))
    assert not is_reachable(IPv6Address("::1%lo"))


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.1.2.3", "10.1.2.3 is in 10.0.0.0/8 (private use)"),
        ("::ffff:169.254.169.254", "169.254.169.254 is in 169.254.0.0/16 (link local, metadata services)"),
        ("64:ff9b::7f00:1", "127.0.0.1 is in 127.0.0.0/8 (loopback)"),
        ("fd00::1", "fd00::1 is in fc00::/7 (unique local, metadata services)"),
        ("4000::1", "4000::1 is in no network that is in use"),
        ("2a00::5efe:a00:1", "10.0.0.1 is in 10.0.0.0/8 (private use)"),
    ],
)
def test_refusal_says_which_block_it_is(address: str, why: str) -> None:
    assert why_refused(ip_address(address)) == why


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
def test_these_public_addresses_are_reachable(address: str) -> None:
    assert is_reachable(ip_address(address))


def test_allowed_network_is_opened_and_no_other() -> None:
    allowed = [ip_network("10.20.0.0/16"), ip_network("fd00::/8")]

    assert is_reachable(ip_address("10.20.1.1"), allowed=allowed)
    assert is_reachable(ip_address("fd00::1"), allowed=allowed)
    assert is_reachable(ip_address("::ffff:10.20.1.1"), allowed=allowed)
    assert not is_reachable(ip_address("10.21.1.1"), allowed=allowed)
    assert not is_reachable(ip_address("127.0.0.1"), allowed=allowed)
