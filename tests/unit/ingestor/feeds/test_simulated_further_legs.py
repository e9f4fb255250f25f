"""The further legs of the simulated market: those with daily bars, and those that tick round the clock."""

from datetime import datetime
from itertools import islice, pairwise

import numpy as np
import pytest

from services.ingestor.feeds.simulated.market import simulate
from services.ingestor.feeds.simulated.scenario import Scenario, Scheduled
from shared.calendars import xnys_calendar
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.gold_hours import spot_gold_state
from shared.domain.pairs import Pair
from shared.domain.sessions import bar_final_at_ns
from shared.domain.ticks import FeedState, QuoteBatch

GOLD, IWM, SPY, SLV, BTC, ETH = (
    f"{symbol}.SIMULATED" for symbol in ("XAU/USD", "IWM", "SPY", "SLV", "BTC/USD", "ETH/USD")
)
WEDNESDAY = "2025-03-12T17:30:00+00:00"
FRIDAY = "2025-03-14T17:30:00+00:00"


def scenario(*others: str, seed: int = 1, start: str = WEDNESDAY, ticks_per_second: float = 20.0) -> Scenario:
    return Scenario(
        pairs=tuple(
            Pair(
                name=f"gold-x{number}",
                title="",
                lead=GOLD,
                other=other,
                lead_title="",
                other_title="",
                is_simulated=True,
            )
            for number, other in enumerate(others)
        ),
        seed=seed,
        start_ns=int(datetime.fromisoformat(start).timestamp()) * 1_000_000_000,
        speed=900.0,
        ticks_per_second=ticks_per_second,
    )


def until(played: Scenario, wall_seconds: float) -> list[Scheduled]:
    items: list[Scheduled] = []
    for scheduled in simulate(played, calendar=xnys_calendar()):
        if scheduled.wall_seconds > wall_seconds:
            return items
        items.append(scheduled)
    raise AssertionError("the market never ends")


def of(items: list[Scheduled], *instruments: str) -> list[Scheduled]:
    def instrument(item: object) -> str:
        return str(item.bars[0].instrument if isinstance(item, BarBatch) else getattr(item, "instrument", ""))

    return [each for each in items if instrument(each.item) in instruments]


def history(items: list[Scheduled], instrument: str) -> dict[str, float]:
    (only,) = [
        s.item
        for s in of(items, instrument)
        if isinstance(s.item, BarBatch) and s.item.mode is BarsMode.HISTORY
    ]
    return {bar.session: bar.close for bar in only.bars}


def quotes(items: list[Scheduled], instrument: str) -> list[tuple[int, float, float]]:
    return [
        (s.event_ns, float(s.item.bid[0]), float(s.item.ask[0]))
        for s in of(items, instrument)
        if isinstance(s.item, QuoteBatch)
    ]


def test_a_further_pair_changes_nothing_of_those_that_are_there() -> None:
    alone, with_more = until(scenario(IWM), 30.0), until(scenario(IWM, BTC, SPY), 30.0)
    more_first = until(scenario(BTC, IWM, SLV, SPY), 30.0)

    assert [repr(each) for each in alone] == [repr(each) for each in of(with_more, GOLD, IWM)]
    assert [repr(each) for each in alone] == [repr(each) for each in of(more_first, GOLD, IWM)]
    for instrument in (BTC, SPY):
        assert [repr(s) for s in of(with_more, instrument)] == [repr(s) for s in of(more_first, instrument)]


def test_another_seed_gives_other_further_legs() -> None:
    first, second = (history(until(scenario(IWM, BTC, seed=seed), 0.0), BTC) for seed in (1, 2))

    assert first != second


def test_all_legs_are_in_one_order_of_event_time() -> None:
    items = until(scenario(IWM, BTC, ETH, SPY, start=FRIDAY), 100.0)

    assert all(a.event_ns <= b.event_ns and a.wall_seconds <= b.wall_seconds for a, b in pairwise(items))
    assert {BTC, ETH} < {s.item.instrument for s in items if isinstance(s.item, QuoteBatch)}


