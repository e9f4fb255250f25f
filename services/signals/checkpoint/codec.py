"""Checkpoints as the bytes of ``state.v1``: one record for each pair, and one for what a lead's pairs share.

Internal to signals and versioned. Four older versions are also read (see `upgrade`), but never written. A
checkpoint of any other version is ignored, and the log is read again.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from services.signals.checkpoint.upgrade import UPGRADED_VERSIONS, upgrade_lead, upgrade_pair
from services.signals.core.engine.lead_state import LeadState
from services.signals.core.pairs.pair_state import PairState
from services.signals.core.proofs.lead_proofs import DayUnderWay
from shared.contracts.envelope import Contract, load_object
from shared.domain.proof_digests import EventDigests

_VERSION: Final = 6
_LEAD: Final = "lead|"
_HEAD: Final = re.compile(
    rb'\{"schema":"state","v":(%d|%d|%d|%d|%d),"applied_offset":(\d{1,18}),' % (*UPGRADED_VERSIONS, _VERSION)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCheckpoint:
    """The state of a pair after the record at ``applied_offset`` had all its effects.

    Parameters
    ----------
    is_retired
        The pair is no longer watched from then on: no later record was applied to it.
    events
        The digests of its newest events, for the proof of the day; empty in the copy that `proofs` publishes.
    """

    applied_offset: int
    is_retired: bool
    pair: PairState
    events: EventDigests = field(default_factory=EventDigests)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCheckpoint:
    """The state that a lead's pairs share, after the record at ``applied_offset`` had all its effects.

    Parameters
    ----------
    day
        What the next proof is about so far; None in a checkpoint of an older version, and in the copy that
        `proofs` publishes.
    """

    applied_offset: int
    lead: LeadState
    day: DayUnderWay | None = None


_PAIR_CONTRACT = Contract("state", _VERSION, PairCheckpoint)
_LEAD_CONTRACT = Contract("state", _VERSION, LeadCheckpoint)


def key_of_lead(instrument: str) -> str:
    """Return the key of a lead's record; the key of a pair's record is the pair's name.

    Examples
    --------
    >>> key_of_lead("XAU/USD.SIM"), is_lead_key("lead|XAU/USD.SIM"), is_lead_key("gold-iwm")
    ('lead|XAU/USD.SIM', True, False)
    """
    return _LEAD + instrument


def is_lead_key(key: str) -> bool:
    """Return whether a key belongs to a lead's record, not to a pair's."""
    return key.startswith(_LEAD)


def encode_pair(checkpoint: PairCheckpoint) -> bytes:
    """Return canonical bytes."""
    return _PAIR_CONTRACT.encode(checkpoint)


def encode_lead(checkpoint: LeadCheckpoint) -> bytes:
    """Return canonical bytes."""
    return _LEAD_CONTRACT.encode(checkpoint)


def decode_pair(value: bytes) -> PairCheckpoint:
    """Return a pair's checkpoint.

    Raises
    ------
    DecodeError
        If it is of a version that is not read, or damaged.
    """
    return _PAIR_CONTRACT.decode(_of_this_version(value, upgrade_pair))


def decode_lead(value: bytes) -> LeadCheckpoint:
    """Return a lead's checkpoint.

    Raises
    ------
    DecodeError
        If it is of a version that is not read, or damaged.
    """
    return _LEAD_CONTRACT.decode(_of_this_version(value, upgrade_lead))


def applied_offset_of(value: bytes) -> int:
    """Return only the offset, so that the newest of several checkpoints is found without decoding them.

    -1 where it cannot be read: a damaged checkpoint counts as older than any other and does not stop the
    worker.

    Examples
    --------
    >>> applied_offset_of(b'{"schema":"state","v":6,"applied_offset":41,"is_retired":false,')
    41
    >>> applied_offset_of(b'{"schema":"state","v":2,"applied_offset":41,"is_left":false,')
    41
    >>> applied_offset_of(b'{"schema":"state","v":1,"applied_offset":41,')
    -1
    """
    found = _HEAD.match(value)
    return int(found[2]) if found else -1


def _of_this_version(value: bytes, upgrade: Callable[[Mapping[str, Any]], dict[str, Any]]) -> bytes:
    found = _HEAD.match(value)
    if found is None or (version := int(found[1])) not in UPGRADED_VERSIONS:
        return value
    return orjson.dumps(upgrade(load_object(value, schema="state", version=version)))
