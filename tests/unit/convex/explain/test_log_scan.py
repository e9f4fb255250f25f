"""Every row of the table of which ticks count, and the closes sampled from them."""

from dataclasses import replace

import numpy as np

from convex.explain.log_scan import LogScan
from convex.explain.material import Ticks
from shared.contracts.ticks import TickRecord
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import (
    AuthorityReason,
    FeedAuthority,
    FeedFault,
    FeedFaultKind,
    FeedState,
    FeedStatus,
    QuoteBatch,
    TradeBatch,
)
from tests.unit.convex.explain.stories import LEAD, OTHER, bar

_S = 10**9
COIN = "BTC/USD.REPLAY"
_CALENDAR = SessionCalendar(
    labels=("2019-01-02", "2019-01-03"), open_ns=(0, 90_000 * _S), close_ns=(1_000 * _S, 100_000 * _S)
)


def quotes(*ticks: tuple[float, float], instrument: str = LEAD) -> QuoteBatch:
    """Return quotes of a second and a mid each."""
    instants = np.array([int(second * _S) for second, _ in ticks], dtype=np.int64)
    mids = np.array([mid for _, mid in ticks])
    return QuoteBatch(
        instrument=instrument,
        feed="test",
        ts_event_ns=instants,
        ts_received_ns=instants,
        bid=mids - 0.5,
        ask=mids + 0.5,
    )


def trades(*ticks: tuple[float, float]) -> TradeBatch:
    instants = np.array([int(second * _S) for second, _ in ticks], dtype=np.int64)
    prices = np.array([price for _, price in ticks])
    return TradeBatch(
        instrument=LEAD,
        feed="test",
        ts_event_ns=instants,
        ts_received_ns=instants,
        price=prices,
        size=np.ones(len(ticks)),
        trade_id=("",) * len(ticks),
    )


def scanned(*records: TickRecord, until: float = 10**6, other: str = OTHER) -> LogScan:
    stretches = {LEAD: (0, int(until * _S)), other: (0, int(until * _S))}
    scan = LogScan(LEAD, other, calendar=_CALENDAR, stretches=stretches)
    for record in records:
        scan.take(record)
    return scan


def told(scan: LogScan) -> list[tuple[float, float]]:
    ticks = scan.ticks(LEAD)
    return [(ts_ns / _S, price) for ts_ns, price in zip(ticks.ts_ns, ticks.price, strict=True)]


def test_tick_behind_one_that_counted_is_late() -> None:
    assert told(scanned(quotes((10, 1300), (9, 1200), (11, 1301)))) == [(10, 1300), (11, 1301)]
    assert told(scanned(quotes((10, 1300)), quotes((9, 1200), (11, 1301)))) == [(10, 1300), (11, 1301)]


def test_trade_counts_only_a_minute_after_the_last_quote() -> None:
    scan = scanned(quotes((10, 1300)), trades((60, 1310), (70, 1311), (71, 1312)))

    assert told(scan) == [(10, 1300), (71, 1312)]


def test_trades_alone_all_count() -> None:
    assert told(scanned(trades((100, 1310), (101, 1311)))) == [(100, 1310), (101, 1311)]


def test_price_that_jumps_counts_when_three_in_a_row_agree() -> None:
    assert told(scanned(quotes((1, 1300), (2, 13), (3, 1301)))) == [(1, 1300), (3, 1301)]
    jumped = quotes((1, 1300), (2, 2600), (3, 2601), (4, 2602), (5, 2603))
    assert told(scanned(jumped)) == [(1, 1300), (4, 2602), (5, 2603)]


def test_suspects_that_disagree_start_again() -> None:
    ticks = quotes((1, 1300), (2, 2600), (3, 13), (4, 13.1), (5, 13.2), (6, 13.3))

    assert told(scanned(ticks)) == [(1, 1300), (5, 13.2), (6, 13.3)]


def test_suspicion_outlives_a_record() -> None:
    assert told(scanned(quotes((1, 1300)), quotes((2, 2600)), quotes((3, 2601)), quotes((4, 2602)))) == [
        (1, 1300),
        (4, 2602),
    ]


def test_close_is_sampled_from_the_last_price_at_or_before_it() -> None:
    scan = scanned(quotes((900, 1300), (1_000, 1301), (1_000.5, 1302)))

    assert [(each.session, each.close, each.known_at_ns) for each in scan.bars] == [
        ("2019-01-02", 1301, 1_000 * _S)
    ]


def test_close_is_sampled_when_only_a_status_tells_that_it_has_passed() -> None:
    status = FeedStatus(instrument=LEAD, feed="test", state=FeedState.LIVE, watermark_ns=1_000 * _S + 1)

    assert [each.close for each in scanned(quotes((900, 1300)), status).bars] == [1300]


def test_stale_price_is_no_sample() -> None:
    assert scanned(quotes((99, 1300)), quotes((1_001, 1302))).bars == []
    assert [each.close for each in scanned(quotes((100, 1300)), quotes((1_001, 1302))).bars] == [1300]


