"""Made-up markets as the records of a lead's log, and the events that the engine makes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from convex.why_not.asked_instant import read_instant
from convex.why_not.gate import Answer, By
from convex.why_not.inquiry import Findings, Inquiry
from services.signals.core.divergence.rules import Rule
from services.signals.core.engine.engine import LeadEngine, Record
from services.signals.core.engine_config import EngineConfig
from services.signals.core.kinds.registry import PUBLISHED_RULES
from shared.domain.bars import BarsMode
from shared.domain.divergences import Direction, DivergenceEvent, Kind
from shared.domain.pairs import Pair
from tests.support.builders_market import LEAD, OTHER, bar, bar_batch, calendar, ny, pair, quotes, status

CALENDAR = calendar("2018-01-02", "2020-12-31")
RULES = tuple(
    replace(rule, cooldown_sessions=3)
    if rule.kind.is_market and rule.kind is not Kind.REGIME_CHANGE
    else rule
    for rule in PUBLISHED_RULES
)
GOLD_IWM: Pair = replace(pair(), agreement_low=0.4, agreement_high=0.6)


def config(rules: Sequence[Rule] = RULES) -> EngineConfig:
    return EngineConfig(rules=tuple(rules), calendar=CALENDAR, code_version="0.0.0-test")


def closes(seed: int, count: int) -> tuple[list[float], list[float]]:
    """Draw closes of both legs whose relation changes for a while, to the cent."""
    drawn = np.random.default_rng(seed)
    lead, other = drawn.normal(0, 0.01, (2, count))
    tied = slice(2 * count // 3, 5 * count // 6)
    other[tied] = 0.9 * lead[tied] + 0.3 * other[tied]
    return (
        [round(float(each), 2) for each in 1300 * np.exp(lead.cumsum())],
        [round(float(each), 2) for each in 150 * np.exp(other.cumsum())],
    )


def daily(lead: Sequence[float], other: Sequence[float], *, first: int = 0) -> list[Record]:
    """Return one session after the other: both bars, and a status that advances event time to them."""
    records: list[Record] = []
    for label, gold, iwm in zip(CALENDAR.labels[first:], lead, other, strict=False):
        known_ns = ny(f"{label} 20:15")
        records += [
            bar_batch(bar(label, gold, instrument=LEAD, known_at_ns=CALENDAR.close_of(label))),
            bar_batch(bar(label, iwm, instrument=OTHER)),
            status(known_ns),
        ]
    return records


def recent(lead: Sequence[float], other: Sequence[float], *, live: int) -> list[Record]:
    """Return the sessions as history, which decides nothing, but the last ones one after the other."""
    past = len(lead) - live
    begin_ns = ny(f"{CALENDAR.labels[past - 1]} 22:00")
    history = [
        bar_batch(
            *(
                bar(label, price, instrument=name, known_at_ns=ny(f"{label} 20:15"))
                for label, price in zip(CALENDAR.labels[:past], prices, strict=False)
            ),
            mode=BarsMode.HISTORY,
        )
        for name, prices in ((LEAD, lead), (OTHER, other))
    ]
    return [*history, status(begin_ns), *daily(lead[past:], other[past:], first=past)]


def events_of(records: Iterable[Record], rules: Sequence[Rule] = RULES) -> list[DivergenceEvent]:
    engine = LeadEngine(LEAD, (GOLD_IWM,), config(rules))
    return [event for record in records for event in engine.apply(record).events]


def ask(text: str, records: Iterable[Record], rules: Sequence[Rule] = RULES) -> Findings:
    inquiry = Inquiry(read_instant([text], CALENDAR), GOLD_IWM, config(rules))
    for record in records:
        if inquiry.take(record):
            break
    return inquiry.findings("the log")


def answer(found: Findings, kind: Kind, direction: Direction, by: By = By.CLOSE) -> Answer:
    (one,) = [each for each in found.answers if (each.kind, each.direction, each.by) == (kind, direction, by)]
    return one


def ticks(*prices: tuple[str, float]) -> Record:
    """Return quotes of gold at New York times such as ``2019-06-03 10:00``."""
    return quotes([(ny(at), price) for at, price in prices])
