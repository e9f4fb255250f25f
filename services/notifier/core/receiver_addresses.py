"""Which addresses a message may be sent to: network addresses of webhooks, and mail addresses.

The notifier can reach its operator's own network, and the services there trust it. Without a check, whoever
enters a webhook's URL could make it talk to them, for example at ``http://169.254.169.254/`` (server-side
request forgery). So a webhook goes to public addresses only, unless the operator opens a network.

A mail address is checked for its form only; the mail server knows whether it exists. Names of an intranet
(``ops@mail.local``, ``root@localhost``) are valid. Names outside ASCII are not: every server on the way would
have to support SMTPUTF8, which cannot be known in advance.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

NetworkAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Well-known prefix of NAT64 (RFC 6052): the last 32 bits are an IPv4 address that a gateway connects to.
_NAT64: Final = IPv6Network("64:ff9b::/96")

# RFC 5321: a dot-string, 64 octets at most, and a domain of labels, 255 octets at most.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL_ADDRESS: Final = re.compile(rf"(?P<name>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")


def is_reachable(address: NetworkAddress, *, allowed: Iterable[Network] = ()) -> bool:
    """Return whether a webhook may be sent to an address: a public one, or one that is explicitly allowed.

    Parameters
    ----------
    allowed
        Networks that the operator opens, for tests and intranets.

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
        for each in _embedded_addresses(address)
    )


def check_mail_address(text: str) -> str:
    """Return an address unchanged, if mail can be sent to it.

    Raises
    ------
    ValueError
        If it is not ``name@domain`` in ASCII; the message shows the address.

    Examples
    --------
    >>> check_mail_address("ops+convex@mail.local")
    'ops+convex@mail.local'
    """
    match = _MAIL_ADDRESS.fullmatch(text)
    if match is None or len(match["name"]) > 64 or len(match["domain"]) > 255:
        raise ValueError(f"must be name@domain in ASCII (an international domain as xn--), was {text[:80]!r}")
    return text


def _embedded_addresses(address: NetworkAddress) -> tuple[NetworkAddress, ...]:
    """Return every address that a connection would reach: an IPv6 address can contain an IPv4 one."""
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


def _is_public(address: NetworkAddress) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)
