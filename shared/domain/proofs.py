"""Proofs that nothing was left out: what a lead's day of events stands on, as digests that chain.

A *day* is a date of event time in New York. It begins where the one before it ended, and ends with the first
record that moved event time to a later date; the dates in between, without a record, are no days. A lead's
days follow each other without a gap: each proof names the root of the one before it, and its date is later.

=========== ==============================================================================================
digest      of what
=========== ==============================================================================================
input       ``h = SHA-256(h, offset, SHA-256(value))`` over the records that the lead's engine applied, in
            the order of their offsets; an offset is 8 bytes, big endian; ``h`` is 32 zero bytes before the
            first record of the day
event       SHA-256 of the record's value in ``divergences.v1``, which is the body of a webhook
state       SHA-256 over the checkpoints as of the day's last record, see `state_digest`
root        SHA-256 of the proof's JSON without ``schema``, ``v``, ``root``, ``key_id`` and ``signature``:
            names sorted, no spaces, UTF-8 (RFC 8785)
signature   ed25519 of the text ``convex-proof:`` and the root, as base64
=========== ==============================================================================================

All digests are lower-case hexadecimal.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

from shared.domain.instants import from_ns, to_ns
from shared.domain.sessions import NEW_YORK

NO_PROOF_BEFORE: Final = "0" * 64
"""``previous`` of a lead's first proof."""

MOST_EVENTS_IN_A_PART: Final = 4_000
"""Of all pairs together: a part stays below half a megabyte."""

STATE_SLOTS: Final = 8
"""States of so many days are kept: one more than the days of ticks that the log keeps."""

_OUTSIDE_THE_ROOT: Final = frozenset({"root", "key_id", "signature"})
_SIGNED_AS: Final = "convex-proof:"


def day_of(event_time_ns: int) -> str:
    """Return the date in New York, ``YYYY-MM-DD``.

    Examples
    --------
    >>> day_of(1_399_003_199_999_999_999), day_of(1_399_003_200_000_000_000)
    ('2014-05-01', '2014-05-02')
    """
    return from_ns(event_time_ns).astimezone(NEW_YORK).date().isoformat()


def day_end_ns(day: str) -> int:
    """Return the instant at which the next date begins in New York.

    Examples
    --------
    >>> day_end_ns("2014-05-01")
    1399003200000000000
    """
    following = datetime.fromisoformat(day).date() + timedelta(days=1)
    return to_ns(datetime.combine(following, time(), NEW_YORK))


