"""Connect webhooks to public and allowed addresses only.

A name is resolved here, each of its addresses is checked, and the connection goes to the checked address. If
the name were resolved again for the connection, a name server could answer with a different address (DNS
rebinding). TLS still verifies the name. An address is checked once more when its socket is made, which is the
only check for a URL that has an address instead of a name.

A receiver's addresses are tried one after the other, the next one as soon as the one before has failed or has
not connected within a quarter of a second (RFC 8305).
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType

from services.notifier.channels.bounded_answer import BoundedAnswer
from services.notifier.channels.name_resolution import NameResolution
from services.notifier.core.address_guard import Network, why_refused

# Events are minutes apart; a connection that is still open saves the handshakes.
_KEEPALIVE_SECONDS: Final = 300.0
# The system asks the other side after this time without traffic, and a few times more, whether it is there:
# an unused connection that died is then noticed, and address translation on the way does not forget it.
_PROBE_AFTER_SECONDS: Final = 30
_PROBE_EVERY_SECONDS: Final = 5
_PROBES: Final = 3


class AddressRefused(OSError):
    """An address is not public, and the operator has not allowed it."""


class GuardedResolver(AbstractResolver):
    """Resolve names to addresses of which every one may be connected to."""

    def __init__(self, names: NameResolution, allowed: Iterable[Network]) -> None:
        self._names = names
        self._allowed = tuple(allowed)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises
        ------
        AddressRefused
            If any of its addresses is refused: a name with public and forbidden addresses is an attack or a
            mistake.
        NameNotResolved
            If it has no address.
        """
        addresses = await self._names.addresses(host)
        for address in addresses:
            _check(str(address), self._allowed, host=host)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Do nothing: a lookup ends by itself."""


class GuardedConnector(TCPConnector):
    """aiohttp's connections, to addresses that pass the guard, with answers of bounded length.

    Parameters
    ----------
    allowed
        Networks that webhooks may reach although they are not public.
    max_idle_hosts
        To how many hosts unused connections stay open; then those to the host used longest ago are closed.
    tls
        For receivers without a client certificate.
    """

    def __init__(
        self,
        *,
        names: NameResolution,
        allowed: Iterable[Network],
        max_idle_hosts: int,
        tls: ssl.SSLContext,
    ) -> None:
        networks = tuple(allowed)
        super().__init__(
            resolver=GuardedResolver(names, networks),
            # `NameResolution` keeps answers, and forgets them when a receiver fails.
            use_dns_cache=False,
            ssl=tls,
            # The dispatcher limits the attempts in flight.
            limit=0,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            socket_factory=functools.partial(_make_socket, allowed=networks),
        )
        self._max_idle_hosts = max_idle_hosts
        # aiohttp has no option for these: its protocol, what it does with an unused connection, and closing
        # those to one host. `tests/integration/notifier/test_webhook_faults.py` notices if a version differs.
        protocol = functools.partial(BoundedAnswer, loop=asyncio.get_running_loop())
        self._factory = protocol  # type: ignore[assignment]  # partial is invariant

    def drop_idle(self, host: str, port: int) -> None:
        """Close the unused connections to a host, so that the next attempt opens a new one."""
        for key in [key for key in self._conns if key.host == host and key.port == port]:
            self._close_idle(key)

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        if isinstance(protocol, BoundedAnswer):
            protocol.become_idle()
        while len(self._conns) > self._max_idle_hosts:
            self._close_idle(next(iter(self._conns)))

    def _close_idle(self, key: ConnectionKey) -> None:
        for protocol, _ in self._conns.pop(key):
            protocol.close()


def _make_socket(info: AddrInfoType, *, allowed: tuple[Network, ...]) -> socket.socket:
    family, kind, protocol, _, address = info
    _check(str(address[0]), allowed)
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_EVERY_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    return made


def _check(address: str, allowed: tuple[Network, ...], *, host: str = "") -> None:
    try:
        why = why_refused(ip_address(address.partition("%")[0]), allowed=allowed)
    except ValueError:
        why = f"{address} is no address"
    if why is not None:
        named = f"{host}: " if host else ""
        raise AddressRefused(f"{named}{why}; CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS allows networks")
