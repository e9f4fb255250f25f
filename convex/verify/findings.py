"""What a verification finds: each finding says what is wrong, where, and on which day."""

from dataclasses import dataclass
from enum import StrEnum


class Problem(StrEnum):
    """The kinds of findings."""

    PROOF_ALTERED = "proof_altered"
    PROOF_MISSING = "proof_missing"
    SIGNATURE_WRONG = "signature_wrong"
    SIGNATURE_MISSING = "signature_missing"
    INPUT_MISSING = "input_missing"
    INPUT_ALTERED = "input_altered"
    EVENT_LEFT_OUT = "event_left_out"
    EVENT_ADDED = "event_added"
    EVENT_ALTERED = "event_altered"
    EVENTS_REORDERED = "events_reordered"
    EVENT_DOES_NOT_FOLLOW = "event_does_not_follow"
    STATE_ALTERED = "state_altered"
    STATE_DOES_NOT_FOLLOW = "state_does_not_follow"
    CONFIGURATION_DIFFERS = "configuration_differs"
    NOT_REPLAYED = "not_replayed"
    NOT_PROVEN_YET = "not_proven_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    problem
        Which kind.
    lead, day
        Of the proof that it concerns.
    where
        The record, event or file.
    text
        For people: what is wrong, and what it should be.
    """

    problem: Problem
    lead: str
    day: str
    where: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDay:
    """One day of one lead.

    Parameters
    ----------
    records, events
        How many records were applied, and how many events follow from them.
    is_replayed
        False if the events could not be computed again; then only digests were compared.
    is_signed
        Whether the signature was checked and is right; None without a key to check it with.
    findings
        Empty if exactly these events follow.
    """

    lead: str
    day: str
    records: int
    events: int
    is_replayed: bool
    is_signed: bool | None
    findings: tuple[Finding, ...]
