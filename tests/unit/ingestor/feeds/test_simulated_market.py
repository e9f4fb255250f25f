"""The simulated market does what the demo shows: z is computed here, with numpy, from what it emits."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, pairwise

import numpy as np
import pytest

from services.ingestor.feeds.simulated.market import simulate
from services.ingestor.feeds.simulated.scenario import Scenario, Scheduled
from shared.calendars import xnys_calendar
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.gold_hours import spot_gold_state
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from shared.errors import ConfigError
from shared.pairs.loading import load_pairs

_MINUTE_NS = 60_000_000_000


def _scenario(
    *, seed: int = 1, start: str = "2025-03-12T17:30:00+00:00", ticks_per_second: float = 100.0
) -> Scenario:
    started = datetime.fromisoformat(start).astimezone(UTC)
    return Scenario(
        pairs=load_pairs("simulated")[:1],
        seed=seed,
        start_ns=int(started.timestamp()) * 1_000_000_000,
        speed=900.0,
        ticks_per_second=ticks_per_second,
    )


def _until(scenario: Scenario, wall_seconds: float) -> list[Scheduled]:
    items: list[Scheduled] = []
    for scheduled in simulate(scenario, calendar=xnys_calendar()):
        if scheduled.wall_seconds > wall_seconds:
            return items
        items.append(scheduled)
    raise AssertionError("the market never ends")


@dataclass
class _Observed:
    """The live z of each quote, and the confirmed z of each session, by the definitions of the design."""

    live: list[tuple[int, float, float]] = field(default_factory=list)
    confirmed: list[tuple[float, str, float]] = field(default_factory=list)


def _observe(items: list[Scheduled]) -> _Observed:
    calendar = xnys_calendar()
    seen = _Observed()
    gold: dict[str, float] = {}
    iwm: dict[str, float] = {}
    at_close: dict[str, float] = {}
    window = np.empty(0)
    last_iwm = 0.0
    for scheduled in items:
        match scheduled.item:
            case BarBatch(bars=bars, mode=BarsMode.HISTORY):
                leg = gold if bars[0].instrument == "XAU/USD.SIMULATED" else iwm
                leg.update({bar.session: bar.close for bar in bars})
            case BarBatch(bars=(bar,)):
                gold[bar.session] = at_close[bar.session]
                iwm[bar.session] = bar.close
                x = np.log(gold[bar.session] / bar.close)
                z = (x - window.mean()) / window.std(ddof=1)
                seen.confirmed.append((scheduled.wall_seconds, bar.session, float(z)))
            case QuoteBatch() as quote:
                mid = float(quote.bid[0] + quote.ask[0]) / 2
                label = calendar.labels[calendar.first_closing_at_or_after(scheduled.event_ns)]
                at_close[label] = mid
                z = (np.log(mid / last_iwm) - window.mean()) / window.std(ddof=1)
                seen.live.append((scheduled.event_ns, scheduled.wall_seconds, float(z)))
        if len(gold) == len(iwm) and not isinstance(scheduled.item, QuoteBatch):
            sessions = sorted(iwm)[-90:]
            window = np.log([gold[s] / iwm[s] for s in sessions])
            last_iwm = iwm[sessions[-1]]
    return seen


def test_equal_seeds_give_equal_markets() -> None:
    first, second = (islice(simulate(_scenario(), calendar=xnys_calendar()), 3_000) for _ in range(2))
    assert [repr(each) for each in first] == [repr(each) for each in second]


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (1, "1a6047a33f09225c4f88b1032d34787b1e0eae5dbfa676ab651d23ea26369acf"),
        (7, "01de1230f967695ab6ccca9bec5b4d1685f05fd6293324ac12395fcdbd23644b"),
    ],
)
def test_gold_against_iwm_is_what_it_was_before_other_pairs_came(seed: int, digest: str) -> None:
    """Frozen: what a seed shows stands in people's memory and in pictures."""
    items = islice(simulate(_scenario(seed=seed), calendar=xnys_calendar()), 20_000)

    assert hashlib.sha256("".join(_lines(items)).encode()).hexdigest() == digest


def _lines(items: Iterable[Scheduled]) -> Iterable[str]:
    for each in items:
        yield f"{each.wall_seconds:.6f}|{each.event_ns}|"
        match each.item:
            case QuoteBatch() as quote:
                yield f"{quote.instrument}|{quote.bid[0]:.2f}|{quote.ask[0]:.2f}\n"
            case BarBatch(bars=bars, mode=mode):
                is_history = mode is BarsMode.HISTORY
                for bar in bars:
                    yield f"{bar.instrument}|{bar.session}|{bar.close:.2f}|{bar.known_at_ns}|{is_history}\n"
            case FeedStatus() as status:
                yield f"{status.instrument}|{status.state}|{status.watermark_ns}\n"


