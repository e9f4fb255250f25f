"""The HTTP client that all webhooks share: where it connects to, how long it waits, how much it reads."""

import ssl
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from services.notifier.channels.guarded_network import GuardedConnector
from services.notifier.channels.name_resolution import LookUp, NameResolution
from services.notifier.core.address_guard import Network
from shared.errors import ConfigError

# What a well-behaved server never comes near to.
_MAX_LINE_BYTES: Final = 8_190
_MAX_HEADERS: Final = 128
# One name server, or one address that accepts connections but no TLS, must not use up a whole attempt.
_SHARE_FOR_LOOKUP: Final = 0.5
_SHARE_FOR_ONE_CONNECTION: Final = 0.5


class _NoCookies(aiohttp.DummyCookieJar):
    """Do not even parse cookies."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Ignore them."""


class WebhookClient:
    """Post to receivers; entered and left in one event loop.

    Parameters
    ----------
    timeout_seconds
        Longest wait for a response's status, connecting included.
    allowed
        Networks that webhooks may reach although they are not public.
    max_idle_hosts
        To how many hosts unused connections stay open.
    tls
        What is trusted, for receivers without a context of their own.
    look_up
        What asks the name server; the system's `getaddrinfo` when None.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        allowed: Iterable[Network],
        max_idle_hosts: int,
        tls: ssl.SSLContext,
        look_up: LookUp | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._allowed = tuple(allowed)
        self._max_idle_hosts = max_idle_hosts
        self._tls = tls
        self._look_up = look_up

    async def __aenter__(self) -> Self:
        """Be ready; nothing is connected yet."""
        self._names = NameResolution(
            wait_seconds=self._timeout_seconds * _SHARE_FOR_LOOKUP, look_up=self._look_up
        )
        self._connector = GuardedConnector(
            names=self._names, allowed=self._allowed, max_idle_hosts=self._max_idle_hosts, tls=self._tls
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            timeout=aiohttp.ClientTimeout(
                total=self._timeout_seconds,
                sock_connect=self._timeout_seconds * _SHARE_FOR_ONE_CONNECTION,
                # Above it aiohttp rounds up to whole seconds.
                ceil_threshold=self._timeout_seconds + 1,
            ),
            # A compressed answer may unpack to a thousand times what came over the wire.
            auto_decompress=False,
            cookie_jar=_NoCookies(),
            # A proxy from the environment would bypass the check of addresses.
            trust_env=False,
            max_line_size=_MAX_LINE_BYTES,
            max_field_size=_MAX_LINE_BYTES,
            max_headers=_MAX_HEADERS,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._session.close()

    def post(
        self, url: URL, body: bytes, headers: Mapping[str, str], tls: ssl.SSLContext | None
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send one request and return the response when its head has come.

        Parameters
        ----------
        tls
            For a receiver with a client certificate; the shared context when None.

        Raises
        ------
        Exception
            One of `webhook_errors.REQUEST_ERRORS`.
        """
        return self._session.post(
            url, data=body, headers=headers, allow_redirects=False, ssl=tls if tls is not None else True
        )

    def distrust(self, url: URL) -> None:
        """Look a URL's host up again for the next request, and open a new connection."""
        host = url.raw_host or ""
        self._connector.drop_idle(host, url.port or 0)
        self._names.forget(host)


def make_webhook_client(
    *,
    timeout_seconds: float,
    allowed: Iterable[Network],
    max_connections: int,
    ca_file: Path | None = None,
    look_up: LookUp | None = None,
) -> WebhookClient:
    """Return the client that all webhooks share; it connects to public and allowed addresses only.

    Parameters
    ----------
    max_connections
        To how many hosts unused connections stay open.
    ca_file
        CA certificates to trust; the system's when None.

    Raises
    ------
    ConfigError
        If the file of certificates cannot be used.
    """
    return WebhookClient(
        timeout_seconds=timeout_seconds,
        allowed=allowed,
        max_idle_hosts=max_connections,
        tls=make_tls_context(ca_file=ca_file),
        look_up=look_up,
    )


def make_tls_context(
    *,
    ca_file: Path | None = None,
    client_certificate_file: Path | None = None,
    client_key_file: Path | None = None,
) -> ssl.SSLContext:
    """Return what is trusted, and the certificate that a receiver asks for.

    Parameters
    ----------
    ca_file
        CA certificates to trust; the system's when None.
    client_certificate_file
        Our certificate with its chain, for a receiver that wants one.
    client_key_file
        Its key; in the file of the certificate when None.

    Raises
    ------
    ConfigError
        If a file cannot be used; the message names it.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        raise ConfigError(f"{ca_file}: is no file of CA certificates ({error})") from error
    if client_certificate_file is not None:
        try:
            # No password: asking for one on the terminal would stop the service.
            context.load_cert_chain(client_certificate_file, client_key_file, password="")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{client_certificate_file}: is no certificate with its key in PEM ({error})"
            ) from error
    return context
