"""One pair's log, told record by record, with prices chosen by the z-score that they make.

The z-scores are worked out here with numpy and scipy from the closes that the story itself told, so what a
test expects does not come from the engine. A live price is chosen by the z that the next close then reaches
or exceeds with the rule's probability, for that is what it is decided by.
"""

from dataclasses import dataclass, field

import numpy as np

from services.signals.checkpoint.codec import (
    LeadCheckpoint,
    PairCheckpoint,
    decode_lead,
    decode_pair,
    encode_lead,
    encode_pair,
)
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.lead_state import dump_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.core.false_alarms import FalseAlarms
from services.signals.core.pairs.effects import Effects
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.pairs.pair_state import dump_pair
from shared.contracts.ticks import TickRecord
from shared.domain.bars import Bar, BarsMode
from shared.domain.divergences import DivergenceEvent
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState
from tests.oracle.next_close_oracle import gold_to_come, price_for
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, calendar, ny, pair, quotes, status


def make_engine(
    *pairs: Pair,
    rule: Rule | None = None,
    rules: tuple[Rule, ...] | None = None,
    sessions: SessionCalendar | None = None,
    false_alarms: tuple[FalseAlarms, ...] = (),
) -> LeadEngine:
    """Build the engine of some pairs of one lead; without ``rules`` only the ratio's rule speaks."""
    watched = pairs or (pair(),)
    return LeadEngine(
        watched[0].lead,
        watched,
        EngineConfig(
            rules=rules if rules is not None else (rule or Rule(),),
            calendar=sessions if sessions is not None else calendar(),
            code_version="0.0.0-test",
            false_alarms={(each.pair, each.rule_version): each for each in false_alarms},
        ),
    )


def restart(engine: LeadEngine, *, rules: tuple[Rule, ...] | None = None) -> LeadEngine:
    """Let an engine go through the bytes of its checkpoints, as a new worker would start it."""
    new = make_engine(
        *(monitor.pair for monitor in engine.monitors),
        rules=rules if rules is not None else engine.config.rules,
        sessions=engine.config.calendar,
    )
    return restored(engine, new)


def restored(engine: LeadEngine, new: LeadEngine) -> LeadEngine:
    """Return a new engine filled from the bytes of an old one's checkpoints."""
    lead = encode_lead(LeadCheckpoint(applied_offset=7, lead=dump_lead(engine)))
    pairs = [
        encode_pair(
            PairCheckpoint(applied_offset=7, is_retired=False, pair=dump_pair(monitor, engine.waiting))
        )
        for monitor in engine.monitors
    ]
    return RestoredEngine(
        new,
        decode_lead(lead).lead,
        [decode_pair(value).pair for value in pairs],
        frozen={},
        is_from_beginning=False,
    ).engine


def history(
    sessions: tuple[str, ...], *, seed: int = 7, lead: str = LEAD, other: str = OTHER
) -> tuple[list[Bar], list[Bar]]:
    """Return quiet closes of both legs: the ratio moves by half a percent a session and comes back."""
    rng = np.random.default_rng(seed)
    base = 150.0 * np.exp(np.cumsum(rng.normal(0, 0.004, len(sessions))))
    gap = np.log(8.5) + rng.normal(0, 0.01, len(sessions))
    gold = base * np.exp(gap)
    return (
        [
            bar(s, round(float(p), 2), instrument=lead, known_at_ns=ny(f"{s} 16:00"))
            for s, p in zip(sessions, gold, strict=True)
        ],
        [bar(s, round(float(p), 2), instrument=other) for s, p in zip(sessions, base, strict=True)],
    )


