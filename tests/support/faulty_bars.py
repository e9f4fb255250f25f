"""Daily bars of a pair with faults put into them, and the engine that reads them, live or as a history."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.kinds.registry import DEFAULT_RULES
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.contracts.ticks import TickRecord
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.sessions import bar_final_at_ns
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, calendar, status
from tests.support.pair_story import make_engine, restart

SESSIONS = calendar("2017-01-02", "2019-12-31")


def quiet_bars(count: int, *, seed: int = 7) -> dict[str, list[Bar]]:
    """Return closes of both legs by instrument, the newest on the calendar's last sessions."""
    rng = np.random.default_rng(seed)
    labels = SESSIONS.labels[-count:]
    made: dict[str, list[Bar]] = {}
    for instrument, price, std in ((LEAD, 1_300.0, 0.008), (OTHER, 150.0, 0.01)):
        closes = np.round(price * np.exp(np.cumsum(rng.normal(0, std, count))), 2).tolist()
        made[instrument] = [
            bar(label, close, instrument=instrument, known_at_ns=bar_final_at_ns(label))
            for label, close in zip(labels, closes, strict=True)
        ]
    return made


def off_by(bars: Sequence[Bar], factors: Mapping[int, float]) -> list[Bar]:
    """Return bars of which some closes are multiplied, raw and adjusted; rows may count from the end."""
    wrong = list(bars)
    for row, factor in factors.items():
        wrong[row] = replace(
            wrong[row], close=wrong[row].close * factor, adj_close=wrong[row].adj_close * factor
        )
    return wrong


def as_log(bars: Mapping[str, Sequence[Bar]], *, live: int) -> list[TickRecord]:
    """Return a log: all but the last sessions as a history of each leg, then these one by one."""
    log: list[TickRecord] = []
    for leg in bars.values():
        past = tuple(each for each in leg if each.session < SESSIONS.labels[-live])
        if past:
            log.append(bar_batch(*past, mode=BarsMode.HISTORY))
    for label in SESSIONS.labels[-live:]:
        log += [bar_batch(each) for leg in bars.values() for each in leg if each.session == label]
        log.append(status(bar_final_at_ns(label)))
    return log


def corrected(bar_: Bar, close: float, *, revision: int = 1, hours: int = 1) -> Bar:
    """Return a correction of a bar, known some hours after it."""
    return replace(
        bar_,
        close=close,
        adj_close=close,
        revision=revision,
        known_at_ns=bar_.known_at_ns + hours * 3_600_000_000_000,
    )


@dataclass
class Run:
    """An engine and what it made of a log."""

    rules: tuple[Rule, ...] = DEFAULT_RULES
    engine: LeadEngine = field(init=False)
    events: list[DivergenceEvent] = field(init=False, default_factory=list)
    committed: list[str] = field(init=False, default_factory=list)
    suppressed: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        """Start the engine."""
        self.engine = make_engine(rules=self.rules, sessions=SESSIONS)

    def take(self, log: Sequence[TickRecord], *, restarts: frozenset[int] = frozenset()) -> "Run":
        """Read records; before some of them the engine goes through the bytes of its checkpoints."""
        for at, record in enumerate(log):
            if at in restarts:
                self.engine = restart(self.engine)
            effects = self.engine.apply(record)
            self.events += effects.events
            self.committed += effects.committed
            self.suppressed.update(effects.suppressed)
        return self

    @property
    def faults(self) -> list[DivergenceEvent]:
        """Return the events of data faults."""
        return [event for event in self.events if event.kind is Kind.DATA_FAULT]

    def told(self) -> list[str]:
        """Return the data faults in short: type, direction, and what their values hold besides numbers."""
        return [
            f"{event.type} {event.direction} {'+'.join(causes_of(event))}".strip() for event in self.faults
        ]

    def causes(self, instrument: str = OTHER) -> list[str]:
        """Return what is wrong with a leg now."""
        return list(self.engine.legs[instrument].data_quality.active_since_ns)

    def quarantined(self, instrument: str = OTHER) -> list[str]:
        """Return the sessions of a leg whose closes are not used."""
        return [each.session for each in self.engine.legs[instrument].data_quality.quarantined]

    def bytes_made(self) -> list[bytes]:
        """Return the bytes of all events, and of the last snapshot."""
        shown = take_snapshot(self.engine.monitors[0], self.engine.progress.watermark_ns)
        return [*map(DIVERGENCES.encode, self.events), SIGNALS.encode(shown)]


def causes_of(event: DivergenceEvent) -> list[str]:
    """Return the causes among the values of a data fault."""
    return sorted(
        name
        for name in event.values
        if name
        in ("close_jump", "unapplied_split", "stuck_close", "adjusted_splice", "missing_bar", "revised_to")
    )


def split_batches(log: Sequence[TickRecord], sizes: Sequence[int]) -> list[TickRecord]:
    """Return a log whose batches of bars are cut into several, of the given sizes in turn."""
    cut: list[TickRecord] = []
    for record in log:
        if not isinstance(record, BarBatch):
            cut.append(record)
            continue
        begin, turn = 0, 0
        while begin < len(record.bars):
            size = sizes[turn % len(sizes)]
            cut.append(replace(record, bars=record.bars[begin : begin + size]))
            begin, turn = begin + size, turn + 1
    return cut
