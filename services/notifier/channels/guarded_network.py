"""Connect webhooks to public addresses only.

The name is resolved here, each of its addresses is checked, and the connection goes to the checked address.
If the name were resolved again for the connection, a name server could answer with a different address (DNS
rebinding). TLS still verifies the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address

import httpcore
import httpx

from services.notifier.core.attempt_result import FailureReason
from services.notifier.core.receiver_addresses import Network, NetworkAddress, is_reachable
from shared.errors import DeliveryDeferred, DeliveryRejected

_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Open TCP connections to reachable addresses and refuse all others.

    Parameters
    ----------
    allowed
        Networks that webhooks may reach although they are not public.
    """

    def __init__(self, allowed: Iterable[Network]) -> None:
        self._allowed = tuple(allowed)
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that accepts the connection.

        Raises
        ------
        DeliveryRejected
            If any of the host's addresses is forbidden: a name with public and forbidden addresses is
            an attack or a mistake.
        DeliveryDeferred
            If the host has no address.
        """
        addresses = await self._resolve(host, port, timeout)
        for address in addresses:
            if not is_reachable(address, allowed=self._allowed):
                raise DeliveryRejected(
                    f"{host} is {address}, which is not public; "
                    "CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS allows networks",
                    reason=FailureReason.ADDRESS_REFUSED,
                )
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a webhook never goes to a Unix socket of this machine."""
        raise DeliveryRejected(f"{path} is a local socket", reason=FailureReason.ADDRESS_REFUSED)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)

    async def _resolve(self, host: str, port: int, timeout: float | None) -> tuple[NetworkAddress, ...]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise DeliveryDeferred(f"{host}: {error}", reason=FailureReason.DNS_FAILED) from error
        except TimeoutError as error:
            raise DeliveryDeferred(f"{host}: no answer from DNS", reason=FailureReason.DNS_FAILED) from error
        # A link-local address may come with a scope, which is no part of the address.
        texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
        return tuple(ip_address(text) for text in texts)


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, connecting through a `GuardedBackend`.

    Parameters
    ----------
    allowed
        Networks that webhooks may reach although they are not public.
    keepalive_seconds
        How long an unused connection stays open for the next webhook.
    """

    def __init__(
        self,
        *,
        allowed: Iterable[Network],
        keepalive_seconds: float,
        max_connections: int,
        ssl_context: ssl.SSLContext,
    ) -> None:
        super().__init__(verify=ssl_context)
        # httpx has no option for the network backend of its pool.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=keepalive_seconds,
            network_backend=GuardedBackend(allowed),
        )
