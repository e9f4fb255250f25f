"""Whatever a feed does, each event comes out of the log before it: after late ticks, spikes, corrections."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from convex.explain.explanation import Explanation, explain
from convex.explain.hold_and_cooldown import stretches_of
from convex.explain.log_scan import LogScan
from convex.explain.material import Bars, Material, Prices, Ticks, Titles
from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine_config import EngineConfig
from services.signals.rules_file import load_rules
from shared.calendars import xnys_calendar
from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.pairs import Pair
from tests.support.market_log import LEADS, RULES, Market, pairs

_ALWAYS = (0, 1 << 62)


def stretch(event: DivergenceEvent, leg: str, scan: LogScan) -> Ticks:
    """Return the ticks of a leg that an explanation asks the log for."""
    begin, end = stretches_of(event).get(leg, (1, 0))
    ticks = scan.ticks(leg)
    found = [
        (ts_ns, price) for ts_ns, price in zip(ticks.ts_ns, ticks.price, strict=True) if begin <= ts_ns <= end
    ]
    return Ticks(ts_ns=tuple(ts_ns for ts_ns, _ in found), price=tuple(price for _, price in found))


def explained(event: DivergenceEvent, pair: Pair, scan: LogScan, past: list[DivergenceEvent]) -> Explanation:
    material = Material(
        event=event,
        events="divergences.v1",
        where="",
        origin="",
        before=tuple(past),
        cooldown_sessions=0,
        titles=Titles(lead=pair.lead_title, other=pair.other_title),
        bars=Bars(source="ticks.v1", bars=tuple(scan.bars)),
        prices=Prices(lead=stretch(event, pair.lead, scan), other=stretch(event, pair.other, scan)),
    )
    return explain(material, calendar=xnys_calendar())


@pytest.mark.slow
@pytest.mark.parametrize("lead", LEADS[:2])
def test_every_event_comes_out_of_the_log_before_it(lead: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    mine = [pair for pair in pairs() if pair.lead == lead]
    config = EngineConfig(rules=load_rules(rules), calendar=xnys_calendar(), code_version="test")
    engine = LeadEngine(lead, mine, config)
    scans = {
        pair.name: LogScan(
            pair.lead,
            pair.other,
            calendar=xnys_calendar(),
            stretches={pair.lead: _ALWAYS, pair.other: _ALWAYS},
        )
        for pair in mine
    }
    named, past = {pair.name: pair for pair in mine}, defaultdict[str, list[DivergenceEvent]](list)
    seen: Counter[Kind] = Counter()
    for told_to, record in Market(seed=3, count=6).told:
        if told_to != lead or isinstance(record, bytes):
            continue
        for scan in scans.values():
            scan.take(record)
        for event in engine.apply(record).events:
            found = explained(event, named[event.pair], scans[event.pair], past[event.pair])
            assert found.comes_out, event
            assert found.is_same_window in (True, None), event
            past[event.pair].append(event)
            seen[event.kind] += 1
    assert seen.total() > 150
    assert {Kind.RATIO_STRETCH, Kind.REGIME_CHANGE, Kind.OPPOSITE_MOVES} <= set(seen)
