"""Check the URL of a webhook when it is read, so that no attempt can fail because of its form.

Libraries accept URLs by which no server can be reached (port 0, an empty label, a space in a host), and read
some in different ways (a backslash, ``%2e`` in a host, ``127.1``). Here a URL has one reading or is refused.
It may contain a token, so no error shows it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

import idna
from yarl import URL

from services.notifier.core.address_guard import Network, is_reachable

_FORM: Final = "must be http(s)://host/path without a user or a fragment"
_MAX_LENGTH: Final = 4_096
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]")
_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>(?:\?[^#]*)?)", re.IGNORECASE
)
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[^:]*))?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PORT: Final = re.compile(r"[0-9]{1,5}")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MAX_NAME: Final = 253
# A last label of this form makes a resolver read the whole name as an IPv4 address, in one of many notations.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTS: Final = re.compile(r"/\.\.?(?:/|$)")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Everything in ASCII that HTTP clients send as it is; the rest is escaped.
_KEPT_IN_PATH: Final = "!$%&'()*+,/:;=@[]^|~"
_KEPT_IN_QUERY: Final = _KEPT_IN_PATH + "?{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookUrl:
    """Where a webhook is sent.

    Parameters
    ----------
    text
        In ASCII, with scheme and name in lower case and without the scheme's own port; otherwise as it was
        written.
    normal_form
        Equal for texts that mean the same, with the path ``/`` when there is none.
    """

    text: str = field(repr=False)
    normal_form: str = field(repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Return whether it is an ``https`` URL."""
        return self.text.startswith("https:")


def parse_webhook_url(text: str, *, allowed_networks: Iterable[Network] | None = None) -> WebhookUrl:
    """Return the URL that a text is.

    Parameters
    ----------
    allowed_networks
        Networks that webhooks may reach although they are not public; addresses are not checked when None.

    Raises
    ------
    ValueError
        If it is no URL of a webhook; the message shows at most the address that it names.

    Examples
    --------
    >>> parse_webhook_url("HTTPS://Desk.example:443/hook?a=1").text
    'https://desk.example/hook?a=1'
    """
    _check_characters(text)
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(f"{_FORM}, was no URL")
    scheme = match["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError(f"{_FORM}, it has another scheme")
    if "@" in match["authority"]:
        raise ValueError(f"{_FORM}, it has a user")
    if _DOTS.search(match["path"]):
        raise ValueError(f"{_FORM}, it has . or .. in its path")
    authority = _HOST_AND_PORT.fullmatch(match["authority"])
    if authority is None:
        raise ValueError(f"{_FORM}, its host is not valid")
    port = _port(authority["port"], scheme)
    host = _host(authority["host"], None if allowed_networks is None else tuple(allowed_networks))
    path, query = quote(match["path"], safe=_KEPT_IN_PATH), quote(match["query"], safe=_KEPT_IN_QUERY)
    checked = f"{scheme}://{host}{port}{path}{query}"
    return WebhookUrl(text=checked, normal_form=_normal_form(checked))


def _check_characters(text: str) -> None:
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"{_FORM}, at most {_MAX_LENGTH} characters")
    if _UNPRINTABLE.search(text):
        raise ValueError(f"{_FORM}, it has a space or a control character")
    if "\\" in text:
        raise ValueError(f"{_FORM}, it has a backslash")
    if "#" in text:
        raise ValueError(f"{_FORM}, it has a fragment")
    if _ESCAPE.search(text):
        raise ValueError(f"{_FORM}, it has a % that is not followed by two hexadecimal digits")


def _port(text: str | None, scheme: str) -> str:
    if text is None:
        return ""
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65_535:
        raise ValueError(f"{_FORM}, its port must be from 1 to 65535")
    return f":{int(text)}" if int(text) != _DEFAULT_PORTS[scheme] else ""


def _host(text: str, allowed: tuple[Network, ...] | None) -> str:
    if not text:
        raise ValueError(f"{_FORM}, it has no host")
    if text.startswith("["):
        return f"[{_address(text[1:-1], IPv6Address, allowed)}]"
    name = _in_ascii(text.lower())
    labels = name.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _address(name, IPv4Address, allowed)
    if len(name.removesuffix(".")) > _MAX_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"{_FORM}, its host is not valid")
    return name


def _in_ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        return idna.encode(name).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError(f"{_FORM}, its host is not valid") from None


def _address(
    text: str, kind: type[IPv4Address] | type[IPv6Address], allowed: tuple[Network, ...] | None
) -> str:
    try:
        address = kind(text)
    except ValueError:
        raise ValueError(f"{_FORM}, its address is not valid") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError(f"{_FORM}, its address has a zone")
    if allowed is not None and not is_reachable(address, allowed=allowed):
        raise ValueError(
            f"{address} is not public; CONVEX_NOTIFIER_WEBHOOK_ALLOWED_NETWORKS allows private networks"
        )
    return text


def _normal_form(checked: str) -> str:
    url = URL(checked)
    try:
        # Clients decode an international name, to compare it with the certificate.
        host = (url.host or "").removesuffix(".")
    except UnicodeError:
        raise ValueError(f"{_FORM}, its host is not valid") from None
    return str(url.with_host(host).with_path(url.path or "/", keep_query=True))
