"""The engines of a log, run over it in this process: no Kafka, no checkpoint, no restart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.rules_file import load_rules_of_pairs
from shared.calendars import xnys_calendar
from shared.contracts.records import BARS, DIVERGENCES
from shared.contracts.ticks import decode_tick_record
from shared.domain.pairs import Pair
from shared.errors import DataError
from shared.version import CODE_VERSION


@dataclass(slots=True)
class Direct:
    """What the engines made of a log.

    Parameters
    ----------
    events
        Values of ``divergences.v1``, in the order of the log.
    sampled
        Values of ``bars.v1``.
    unreadable
        Records that are parked.
    before
        For each record, how many events its partition had before it.
    """

    events: list[bytes] = field(default_factory=list)
    sampled: list[bytes] = field(default_factory=list)
    unreadable: int = 0
    before: list[int] = field(default_factory=list)


def run_directly(
    written: Sequence[tuple[str, bytes]],
    *,
    pairs: Sequence[Pair],
    rules: Path,
    partition_of: Callable[[str], int],
) -> Direct:
    """Let every engine read the records of its partition.

    Parameters
    ----------
    written
        Keys, which are leads, and values.
    partition_of
        The partition of a lead.
    """
    engines: dict[int, list[LeadEngine]] = {}
    for lead in dict.fromkeys(pair.lead for pair in pairs):
        group = [pair for pair in pairs if pair.lead == lead]
        engines.setdefault(partition_of(lead), []).append(_engine(lead, group, rules))
    direct = Direct()
    told = dict.fromkeys(engines, 0)
    for key, value in written:
        partition = partition_of(key)
        direct.before.append(told[partition])
        try:
            record = decode_tick_record(value)
        except DataError:
            direct.unreadable += 1
            continue
        for engine in engines[partition]:
            if record.instrument in engine.legs:
                effects = engine.apply(record)
                direct.events += [DIVERGENCES.encode(event) for event in effects.events]
                direct.sampled += [BARS.encode(bar) for bar in effects.sampled]
                told[partition] += len(effects.events)
    return direct


def _engine(lead: str, pairs: Sequence[Pair], rules: Path) -> LeadEngine:
    by_pair = load_rules_of_pairs(rules, [pair.name for pair in pairs])
    return LeadEngine(
        lead,
        pairs,
        EngineConfig(
            rules=by_pair.general,
            rules_of_pair=by_pair.of_pair,
            calendar=xnys_calendar(),
            code_version=CODE_VERSION,
            false_alarms=load_false_alarms(None),
        ),
    )
