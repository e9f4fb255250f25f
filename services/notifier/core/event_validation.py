"""Whether a record can be processed; one that cannot is dead-lettered, not retried for ever.

Everything that goes into a column, a header or a line of text is bounded here, so that no record can fail
later, where a failure would concern other records, too.
"""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.errors import QualityError

# A hundred times the largest event of ours. It is stored, sent whole to every webhook, and kept in memory.
MAX_VALUE_BYTES: Final = 262_144
# Ids are sent in HTTP and mail headers and stored in columns of 64 characters.
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# No text of ours has them; a mail header or a column of text cannot contain all of them.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# The end of the type of a column.
_MAX_INTEGER: Final = (1 << 63) - 1
# Within these bounds, sums of instants do not overflow and every time zone has an answer.
_EARLIEST_NS: Final = parse_rfc3339("1970-01-02T00:00:00Z")
_LATEST_NS: Final = parse_rfc3339("2200-01-01T00:00:00Z")


def check_size(value: bytes | None) -> None:
    """Return if a record's value is small enough to be read; an empty one is.

    Raises
    ------
    QualityError
        With reason ``too_large``.
    """
    size = len(value or b"")
    if size > MAX_VALUE_BYTES:
        raise QualityError(
            f"a value must have at most {MAX_VALUE_BYTES} bytes, was {size}", reason="too_large"
        )


def check_event(event: DivergenceEvent) -> None:
    """Return if the event's ids, numbers, instants and texts are usable.

    Raises
    ------
    QualityError
        With reason ``bad_identity``, ``bad_sequence``, ``bad_instant`` or ``bad_text``.
    """
    for name in ("event_id", "divergence_id", "fingerprint", "pair"):
        value = getattr(event, name)
        if not _ID.fullmatch(value):
            raise QualityError(
                f"{name} must be 1 to 64 of A-Z a-z 0-9 _ . : -, was {value[:80]!r}", reason="bad_identity"
            )
    if not 0 <= event.sequence <= _MAX_INTEGER:
        raise QualityError(
            f"sequence must be from 0 to {_MAX_INTEGER}, was {event.sequence}", reason="bad_sequence"
        )
    _check_instants(event)
    for text in _texts(event):
        if _CONTROL.search(text):
            raise QualityError(
                f"a text must not contain control characters, was {text[:80]!r}", reason="bad_text"
            )


def _check_instants(event: DivergenceEvent) -> None:
    for name in ("occurred_at", "opened_at", "not_after"):
        text = getattr(event, name)
        try:
            is_in_range = _EARLIEST_NS <= parse_rfc3339(text) < _LATEST_NS
        except (ValueError, OverflowError):
            is_in_range = False
        if not is_in_range:
            raise QualityError(
                f"{name} must be an RFC 3339 instant from 1970 to 2200, was {text[:80]!r}",
                reason="bad_instant",
            )
    for each in event.evidence.inputs:
        if each.ts_event_ns is not None and not 0 <= each.ts_event_ns < _LATEST_NS:
            raise QualityError(
                f"ts_event_ns must be an instant from 1970 to 2200, was {each.ts_event_ns}",
                reason="bad_instant",
            )


def _texts(value: Any) -> Iterator[str]:
    """Return every text in a value, keys of mappings included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))
