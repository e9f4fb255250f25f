"""Whether the configured address of a provider can be used: decided once, at start, and never again."""

from typing import Final
from urllib.parse import urlsplit

_WEBSOCKET_SCHEMES: Final = ("ws", "wss")
_HTTP_SCHEMES: Final = ("http", "https")


def address_problem(address: str, *, is_websocket: bool) -> str | None:
    """Return what is wrong with an address, without the address itself; None if it can be used.

    Examples
    --------
    >>> address_problem("https://ws.kraken.com/v2", is_websocket=True)
    'must begin with ws:// or wss://'
    >>> address_problem("http://127.0.0.1:99999", is_websocket=False)
    'has a port that is not within 1 and 65535'
    >>> address_problem("wss://ws.kraken.com/v2", is_websocket=True) is None
    True
    """
    schemes = _WEBSOCKET_SCHEMES if is_websocket else _HTTP_SCHEMES
    if any(character.isspace() or not character.isprintable() for character in address):
        return "must have no white space"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "is no address: its host cannot be read"
    if parts.scheme not in schemes:
        return f"must begin with {schemes[0]}:// or {schemes[1]}://"
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return "has a port that is not within 1 and 65535"
    if not parts.hostname or not _is_host_name(parts.hostname):
        return "names no host"
    if "@" in parts.netloc:
        return "must hold no user name and no password: addresses are logged"
    return "must have no fragment (#)" if parts.fragment else None


def _is_host_name(host: str) -> bool:
    """Return whether a resolver can be asked for a host."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False
