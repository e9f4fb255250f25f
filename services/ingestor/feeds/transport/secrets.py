"""Remove the configured keys from everything that is logged, recorded or published.

Keys stand in query strings and headers, and some providers repeat them in the text of an error.
"""

import json
import re
import traceback
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

REMOVED: Final = "[key removed]"
# Fewer characters of a key than these are of no use to anybody, and stand in other words too.
_LEAST_PART: Final = 6


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
        known = tuple(secret for secret in secrets if secret)
        forms = sorted({form for secret in known for form in _forms(secret)}, key=lambda form: -len(form))
        # Case is ignored: some providers repeat a key in capitals, and %2f is %2F.
        pattern = "|".join(map(re.escape, forms))
        self._text = re.compile(pattern, re.IGNORECASE) if forms else None
        self._bytes = re.compile(pattern.encode(), re.IGNORECASE) if forms else None
        self._forms = tuple(form.lower() for form in forms)
        # No way to write a key changes its letters and digits: a text without them is quickly let through.
        runs = [max(re.findall(r"[A-Za-z0-9]+", secret), key=len, default="").lower() for secret in known]
        self._runs = tuple(runs)
        self._runs_bytes = tuple(run.encode() for run in runs)

    @classmethod
    def of_settings(cls, settings: BaseModel) -> "Redactor":
        """Return a redactor of every secret that some settings hold."""
        return cls(_secrets_of(settings))

    def text(self, text: str) -> str:
        """Return a text without any secret."""
        if self._text is None:
            return text
        lowered = text.lower()
        if not any(run in lowered for run in self._runs):
            return text
        return self._text.sub(REMOVED, text)

    def raw(self, raw: bytes) -> bytes:
        """Return bytes without any secret."""
        if self._bytes is None:
            return raw
        lowered = raw.lower()
        if not any(run in lowered for run in self._runs_bytes):
            return raw
        return self._bytes.sub(REMOVED.encode(), raw)

    def words(self, text: str, *, longest: int = 200) -> str:
        """Return what a provider said on one line, cut to a length, without any secret.

        A part of a secret at the end is removed too: the text may have been cut before it came here.
        """
        text = " ".join(self.text(text).split())
        lowered = text.lower()
        for form in self._forms:
            for length in range(min(len(form) - 1, len(text)), _LEAST_PART - 1, -1):
                if lowered.endswith(form[:length]):
                    return (text[:-length] + REMOVED)[:longest]
        return text[:longest]

    def traceback(self, error: BaseException) -> str:
        """Return the traceback of an error without any secret: the text of an error may quote its input."""
        return self.text("".join(traceback.format_exception(error)))

    def frame(self, frame: str | bytes) -> str | bytes:
        """Return a frame without any secret, text as text and bytes as bytes."""
        return self.text(frame) if isinstance(frame, str) else self.raw(frame)


def _forms(secret: str) -> Iterator[str]:
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
