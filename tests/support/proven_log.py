"""A made-up log of one lead, and what signals publishes of it: events, proofs, copies of checkpoints."""

import gzip
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from convex.verify.exported_files import DAYS_FILE, EVENTS_FILE, PROOFS_FILE, TICKS_FILE, days_line
from convex.verify.lead_replay import Settings
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.proofs.proof_key import ProofKey
from services.signals.proofs.proven_lead import ProvenLead, begun
from shared.contracts.records import PROOFS
from shared.contracts.ticks import TickRecord, encode_tick_record
from shared.domain.bars import BarsMode
from shared.domain.proofs import proof_key, state_digest, state_key
from tests.support.builders_market import LEAD, bar, bar_batch, calendar, ny, pair, quotes, status

PAIRS = (pair(), pair("gold-spy", other="SPY.TEST"))
OTHERS = tuple(each.other for each in PAIRS)
PARTITION = 3
CODE_VERSION = "0.0.0-test"


@dataclass
class Row:
    """A record of an exported file."""

    partition: int
    offset: int
    key: str
    value: str


@dataclass
class ProvenLog:
    """What the topics hold; tests alter it as they like."""

    ticks: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    proofs: list[Row] = field(default_factory=list)
    public_key: bytes = b""

    def write(self, folder: Path) -> Path:
        """Write the folder that an export would have."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in ((TICKS_FILE, self.ticks), (EVENTS_FILE, self.events), (PROOFS_FILE, self.proofs)):
            lines = "".join(json.dumps(vars(row)) + "\n" for row in rows)
            (folder / name).write_bytes(gzip.compress(lines.encode(), mtime=0))
        (folder / DAYS_FILE).write_bytes(days_line(None, None))
        return folder

    def copy(self) -> "ProvenLog":
        """Return a copy that can be altered."""
        return ProvenLog(
            ticks=[replace(row) for row in self.ticks],
            events=[replace(row) for row in self.events],
            proofs=[replace(row) for row in self.proofs],
            public_key=self.public_key,
        )


def settings_of_log() -> Settings:
    """Return the settings under which the log was computed."""
    return Settings(
        pairs=PAIRS,
        config=EngineConfig(rules=PUBLISHED_RULES, calendar=calendar(), code_version="another"),
    )


def made_log(sessions: int, *, warm: int = 100, records_an_hour: int = 1, seed: int = 3) -> ProvenLog:
    """Return a log of so many sessions after a history, and what a worker that never stopped publishes."""
    return log_of(
        made_records(
            calendar().labels[: warm + sessions], warm=warm, records_an_hour=records_an_hour, seed=seed
        )
    )


def log_of(records: list[TickRecord]) -> ProvenLog:
    """Return a log of these records, and what a worker that never stopped publishes."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    log = ProvenLog(public_key=public)
    config = replace(settings_of_log().config, code_version=CODE_VERSION)
    engine = LeadEngine(LEAD, PAIRS, config)
    lead = ProvenLead(
        RestoredEngine(engine, None, (), frozen={}, is_from_beginning=True), begun(engine, applied=-1)
    )
    signing = ProofKey(key)
    stranger = encode_tick_record(status(ny("2019-01-02 09:00"), instrument="XAG/USD.TEST"))
    for record in records:
        # Every other record is another lead's.
        log.ticks.append(Row(partition=PARTITION, offset=len(log.ticks), key="XAG", value=stranger.decode()))
        offset, value = len(log.ticks), encode_tick_record(record)
        log.ticks.append(Row(partition=PARTITION, offset=offset, key=LEAD, value=value.decode()))
        effects, values = lead.apply(offset, value, record)
        for event, encoded in zip(effects.events, values, strict=True):
            log.events.append(
                Row(partition=0, offset=len(log.events), key=event.pair, value=encoded.decode())
            )
        if lead.proofs.is_over:
            _prove(log, lead, offset, signing)
    return log


def _prove(log: ProvenLog, lead: ProvenLead, offset: int, key: ProofKey) -> None:
    copies, day = dict(lead.copies(offset)), lead.proofs.date
    published = {state_key(LEAD, day, name): value for name, value in copies.items()}
    parts = lead.end_day(
        state_digest(copies), topic="ticks.v1", partition=PARTITION, key_id=key.key_id, sign=key.sign
    )
    published |= {proof_key(part.lead, part.day, part.part): PROOFS.encode(part) for part in parts}
    # As compaction leaves it.
    log.proofs = [row for row in log.proofs if row.key not in published]
    for name, value in published.items():
        log.proofs.append(
            Row(partition=PARTITION, offset=1_000 + len(log.proofs), key=name, value=value.decode())
        )


def made_records(
    labels: tuple[str, ...],
    *,
    warm: int,
    records_an_hour: int = 1,
    seed: int = 3,
    lead: str = LEAD,
    others: tuple[str, ...] = OTHERS,
) -> list[TickRecord]:
    """Return a lead's log: closes of walks, the first ``warm`` of them as history, and hourly statuses."""
    rng = np.random.default_rng(seed)
    count = len(labels)
    walks = {
        name: (begin * np.exp(np.cumsum(rng.normal(0, spread, count)))).round(2).tolist()
        for name, begin, spread in ((lead, 1_300.0, 0.011), *((name, 150.0, 0.012) for name in others))
    }
    records: list[TickRecord] = [
        bar_batch(
            *(bar(label, close, instrument=name) for label, close in zip(labels[:warm], walk, strict=False)),
            mode=BarsMode.HISTORY,
        )
        for name, walk in walks.items()
    ]
    for at in range(warm, count):
        for hour in range(24):
            begin = ny(f"{labels[at]} {hour:02}:00")
            records += [
                status(begin + part * 3_600_000_000_000 // records_an_hour, instrument=lead)
                for part in range(records_an_hour)
            ]
            if hour == 15:
                records.append(quotes({begin + 59 * 60_000_000_000: walks[lead][at]}, instrument=lead))
            if hour == 20:
                records += [bar_batch(bar(labels[at], walks[name][at], instrument=name)) for name in others]
                records.append(status(ny(f"{labels[at]} 20:15"), instrument=lead))
    following = datetime.fromisoformat(labels[-1]) + timedelta(days=1)
    records.append(status(ny(f"{following.date().isoformat()} 01:00"), instrument=lead))
    return records