def test_another_seed_gives_another_market() -> None:
    first, second = (next(simulate(_scenario(seed=seed), calendar=xnys_calendar())).item for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize("seed", range(1, 6))
def test_demo_sees_an_early_opening_held_confirmed_and_closed(seed: int) -> None:
    seen = _observe(_until(_scenario(seed=seed), 60.0))
    begin_ns = seen.live[0][0]
    assert abs(seen.live[0][2]) < 1.5
    opened_ns = next(ts for ts, _, z in seen.live if abs(z) >= 2)
    assert opened_ns - begin_ns < 40 * _MINUTE_NS
    held = [z for ts, _, z in seen.live if opened_ns + _MINUTE_NS <= ts <= opened_ns + 60 * _MINUTE_NS]
    assert len(held) > 100
    assert all(2 <= z < 3 for z in held)
    wall, session, confirmed = seen.confirmed[0]
    assert session == "2025-03-12"
    assert 10 <= wall <= 15
    assert confirmed >= 2
    assert any(wall < 60 and abs(z) <= 1 for _, wall, z in seen.live if wall > seen.confirmed[0][0])


@pytest.mark.parametrize("seed", range(1, 6))
def test_long_demo_goes_on_opening_and_closing_on_both_sides(seed: int) -> None:
    seen = _observe(_until(_scenario(seed=seed, ticks_per_second=10), 900.0))
    zs = [z for _, _, z in seen.confirmed]
    assert sum(z >= 2 for z in zs) >= 2
    assert sum(z <= -2 for z in zs) >= 2
    assert sum(abs(z) <= 1 for z in zs) >= 8
    walls = [wall for wall, _, _ in seen.confirmed]
    assert max(late - early for early, late in pairwise(walls)) < 60


def test_quotes_come_only_while_gold_trades_and_its_hours_are_said() -> None:
    items = _until(_scenario(start="2025-03-14T17:30:00+00:00"), 60.0)
    quotes = [scheduled for scheduled in items if isinstance(scheduled.item, QuoteBatch)]
    assert all(spot_gold_state(quote.event_ns) is FeedState.LIVE for quote in quotes)
    states = [s.item for s in items if isinstance(s.item, FeedStatus)]
    # Friday 17:00 and Sunday 18:00 New York, then Monday's break.
    assert [(each.state, each.watermark_ns // 1_000_000_000) for each in states[:3]] == [
        (FeedState.CLOSED, 1_741_986_000),
        (FeedState.LIVE, 1_742_162_400),
        (FeedState.BREAK, 1_742_245_200),
    ]
    weekend = [s.wall_seconds for s in items if isinstance(s.item, FeedStatus)][:2]
    assert weekend[1] - weekend[0] < 10


def test_event_time_never_goes_back_and_prices_are_sound() -> None:
    items = _until(_scenario(), 100.0)
    assert all(a.event_ns <= b.event_ns and a.wall_seconds <= b.wall_seconds for a, b in pairwise(items))
    quotes = [s.item for s in items if isinstance(s.item, QuoteBatch)]
    assert all(0 < quote.bid[0] < quote.ask[0] for quote in quotes)
    assert 50 <= len(quotes) / 100 <= 200


def test_bars_come_at_their_known_at_and_not_before() -> None:
    bars = [
        s for s in _until(_scenario(), 100.0) if isinstance(s.item, BarBatch) and s.item.mode is BarsMode.LIVE
    ]
    assert len(bars) >= 2
    assert all(s.event_ns == s.item.bars[0].known_at_ns for s in bars if isinstance(s.item, BarBatch))
    assert [s.item.bars[0].session for s in bars if isinstance(s.item, BarBatch)][:2] == [
        "2025-03-12",
        "2025-03-13",
    ]


def test_history_has_enough_sessions_of_both_legs() -> None:
    first, second = islice(simulate(_scenario(), calendar=xnys_calendar()), 2)
    assert isinstance(first.item, BarBatch)
    assert isinstance(second.item, BarBatch)
    assert [bar.session for bar in first.item.bars] == [bar.session for bar in second.item.bars]
    assert len(first.item.bars) >= 700
    assert first.item.bars[-1].session == "2025-03-11"


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ("2025-03-15T17:30:00+00:00", "inside an XNYS session"),
        ("1999-03-12T17:30:00+00:00", "too few sessions"),
    ],
)
def test_a_start_that_cannot_work_is_refused(start: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        simulate(_scenario(start=start), calendar=xnys_calendar())


def test_start_just_before_a_close_is_no_trouble() -> None:
    seen = _observe(_until(_scenario(start="2025-03-12T19:50:00+00:00"), 90.0))
    assert [session for _, session, _ in seen.confirmed][:2] == ["2025-03-12", "2025-03-13"]


def test_market_ends_with_the_calendar() -> None:
    calendar = xnys_calendar()
    last = SessionCalendar(
        labels=calendar.labels[:900], open_ns=calendar.open_ns[:900], close_ns=calendar.close_ns[:900]
    )
    scenario = replace(_scenario(ticks_per_second=10), start_ns=last.open_ns[-1])
    quotes = [s.event_ns for s in simulate(scenario, calendar=last) if isinstance(s.item, QuoteBatch)]
    assert quotes[-1] <= last.close_ns[-1]
    assert last.close_ns[-1] - quotes[-1] < 5 * _MINUTE_NS
