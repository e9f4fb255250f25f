"""Make the event of ``convex test-fire``: complete in form, without any statement about the market."""

import hashlib
from datetime import timedelta
from typing import Final

from shared.domain.divergences import (
    Confirmation,
    Direction,
    DivergenceEvent,
    Estimate,
    Evidence,
    Hedge,
    Kind,
    Severity,
    Transition,
)
from shared.domain.identity import divergence_id_of, event_id_of, fingerprint_of
from shared.domain.instants import format_rfc3339
from shared.domain.pairs import Pair
from shared.version import CODE_VERSION

# Long enough for a mail server's greylisting of five minutes, short enough not to surprise anybody later.
_VALID: Final = timedelta(minutes=10)
_UNKNOWN: Final = Estimate(value=None)


def make_test_event(pair: Pair, *, at_ns: int) -> DivergenceEvent:
    """Return an event that says it is a test.

    Parameters
    ----------
    at_ns
        Wall time, nanoseconds since the Unix epoch; the ids derive from it.

    Examples
    --------
    >>> from shared.pairs.loading import load_pairs
    >>> event = make_test_event(load_pairs("simulated")[0], at_ns=1399033800000000000)
    >>> event.type.value, event.sequence, event.values, event.legs, event.not_after
    ('test', 0, {}, (), '2014-05-02T12:40:00.000000Z')
    """
    at = format_rfc3339(at_ns)
    # A kind of its own, so that a test never groups with a divergence.
    fingerprint = fingerprint_of(pair=pair.name, kind="test", direction=Direction.RISK_OFF)
    divergence_id = divergence_id_of(fingerprint=fingerprint, rule_version="test", onset=at)
    return DivergenceEvent(
        type=Transition.TEST,
        event_id=event_id_of(divergence_id=divergence_id, transition=Transition.TEST, occurrence=1),
        divergence_id=divergence_id,
        fingerprint=fingerprint,
        # Outside the gap-free sequence, which starts at 1: a test must not look like a gap.
        sequence=0,
        pair=pair.name,
        kind=Kind.RATIO_STRETCH,
        direction=Direction.RISK_OFF,
        severity=Severity.WARNING,
        confirmation=Confirmation.PROVISIONAL,
        occurred_at=at,
        opened_at=at,
        not_after=format_rfc3339(at_ns + int(_VALID.total_seconds()) * 1_000_000_000),
        values={},
        thresholds={},
        hedge=Hedge(ratio=_UNKNOWN, beta=_UNKNOWN, effectiveness=_UNKNOWN, stress_corr=_UNKNOWN),
        legs=(),
        evidence=Evidence(
            inputs=(),
            window_sha256=hashlib.sha256(b"").hexdigest(),
            rule_version="test",
            code_version=CODE_VERSION,
        ),
        links={"compare": pair.page},
    )
