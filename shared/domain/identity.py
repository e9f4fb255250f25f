"""Identity is derived, never drawn: a replay repeats it."""

import hashlib
from collections.abc import Callable
from functools import lru_cache


def stable_hash(*parts: str) -> str:
    r"""Return 32 hex digits that depend on the parts and their borders only.

    Parameters
    ----------
    parts
        Text; each is prefixed with its length, so that moving a border changes the hash.

    Examples
    --------
    >>> stable_hash("gold-iwm", "ratio_stretch") == stable_hash("gold-iwm", "ratio_stretch")
    True
    >>> stable_hash("ab", "c") == stable_hash("a", "bc")
    False
    """
    return hashlib.sha256(_content(parts)).hexdigest()[:32]


def stable_hash_after(*parts: str) -> Callable[[str], str]:
    """Return a function that hashes these parts and one more, for many hashes that differ in the last part.

    Examples
    --------
    >>> stable_hash_after("gold-iwm", "risk_off")("open") == stable_hash("gold-iwm", "risk_off", "open")
    True
    """
    begun = hashlib.sha256(_content(parts))

    def hash_with(last: str) -> str:
        hashed = begun.copy()
        encoded = last.encode()
        hashed.update(b"%d:%b" % (len(encoded), encoded))
        return hashed.hexdigest()[:32]

    return hash_with


def _content(parts: tuple[str, ...]) -> bytes:
    return b"".join(b"%d:%b" % (len(encoded), encoded) for encoded in map(str.encode, parts))


@lru_cache(maxsize=1 << 12)
def fingerprint_of(*, pair: str, kind: str, direction: str) -> str:
    """Return the hash of *what* diverges: it groups repeats of the same divergence."""
    return "fp_" + stable_hash("fingerprint", pair, kind, direction)


def divergence_id_of(*, fingerprint: str, rule_version: str, onset: str) -> str:
    """Return the identity of one divergence, from its opening to its end.

    Parameters
    ----------
    onset
        The session label of a confirmed onset, the RFC 3339 watermark of a provisional one.
    """
    return "dv_" + stable_hash("divergence", fingerprint, rule_version, onset)


def event_id_of(*, divergence_id: str, transition: str, occurrence: int) -> str:
    """Return the identity of one event of a divergence.

    Parameters
    ----------
    occurrence
        1 for the first time this divergence makes this transition: a divergence may escalate,
        ease and escalate again, and these are different events.
    """
    return "ev_" + stable_hash("event", divergence_id, transition, str(occurrence))
