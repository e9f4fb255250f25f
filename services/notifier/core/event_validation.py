"""Whether a decoded event can be processed; one that cannot is dead-lettered, not retried for ever."""

import re
from typing import Final

from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.errors import QualityError

# Ids are sent in HTTP and mail headers and stored in columns of 64 characters.
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# Within these bounds, sums of instants do not overflow and every time zone has an answer.
_EARLIEST_NS: Final = parse_rfc3339("1970-01-02T00:00:00Z")
_LATEST_NS: Final = parse_rfc3339("2200-01-01T00:00:00Z")


def check_event(event: DivergenceEvent) -> None:
    """Return if the event's ids and instants are usable.

    Raises
    ------
    QualityError
        With reason ``bad_identity`` or ``bad_instant``.
    """
    for name in ("event_id", "divergence_id", "pair"):
        value = getattr(event, name)
        if not _ID.fullmatch(value):
            raise QualityError(
                f"{name} must be 1 to 64 of A-Z a-z 0-9 _ . : -, was {value[:80]!r}", reason="bad_identity"
            )
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
