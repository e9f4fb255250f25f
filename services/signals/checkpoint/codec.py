"""A pair's checkpoint as the bytes of ``state.v1``.

Internal to signals and versioned: a checkpoint of another version is no checkpoint, and the log is read
again.
"""

from dataclasses import dataclass

import orjson

from services.signals.core.pair_state import PairState
from shared.contracts.envelope import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a pair was when the record at ``applied_offset`` had had all its effects."""

    applied_offset: int
    lead: str
    state: PairState


_CONTRACT = Contract("state", 1, Checkpoint)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return canonical bytes."""
    return _CONTRACT.encode(checkpoint)


def decode_checkpoint(value: bytes) -> Checkpoint:
    """Return the checkpoint.

    Raises
    ------
    DecodeError
        If it is of another version, or damaged.
    """
    return _CONTRACT.decode(value)


def applied_offset_of(value: bytes) -> int:
    """Return only the offset: the newest of several checkpoints is found without building their windows.

    -1 where there is none: a damaged checkpoint is older than any other, not the end of the worker.
    """
    try:
        loaded = orjson.loads(value)
    except orjson.JSONDecodeError:
        return -1
    offset = loaded.get("applied_offset") if isinstance(loaded, dict) else None
    return offset if isinstance(offset, int) else -1
