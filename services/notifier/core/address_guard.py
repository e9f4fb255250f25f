"""Which network addresses a webhook may be sent to: public ones, and those that the operator opens.

The notifier can reach its operator's own network, and the services there trust it. Without a check, whoever
enters a webhook's URL could make it talk to them, for example at ``http://169.254.169.254/`` (server-side
request forgery).

The tables are our own: those of Python's `ipaddress` differ between versions. They contain

- every block of the IANA special-purpose registries, those that IANA calls globally reachable included:
  relays and anycast services are no webhook receivers;
- multicast and reserved addresses; of IPv6 only ``2000::/3`` has ever been given out;
- the metadata services and internal services of cloud providers, which hand out credentials. Most of them are
  within a special-purpose block.

An IPv6 address can contain an IPv4 address that a gateway, or the operating system, connects to. Then both
must be allowed:

=========================== =============================================================================
form                        where the IPv4 address is
=========================== =============================================================================
``::ffff:a.b.c.d``          mapped: the system uses IPv4, so only the IPv4 address is checked
``64:ff9b::a.b.c.d``        NAT64: only the IPv4 address is checked, the prefix itself is public
``64:ff9b:1::/48``          local NAT64: after a prefix of 48, 56, 64 or 96 bits; every reading is checked
``::a.b.c.d``               compatible (deprecated)
``::ffff:0:a.b.c.d``        translated (SIIT)
``2002:aabb:ccdd::``        6to4
``2001:0:server:...``       Teredo: the server, and the client with its bits inverted
``...:0:5efe:a.b.c.d``      ISATAP, in any network; also with the universal bit, ``...:200:5efe:a.b.c.d``
=========================== =============================================================================

A listed network opens what it contains, metadata services included: an operator who lists 169.254.0.0/16 has
opened 169.254.169.254. An IPv4 address within an IPv6 address is opened by an IPv4 network.

References
----------
IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 4291, 6052, 3056, 4380, 5214, 2765, 8215.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

NetworkAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4_BLOCKS: Final = tuple(
    (IPv4Network(block), what)
    for block, what in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private use"),
        ("100.64.0.0/10", "shared address space"),
        ("127.0.0.0/8", "loopback"),
        ("161.26.0.0/16", "internal services of IBM Cloud"),
        ("166.8.0.0/14", "internal services of IBM Cloud"),
        ("168.63.129.16/32", "internal services of Azure"),
        ("169.254.0.0/16", "link local, metadata services"),
        ("172.16.0.0/12", "private use"),
        ("192.0.0.0/24", "protocol assignments, metadata service of Oracle Cloud"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "multicast tunnels (AMT)"),
        ("192.80.8.124/32", "metadata service of Equinix Metal"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private use"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, broadcast"),
    )
)

# The only part of IPv6 that has ever been given out to anyone.
_IPV6_GLOBAL: Final = IPv6Network("2000::/3")
_IPV6_BLOCKS: Final = tuple(
    (IPv6Network(block), what)
    for block, what in (
        # The blocks within 2000::/3 first: only they decide. The others give a refusal its words.
        ("2001::/23", "protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, drones"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3ffe::/16", "6bone"),
        ("3fff::/20", "documentation"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local, metadata services"),
        ("fe80::/10", "link local"),
        ("fec0::/10", "site local"),
        ("ff00::/8", "multicast"),
    )
)

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_LAST_32_BITS: Final = (IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
_6TO4: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
# The interface identifier of ISATAP begins with this, without and with the universal bit.
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
_32_BITS: Final = 0xFFFF_FFFF
_24_BITS: Final = 0xFF_FFFF


def why_refused(address: NetworkAddress, *, allowed: Iterable[Network] = ()) -> str | None:
    """Return why nothing may be sent to an address; None if it may.

    Parameters
    ----------
    allowed
        Networks that the operator opens, for tests and intranets.

    Examples
    --------
    >>> why_refused(IPv4Address("93.184.216.34")) is None
    True
    >>> why_refused(IPv4Address("10.1.2.3"))
    '10.1.2.3 is in 10.0.0.0/8 (private use)'
    >>> why_refused(IPv4Address("10.1.2.3"), allowed=[IPv4Network("10.1.0.0/16")]) is None
    True
    >>> why_refused(IPv6Address("::ffff:127.0.0.1"))
    '127.0.0.1 is in 127.0.0.0/8 (loopback)'
    """
    networks = tuple(allowed)
    for each in _connected_to(address):
        if not _is_in_any(each, networks):
            block = _special_block(each)
            if block is not None:
                return f"{each} is in {block}"
    return None


def is_reachable(address: NetworkAddress, *, allowed: Iterable[Network] = ()) -> bool:
    """Return whether a webhook may be sent to an address.

    Examples
    --------
    >>> is_reachable(IPv4Address("93.184.216.34"))
    True
    >>> is_reachable(IPv6Address("64:ff9b::a9fe:a9fe"))
    False
    """
    return why_refused(address, allowed=allowed) is None


def _connected_to(address: NetworkAddress) -> Iterator[NetworkAddress]:
    """Yield every address that a connection to an address may end at."""
    if isinstance(address, IPv4Address):
        yield address
        return
    bits = int(address)
    last = bits & _32_BITS
    if address in _MAPPED or address in _NAT64:
        yield IPv4Address(last)
        return
    yield address
    if any(address in network for network in _LAST_32_BITS):
        yield IPv4Address(last)
    elif address in _6TO4:
        yield IPv4Address(bits >> 80 & _32_BITS)
    elif address in _TEREDO:
        yield IPv4Address(bits >> 64 & _32_BITS)
        yield IPv4Address(last ^ _32_BITS)
    elif address in _LOCAL_NAT64:
        yield from _readings_of_local_nat64(bits)
    if bits >> 32 & _32_BITS in _ISATAP:
        yield IPv4Address(last)


def _readings_of_local_nat64(bits: int) -> Iterator[IPv4Address]:
    """Yield the IPv4 address after a prefix of each possible length (RFC 6052, section 2.2).

    Bits 64 to 71 belong to none. A reading in 0.0.0.0/8 is what the other lengths leave empty.
    """
    readings = (
        (bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF,
        (bits >> 64 & 0xFF) << 24 | bits >> 32 & _24_BITS,
        bits >> 24 & _32_BITS,
        bits & _32_BITS,
    )
    return (IPv4Address(reading) for reading in readings if reading > _24_BITS)


def _is_in_any(address: NetworkAddress, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _special_block(address: NetworkAddress) -> str | None:
    blocks = _IPV4_BLOCKS if isinstance(address, IPv4Address) else _IPV6_BLOCKS
    for block, what in blocks:
        if address in block:
            return f"{block} ({what})"
    if isinstance(address, IPv4Address) or address in _IPV6_GLOBAL:
        return None
    return "no network that is in use"
