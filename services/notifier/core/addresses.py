"""Which network addresses a webhook may be sent to.

An operator's own network is reachable from here and its services trust it: a webhook to
``http://169.254.169.254/`` or ``http://10.0.0.1/`` would let whoever enters a URL talk to them.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Well-known prefix of NAT64 (RFC 6052): the last 32 bits are an IPv4 address that a gateway connects to.
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_reachable(address: Address, *, allowed: Iterable[Network] = ()) -> bool:
    """Tell whether a webhook may be sent to an address: a public one, or one that is explicitly allowed.

    Parameters
    ----------
    allowed
        Networks that are opened for tests and intranets.

    Examples
    --------
    >>> is_reachable(IPv4Address("93.184.216.34"))
    True
    >>> is_reachable(IPv6Address("::ffff:127.0.0.1"))
    False
    >>> is_reachable(IPv4Address("10.1.2.3"), allowed=[IPv4Network("10.1.0.0/16")])
    True
    """
    networks = tuple(allowed)
    return all(
        any(each in network for network in networks if network.version == each.version) or _is_public(each)
        for each in _meanings(address)
    )


def _meanings(address: Address) -> tuple[Address, ...]:
    """Return the address, or the IPv4 address that it is another spelling or a tunnel of."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address, address.sixtofour)
    if address.teredo is not None:
        return (address, *address.teredo)
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return (address,)


def _is_public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)
