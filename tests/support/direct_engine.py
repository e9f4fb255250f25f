"""The engines of a log, run over it in this process: no Kafka, no checkpoint, no restart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.false_alarms.loading import load_false_alarms
from services.signals.proofs.proven_lead import ProvenLead, begun
from services.signals.rules_file import load_rules_of_pairs
from shared.calendars import xnys_calendar
from shared.contracts.records import BARS, PROOFS
from shared.contracts.ticks import decode_tick_record
from shared.domain.pairs import Pair
from shared.domain.proofs import proof_key, state_digest, state_key
from shared.errors import DataError
from shared.kafka import topics
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
    proofs
        Values of ``proofs.v1`` by their keys, oldest first: copies of a state are replaced after eight days.
    """

    events: list[bytes] = field(default_factory=list)
    sampled: list[bytes] = field(default_factory=list)
    unreadable: int = 0
    before: list[int] = field(default_factory=list)
    proofs: dict[str, list[bytes]] = field(default_factory=dict)


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
    leads: dict[int, list[ProvenLead]] = {}
    for name in dict.fromkeys(pair.lead for pair in pairs):
        group = [pair for pair in pairs if pair.lead == name]
        engine = _engine(name, group, rules)
        restored = RestoredEngine(engine, None, (), frozen={}, is_from_beginning=True)
        leads.setdefault(partition_of(name), []).append(ProvenLead(restored, begun(engine, applied=-1)))
    direct = Direct()
    told, offsets = dict.fromkeys(leads, 0), dict.fromkeys(leads, -1)
    for key, value in written:
        partition = partition_of(key)
        direct.before.append(told[partition])
        offsets[partition] += 1
        try:
            record = decode_tick_record(value)
        except DataError:
            direct.unreadable += 1
            continue
        for lead in leads[partition]:
            if record.instrument in lead.engine.legs:
                effects, events = lead.apply(offsets[partition], value, record)
                direct.events += events
                direct.sampled += [BARS.encode(bar) for bar in effects.sampled]
                told[partition] += len(events)
                if lead.proofs.is_over:
                    _end_day(lead, direct.proofs, partition=partition, offset=offsets[partition])
    return direct


def _end_day(lead: ProvenLead, proofs: dict[str, list[bytes]], *, partition: int, offset: int) -> None:
    copies, date = dict(lead.copies(offset)), lead.proofs.date
    for key, value in copies.items():
        proofs.setdefault(state_key(lead.engine.lead, date, key), []).append(value)
    for part in lead.end_day(state_digest(copies), topic=topics.TICKS.name, partition=partition):
        proofs.setdefault(proof_key(part.lead, part.day, part.part), []).append(PROOFS.encode(part))


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