def day_begin_ns(day: str) -> int:
    """Return the instant at which a date begins in New York.

    Examples
    --------
    >>> day_begin_ns("2014-05-02")
    1399003200000000000
    """
    return to_ns(datetime.combine(datetime.fromisoformat(day).date(), time(), NEW_YORK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The input's digest, its first 16 digits, after the record at an offset."""

    offset: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRecords:
    """The records of a day that an engine applied.

    Parameters
    ----------
    first_offset, last_offset, records
        Offsets of the first and the last one, and how many there are; in between are records of other leads.
    digest
        Of all of them.
    marks
        Digests on the way, so that a difference can be located; at most 64.
    """

    first_offset: int
    last_offset: int
    records: int
    digest: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsOfDay:
    """The events of one pair on one day.

    Parameters
    ----------
    first_sequence
        Of the first event; the others follow without a gap.
    digests
        Of each event, in order.
    """

    pair: str
    first_sequence: int
    digests: tuple[str, ...]

    @property
    def last_sequence(self) -> int:
        """The sequence of the last event."""
        return self.first_sequence + len(self.digests) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProof:
    """What one day of one lead stands on; one part of it where it has very many events.

    Parameters
    ----------
    lead, day
        Instrument, and date in New York.
    part, parts
        From 1; almost always one. Each part names the root of the one before it.
    topic, partition
        Where the input is.
    inputs
        The records that were applied.
    events
        By pair, ascending; only pairs with an event on that day.
    configurations
        Digests of the settings that the day's records were applied with, in the order of their first use.
    code_version
        Of the program that computed the day's end.
    state
        Digest of the checkpoints after the last record; see `state_digest`.
    previous
        Root of the proof before this one; `NO_PROOF_BEFORE` for the first.
    has_earlier_state
        The first proof only: records were applied before it, by a version of the program without proofs, so
        that the state at its beginning is in no proof.
    root, key_id, signature
        See the module. The last two are None without a key.
    """

    lead: str
    day: str
    part: int
    parts: int
    topic: str
    partition: int
    inputs: AppliedRecords
    events: tuple[EventsOfDay, ...]
    configurations: tuple[str, ...]
    code_version: str
    state: str
    previous: str
    has_earlier_state: bool = False
    root: str = ""
    key_id: str | None = None
    signature: str | None = None


def event_digest(value: bytes) -> str:
    """Return the digest of an event's bytes.

    Examples
    --------
    >>> event_digest(b"{}")[:16]
    '44136fa355b3678a'
    """
    return hashlib.sha256(value).hexdigest()


class StateDigest:
    """The `state_digest` of checkpoints that are given one at a time, keys ascending."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()

    def take(self, key: str, value: bytes) -> None:
        """Add the next checkpoint."""
        self._whole.update(hashlib.sha256(key.encode()).digest())
        self._whole.update(hashlib.sha256(value).digest())

    @property
    def hexdigest(self) -> str:
        """The digest of those that were given."""
        return self._whole.hexdigest()


def state_digest(checkpoints: Mapping[str, bytes]) -> str:
    """Return the digest of a lead's state.

    Parameters
    ----------
    checkpoints
        Values of ``state.v1`` as of one record by their keys: the lead's, and those of all its pairs.

    Returns
    -------
    str
        SHA-256 over the SHA-256 of each key and of each value, keys ascending.
    """
    digest = StateDigest()
    for key in sorted(checkpoints):
        digest.take(key, checkpoints[key])
    return digest.hexdigest


def canonical_digest(value: Any) -> str:
    """Return the SHA-256 of a value's JSON: names sorted, no spaces, UTF-8.

    Examples
    --------
    >>> canonical_digest({"b": 1, "a": "ü"}) == canonical_digest({"a": "ü", "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def root_of(proof: DayProof) -> str:
    """Return the root that a proof must have."""
    fields = {name: each for name, each in asdict(proof).items() if name not in _OUTSIDE_THE_ROOT}
    return canonical_digest(fields)


def signed_text(root: str) -> bytes:
    """Return what the signature of a proof signs."""
    return (_SIGNED_AS + root).encode()


def prove_day(
    day: DayProof,
    *,
    key_id: str | None = None,
    sign: Callable[[bytes], str] | None = None,
) -> tuple[DayProof, ...]:
    """Return the parts of a day's proof, with their roots and signatures.

    Parameters
    ----------
    day
        The whole day as one part, without a root.
    key_id, sign
        The key's name, and what returns the base64 of its signature of a text; None for no key.
    """
    groups = _in_parts(day.events)
    proofs: list[DayProof] = []
    previous = day.previous
    for number, events in enumerate(groups, start=1):
        proof = replace(day, part=number, parts=len(groups), events=tuple(events), previous=previous)
        root = root_of(proof)
        signature = None if sign is None else sign(signed_text(root))
        proofs.append(replace(proof, root=root, key_id=None if sign is None else key_id, signature=signature))
        previous = root
    return tuple(proofs)


def _in_parts(events: Iterable[EventsOfDay]) -> list[list[EventsOfDay]]:
    """Split the events of a day so that no part has more than `MOST_EVENTS_IN_A_PART`; at least one part."""
    parts: list[list[EventsOfDay]] = [[]]
    room = MOST_EVENTS_IN_A_PART
    for each in events:
        rest = each
        while len(rest.digests) > room:
            head, rest = _split(rest, room)
            parts[-1] += [head] if head.digests else []
            parts.append([])
            room = MOST_EVENTS_IN_A_PART
        parts[-1].append(rest)
        room -= len(rest.digests)
    return parts


def _split(events: EventsOfDay, count: int) -> tuple[EventsOfDay, EventsOfDay]:
    return (
        replace(events, digests=events.digests[:count]),
        replace(events, digests=events.digests[count:], first_sequence=events.first_sequence + count),
    )


def proof_key(lead: str, day: str, part: int = 1) -> str:
    """Return the key of a proof in ``proofs.v1``.

    Examples
    --------
    >>> proof_key("XAU/USD.SIM", "2014-05-01"), proof_key("XAU/USD.SIM", "2014-05-01", 2)
    ('XAU/USD.SIM|2014-05-01', 'XAU/USD.SIM|2014-05-01|2')
    """
    return f"{lead}|{day}" if part == 1 else f"{lead}|{day}|{part}"


def state_key(lead: str, day: str, checkpoint: str) -> str:
    """Return the key in ``proofs.v1`` of a copy of a checkpoint, as of the end of a day.

    Parameters
    ----------
    checkpoint
        The key that it has in ``state.v1``.

    Examples
    --------
    >>> state_key("XAU/USD.SIM", "2014-05-01", "gold-iwm")
    'XAU/USD.SIM|state|2|gold-iwm'
    """
    slot = datetime.fromisoformat(day).toordinal() % STATE_SLOTS
    return f"{lead}|state|{slot}|{checkpoint}"
