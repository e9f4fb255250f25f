"""Checkpoints that a worker of version 2 wrote, and what it went on to publish.

The files in ``tests/contract/golden/state_v2`` were written by the code of commit a8a4e87, the last one that
wrote version 2. It read the log of `tests.golden.six_pairs` as far as two pairs of it are concerned.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shared.contracts.ticks import TickRecord
from shared.domain.pairs import Pair
from tests.golden import six_pairs
from tests.support.builders_market import LEAD

_FOLDER = Path(__file__).resolve().parents[1] / "contract" / "golden" / "state_v2"
PAIRS = tuple(pair for pair in six_pairs.PAIRS if pair.name in ("gold-iwm", "gold-btc"))
# Watched for a while in the file that says so, and no longer.
FORMER_PAIR = next(pair for pair in six_pairs.PAIRS if pair.name == "gold-eth")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTopic:
    """A partition of ``state.v1`` as compaction leaves it.

    Parameters
    ----------
    shows
        What the pairs are in the middle of.
    applied_offset, last_offset
        Of the last record of the log before the lead's checkpoint, and of the last that was read after it.
    records
        By key.
    event_ids
        Of the events between the two offsets that a worker of version 2 published without a restart.
    """

    name: str
    shows: tuple[str, ...]
    applied_offset: int
    last_offset: int
    records: dict[str, bytes]
    event_ids: tuple[str, ...]

    def log(self) -> list[TickRecord]:
        """Return the whole log that the offsets count."""
        return _log_of((*PAIRS, FORMER_PAIR) if FORMER_PAIR.name in self.records else PAIRS)


def old_topics() -> tuple[OldTopic, ...]:
    """Return every one."""
    return tuple(map(_read, sorted(_FOLDER.glob("*.json"))))


def _read(path: Path) -> OldTopic:
    document = json.loads(path.read_text())
    return OldTopic(
        name=path.stem,
        shows=tuple(document["shows"]),
        applied_offset=document["applied_offset"],
        last_offset=document["last_offset"],
        records={each["key"]: each["value"].encode() for each in document["records"]},
        event_ids=tuple(document["events"]),
    )


@lru_cache(maxsize=2)
def _log_of(pairs: tuple[Pair, ...]) -> list[TickRecord]:
    legs = {LEAD, *(pair.other for pair in pairs)}
    return [record for record in six_pairs.log() if record.instrument in legs]
