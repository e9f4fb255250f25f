"""Whether a decoded event can be worked with: what cannot is dead-lettered, not retried for ever."""

import re
from typing import Final

from shared.domain.divergences import DivergenceEvent
from shared.domain.instants import parse_rfc3339
from shared.errors import QualityError

# Identities travel in HTTP and mail headers and are columns of 64 characters.
_IDENTITY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# Inside these every arithmetic with instants, and every time zone, has an answer.
_EARLIEST_NS: Final = parse_rfc3339("1970-01-02T00:00:00Z")
_LATEST_NS: Final = parse_rfc3339("2200-01-01T00:00:00Z")


def admit(event: DivergenceEvent) -> None:
    """Return if the event's identities and instants are usable.

    Raises
    ------
    QualityError
        With reason ``bad_identity`` or ``bad_instant``.
    """
    for name in ("event_id", "divergence_id", "pair"):
        value = getattr(event, name)
        if not _IDENTITY.fullmatch(value):
            raise QualityError(
                f"{name} must be 1 to 64 of A-Z a-z 0-9 _ . : -, was {value[:80]!r}", reason="bad_identity"
            )
    for name in ("occurred_at", "opened_at", "not_after"):
        text = getattr(event, name)
        try:
            is_sane = _EARLIEST_NS <= parse_rfc3339(text) < _LATEST_NS
        except (ValueError, OverflowError):
            is_sane = False
        if not is_sane:
            raise QualityError(
                f"{name} must be an RFC 3339 instant from 1970 to 2200, was {text[:80]!r}",
                reason="bad_instant",
            )
