"""What is kept of a Kafka record beside its value: when it was published, and its headers as text.

Neither decides anything, so nothing in them makes a record unusable: what cannot be stored is replaced or
left out.
"""

import re
from collections.abc import Iterable
from typing import Final

_NS_PER_MS: Final = 1_000_000
# 2200-01-01: beyond it sums of instants leave the type of a column.
_LATEST_MS: Final = 7_258_118_400_000
_MAX_HEADERS: Final = 32
_MAX_NAME: Final = 100
_MAX_TEXT: Final = 1_000
# The characters that a column of text or of JSON cannot contain.
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


def published_at_ns(timestamp_ms: int, *, received_at_ns: int) -> int:
    """Return when a record was published, by its producer's clock.

    Parameters
    ----------
    timestamp_ms
        The record's timestamp; -1 where the producer gave none.
    received_at_ns
        Wall time, which takes the place of a timestamp that is none.

    Examples
    --------
    >>> published_at_ns(1_399_033_800_043, received_at_ns=5)
    1399033800043000000
    >>> published_at_ns(-1, received_at_ns=5)
    5
    """
    return timestamp_ms * _NS_PER_MS if 0 <= timestamp_ms <= _LATEST_MS else received_at_ns


def header_texts(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    r"""Return a record's headers as text that can be stored: a bounded number, each of a bounded length.

    Examples
    --------
    >>> header_texts([("traceparent", b"00-ab"), ("odd", b"a\x00\xff"), ("empty", None)])
    {'traceparent': '00-ab', 'odd': 'a\ufffd\ufffd', 'empty': ''}
    """
    kept: dict[str, str] = {}
    for name, value in headers:
        if len(kept) == _MAX_HEADERS:
            break
        text = (value or b"")[: 4 * _MAX_TEXT].decode("utf-8", errors="replace")
        kept[_storable(name, _MAX_NAME)] = _storable(text, _MAX_TEXT)
    return kept


def _storable(text: str, longest: int) -> str:
    return _UNSTORABLE.sub("\ufffd", text[:longest])