@dataclass
class Story:
    """A log under way.

    Parameters
    ----------
    first
        The first session after the history.
    warm
        Sessions of history.
    rule, rules
        The ratio's rule alone, or all that speak.
    """

    first: str = "2019-06-03"
    warm: int = 100
    rule: Rule = field(default_factory=Rule)
    rules: tuple[Rule, ...] | None = None
    sessions: SessionCalendar = field(default_factory=calendar)
    engine: LeadEngine = field(init=False)
    closes: dict[str, tuple[float, float]] = field(init=False, default_factory=dict)
    last_other: float = field(init=False, default=0.0)
    log: list[TickRecord] = field(init=False, default_factory=list)
    events: list[DivergenceEvent] = field(init=False, default_factory=list)
    effects: list[Effects] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Tell the history."""
        self.engine = make_engine(rule=self.rule, rules=self.rules, sessions=self.sessions)
        begin = self.sessions.index_of(self.first)
        lead, other = history(self.sessions.labels[begin - self.warm : begin])
        for legs in (lead, other):
            self.take(bar_batch(*legs, mode=BarsMode.HISTORY))
        for a, b in zip(lead, other, strict=True):
            self.closes[a.session] = (a.close, b.close)
        self.last_other = other[-1].close

    @property
    def monitor(self) -> PairMonitor:
        """Return the pair's monitor."""
        return self.engine.monitors[0]

    def take(self, record: TickRecord) -> list[DivergenceEvent]:
        """Let the engine read one record; return the events it made."""
        self.log.append(record)
        effects = self.engine.apply(record)
        self.effects.append(effects)
        self.events += effects.events
        return list(effects.events)

    def level(self, z: float, *, until: str | None = None) -> float:
        """Return the log ratio that is ``z`` against the 90 sessions told so far, or until one."""
        ratios = np.log([a / b for s, (a, b) in self.closes.items() if until is None or s < until])[-90:]
        return float(ratios.mean() + z * ratios.std(ddof=1))

    def price(self, z: float) -> float:
        """Return the lead's price whose z-score against the other leg's newest close is ``z``."""
        return float(self.last_other * np.exp(self.level(z)))

    def live_price(self, when: str | int, z: float) -> float:
        """Return the lead's price at an instant whose likely z-score at the next close is ``z``."""
        ts_ns = ny(when) if isinstance(when, str) else when
        ordinal = self.sessions.first_closing_at_or_after(ts_ns)
        if ordinal == len(self.sessions.close_ns):
            return self.price(z)
        begin_ns, close_ns = self.sessions.close_ns[ordinal - 1], self.sessions.close_ns[ordinal]
        closes = np.array([self.closes[session] for session in sorted(self.closes)])
        return price_for(
            z,
            closes[:, 0],
            closes[:, 1],
            probability=self.rule.probability,
            lead_to_come=gold_to_come(ts_ns, begin_ns, close_ns),
            other_to_come=float(ordinal - self.sessions.index_of(max(self.closes))),
        )

    def tick(self, when: str | int, z: float) -> list[DivergenceEvent]:
        """Tell one quote whose likely z-score is ``z``."""
        ts_ns = ny(when) if isinstance(when, str) else when
        return self.take(quotes({ts_ns: self.live_price(ts_ns, z)}))

    def ticks(self, start_ns: int, until_ns: int, z: float, *, every_ns: int) -> list[DivergenceEvent]:
        """Tell a quote every so often, both ends included."""
        made: list[DivergenceEvent] = []
        for ts_ns in range(start_ns, until_ns + 1, every_ns):
            made += self.tick(ts_ns, z)
        return made

    def reach(self, when: str | int, *, state: FeedState = FeedState.LIVE) -> list[DivergenceEvent]:
        """Tell that event time has come so far."""
        return self.take(status(ny(when) if isinstance(when, str) else when, state=state))

    def commit(
        self, session: str, z: float, *, lead_close: float | None = None, revision: int = 0
    ) -> list[DivergenceEvent]:
        """Tell the other leg's bar of a session so that its confirmed z-score is ``z``, and reach 20:15.

        Without ``lead_close`` the lead's close comes as a bar, too.
        """
        made: list[DivergenceEvent] = []
        if lead_close is None:
            lead_close = round(self.price(z), 2)
            made += self.take(
                bar_batch(bar(session, lead_close, instrument=LEAD, known_at_ns=ny(f"{session} 16:00")))
            )
        other_close = float(lead_close / np.exp(self.level(z, until=session)))
        made += self.take(bar_batch(bar(session, other_close, revision=revision)))
        made += self.reach(f"{session} 20:15")
        self.closes[session] = (lead_close, other_close)
        self.last_other = other_close
        return made

    def suppressed(self, reason: str) -> int:
        """Return how often something was not acted on for that reason."""
        return sum(effects.suppressed[reason] for effects in self.effects)
