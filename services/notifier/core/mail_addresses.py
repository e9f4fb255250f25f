"""Which mail addresses a message may be sent to.

A mail address is checked for its form only; the mail server knows whether it exists. Names of an intranet
(``ops@mail.local``, ``root@localhost``) are valid. Names outside ASCII are not: every server on the way would
have to support SMTPUTF8, which cannot be known in advance.
"""

import re
from typing import Final

# RFC 5321: a dot-string, 64 octets at most, and a domain of labels, 255 octets at most.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL_ADDRESS: Final = re.compile(rf"(?P<name>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")


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
