"""Remove the configured keys from everything that is logged, recorded or published.

Keys stand in query strings and headers, and some providers repeat them in the text of an error.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

REMOVED: Final = "[key removed]"


class Redactor:
    """Replace every secret in texts and bytes, as it is and as addresses and JSON write it.

    Parameters
    ----------
    secrets
        Empty ones are ignored: an empty text stands everywhere.

    Examples
    --------
    >>> redact = Redactor(["s3cr3t/key"])
    >>> redact.text("GET /v1?token=s3cr3t%2fkey: Your key S3CR3T/KEY is not valid")
    'GET /v1?token=[key removed]: Your key [key removed] is not valid'
    >>> redact.frame(b'{"error":"s3cr3t/key"}')
    b'{"error":"[key removed]"}'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one key may contain another.
        forms = sorted({form for secret in secrets for form in _forms(secret)}, key=lambda form: -len(form))
        # Case is ignored: some providers repeat a key in capitals, and %2f is %2F.
        pattern = "|".join(map(re.escape, forms))
        self._text = re.compile(pattern, re.IGNORECASE) if forms else None
        self._bytes = re.compile(pattern.encode(), re.IGNORECASE) if forms else None

    @classmethod
    def of_settings(cls, settings: BaseModel) -> "Redactor":
        """Return a redactor of every secret that some settings hold."""
        return cls(_secrets_of(settings))

    def text(self, text: str) -> str:
        """Return a text without any secret."""
        return self._text.sub(REMOVED, text) if self._text is not None else text

    def raw(self, raw: bytes) -> bytes:
        """Return bytes without any secret."""
        return self._bytes.sub(REMOVED.encode(), raw) if self._bytes is not None else raw

    def frame(self, frame: str | bytes) -> str | bytes:
        """Return a frame without any secret, text as text and bytes as bytes."""
        return self.text(frame) if isinstance(frame, str) else self.raw(frame)


def _forms(secret: str) -> Iterator[str]:
    if not secret:
        return
    for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield form
        # As a JSON text, with and without its escapes of other alphabets.
        yield json.dumps(form)[1:-1]
        yield json.dumps(form, ensure_ascii=False)[1:-1]
        # Some servers escape the slash too.
        yield json.dumps(form)[1:-1].replace("/", "\\/")


def _secrets_of(settings: BaseModel) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets_of(value)
