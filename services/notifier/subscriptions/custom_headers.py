"""Check the headers that an operator adds to the messages of a webhook."""

import re
from collections.abc import Mapping
from typing import Final

from services.notifier.subscriptions.secrets import SecretSource

# RFC 9110, 5.6.2: a token.
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# RFC 9110, 5.5: visible characters, with spaces and tabs between them. Beyond ASCII, servers disagree.
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]{0,4094}[\x21-\x7e])?")
_MAX_HEADERS: Final = 32
# What the message, its signature, the connection or the HTTP client decides.
_RESERVED: Final = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "accept-encoding",
        "transfer-encoding",
        "te",
        "trailer",
        "connection",
        "keep-alive",
        "upgrade",
        "expect",
        "http2-settings",
    }
)
_RESERVED_PREFIXES: Final = ("webhook-", "convex-", "proxy-")


def read_headers(
    plain: Mapping[str, str], from_variables: Mapping[str, str], source: SecretSource
) -> tuple[tuple[str, str], ...]:
    """Return the headers of both tables, in their order.

    Parameters
    ----------
    plain
        ``headers``: value by name.
    from_variables
        ``headers_env``: the environment variable that holds the value, by name.

    Raises
    ------
    ValueError
        If a name or a value cannot be sent; the message names the field and the header, never the value.
    """
    checked: dict[str, tuple[str, str]] = {}
    for field, table in (("headers", plain), ("headers_env", from_variables)):
        for name, text in table.items():
            _check_name(field, name, checked)
            value = text if field == "headers" else source.variable(f"{field}.{name}", text)
            if not _VALUE.fullmatch(value):
                raise ValueError(
                    f"{field}.{name}: the value must be 1 to 4096 printable ASCII characters, without a line "
                    "break and without a space at either end"
                )
            checked[name.lower()] = (name, value)
    if len(checked) > _MAX_HEADERS:
        raise ValueError(f"headers: must be at most {_MAX_HEADERS}, were {len(checked)}")
    return tuple(checked.values())


def _check_name(field: str, name: str, known: Mapping[str, object]) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{field}: a name must be 1 to 100 letters, digits and hyphens, such as X-Team")
    lower = name.lower()
    if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES):
        raise ValueError(f"{field}.{name}: the notifier sets this header itself; choose another name")
    if lower in known:
        raise ValueError(f"{field}.{name}: is set twice; upper and lower case make no difference")