def test_what_ticks_does_so_round_the_clock_and_a_quarter_as_often_as_gold() -> None:
    items = until(scenario(IWM, BTC, start=FRIDAY, ticks_per_second=200.0), 40.0)
    found = quotes(items, BTC)

    assert 40 <= len(found) / 40 <= 60
    assert {spot_gold_state(ts_ns) for ts_ns, _, _ in found} == {FeedState.LIVE, FeedState.CLOSED}
    assert all(0 < bid < ask for _, bid, ask in found)


def test_what_ticks_has_no_bars_but_its_history() -> None:
    """Its closes are sampled from its ticks, as gold's are."""
    bars = [s.item for s in of(until(scenario(IWM, BTC), 60.0), BTC) if isinstance(s.item, BarBatch)]

    assert [each.mode for each in bars] == [BarsMode.HISTORY]
    assert len(bars[0].bars) == 720
    assert bars[0].bars[-1].session == "2025-03-11"


def test_what_ticks_goes_on_from_its_history_and_never_jumps() -> None:
    items = until(scenario(IWM, BTC, ticks_per_second=400.0), 120.0)
    mids = [(bid + ask) / 2 for _, bid, ask in quotes(items, BTC)]
    steps = np.abs(np.diff(np.log([list(history(items, BTC).values())[-1], *mids])))

    # The first step is what happened since the evening before; a day's standard deviation is about 2 %.
    assert steps[0] < 0.05
    assert steps[1:].max() < 0.01


def test_daily_bar_comes_with_that_of_the_main_pair_at_the_same_instant() -> None:
    items = until(scenario(IWM, SPY, SLV), 100.0)
    live = [s for s in items if isinstance(s.item, BarBatch) and s.item.mode is BarsMode.LIVE]
    found = [
        (s.item.bars[0].instrument, s.item.bars[0].session) for s in live if isinstance(s.item, BarBatch)
    ]

    assert found[:6] == [
        (leg, session) for session in ("2025-03-12", "2025-03-13") for leg in (IWM, SPY, SLV)
    ]
    for scheduled, (_, session) in zip(live, found, strict=True):
        assert isinstance(scheduled.item, BarBatch)
        assert scheduled.event_ns == scheduled.item.bars[0].known_at_ns == bar_final_at_ns(session)
    for begin in range(0, len(live) - 2, 3):
        assert len({s.wall_seconds for s in live[begin : begin + 3]}) == 1


def test_silver_goes_with_gold_and_stocks_with_small_caps() -> None:
    items = until(scenario(IWM, SPY, SLV), 0.0)
    gold, iwm, spy, silver = (
        np.diff(np.log(list(history(items, leg).values()))) for leg in (GOLD, IWM, SPY, SLV)
    )
    correlation = np.corrcoef([gold, iwm, spy, silver])

    assert correlation[3, 0] > correlation[3, 1]
    assert correlation[2, 1] > correlation[2, 0]


def test_ratio_to_gold_stays_in_a_band() -> None:
    items = until(scenario(IWM, BTC, SPY), 0.0)
    for other in (BTC, SPY):
        ratios = np.log(np.array([*history(items, GOLD).values()]) / [*history(items, other).values()])
        assert ratios.std(ddof=1) < 0.05
        halves = ratios[:360].mean(), ratios[360:].mean()
        assert abs(halves[0] - halves[1]) < ratios.std(ddof=1)


def test_levels_look_familiar_and_a_leg_nobody_knows_is_played_too() -> None:
    items = until(scenario(IWM, BTC, ETH), 0.0)

    assert history(items, BTC)["2025-03-11"] == pytest.approx(83_000, rel=0.15)
    assert history(items, ETH)["2025-03-11"] == pytest.approx(100, rel=0.15)


def test_without_a_leg_that_has_daily_bars_only_what_ticks_is_emitted() -> None:
    items = list(islice(simulate(scenario(BTC), calendar=xnys_calendar()), 2_000))

    assert of(items, GOLD, BTC) == items
    alone = list(islice(simulate(scenario(IWM), calendar=xnys_calendar()), 2_000))
    assert quotes(items, GOLD) == quotes(alone, GOLD)[: len(quotes(items, GOLD))]