def test_both_legs_that_tick_are_sampled_by_the_leads_time() -> None:
    status = FeedStatus(instrument=LEAD, feed="test", state=FeedState.LIVE, watermark_ns=1_001 * _S)
    scan = scanned(quotes((950, 1300)), quotes((951, 9_000), instrument=COIN), status, other=COIN)

    assert [(each.instrument, each.close) for each in scan.bars] == [(LEAD, 1300), (COIN, 9_000)]


def test_listed_leg_has_no_sampled_close_and_ticks_in_sessions_only() -> None:
    status = FeedStatus(instrument=LEAD, feed="test", state=FeedState.LIVE, watermark_ns=1_002 * _S)
    scan = scanned(
        quotes((950, 1300)),
        quotes((951, 150), (1_001, 999), instrument=OTHER),
        quotes((1_001.5, 999), instrument=OTHER),
        status,
    )

    assert [(each.instrument, each.close) for each in scan.bars] == [(LEAD, 1300)]
    assert scan.ticks(OTHER).price == (150.0,)


def authority(feed: str, since: float) -> FeedAuthority:
    return FeedAuthority(
        instrument=LEAD, feed=feed, since_ns=int(since * _S), reason=AuthorityReason.OTHER_STALE
    )


def test_only_the_ticks_and_status_of_the_authoritative_feed_count() -> None:
    late = FeedStatus(instrument=LEAD, feed="other", state=FeedState.LIVE, watermark_ns=1_001 * _S)
    scan = scanned(authority("test", 0), quotes((10, 1300)), replace(quotes((11, 1400)), feed="other"), late)

    assert told(scan) == [(10, 1300)]
    assert scan.bars == []


def test_feed_that_takes_over_may_be_a_little_behind_and_its_trades_count_at_once() -> None:
    scan = scanned(
        authority("test", 0),
        quotes((320, 1300)),
        authority("other", 315),
        replace(trades((316, 1301)), feed="other"),
        replace(trades((314, 1299)), feed="other"),
    )

    assert told(scan) == [(320, 1300), (316, 1301)]


def test_feed_whose_authority_is_not_in_the_log_counts_after_a_minute_of_its_status_alone() -> None:
    statuses = [
        FeedStatus(instrument=LEAD, feed="other", state=FeedState.LIVE, watermark_ns=(20 + at) * _S)
        for at in range(60)
    ]
    scan = scanned(
        authority("test", 0), quotes((10, 1300)), *statuses, replace(quotes((81, 1301)), feed="other")
    )

    assert told(scan) == [(10, 1300), (81, 1301)]


def test_what_the_ingestor_says_of_the_data_is_no_tick() -> None:
    fault = FeedFault(instrument=LEAD, feed="test", fault=FeedFaultKind.LATE_OPEN, is_open=True, at_ns=5 * _S)

    assert told(scanned(quotes((10, 1300)), fault)) == [(10, 1300)]


def test_close_that_was_sampled_before_it_came_is_sampled_again_when_it_comes() -> None:
    def status(second: float) -> FeedStatus:
        return FeedStatus(instrument=LEAD, feed="test", state=FeedState.LIVE, watermark_ns=int(second * _S))

    ticks = [record for at in range(500, 540, 5) for record in (quotes((at, 1300)), status(at))]
    scan = scanned(
        quotes((490, 1290)), status(20_000), *ticks, quotes((900, 1305), instrument=LEAD), status(1_001)
    )

    assert [(each.session, each.close) for each in scan.bars] == [("2019-01-02", 1305)]


def test_tick_of_either_leg_passes_the_close_of_both() -> None:
    scan = scanned(quotes((950, 1300)), quotes((1_001, 9_000), instrument=COIN), other=COIN)

    assert [(each.instrument, each.close) for each in scan.bars] == [(LEAD, 1300)]


def test_status_of_the_other_leg_moves_no_time() -> None:
    status = FeedStatus(instrument=OTHER, feed="test", state=FeedState.LIVE, watermark_ns=1_001 * _S)

    assert scanned(quotes((950, 1300)), status).bars == []


def test_bars_of_other_instruments_and_ticks_outside_the_stretch_are_left_out() -> None:
    mine, other = bar(OTHER, 0, 150.0), bar("SPY.REPLAY", 0, 250.0)
    scan = scanned(
        BarBatch(instrument=OTHER, mode=BarsMode.LIVE, bars=(mine,)),
        BarBatch(instrument="SPY.REPLAY", mode=BarsMode.LIVE, bars=(other,)),
        quotes((1, 1300), (2, 1301)),
        until=1.5,
    )

    assert scan.bars == [mine]
    assert told(scan) == [(1, 1300)]


def test_price_of_an_instant_is_the_stated_one_or_else_the_last() -> None:
    ticks = Ticks(ts_ns=(1, 2, 2, 3), price=(10.0, 20.0, 21.0, 30.0))

    assert ticks.at(2, stated=20.0) == 20.0
    assert ticks.at(2, stated=10.0) == 21.0
    assert ticks.at(4, stated=10.0) is None
    assert ticks.at(None, stated=10.0) is None
