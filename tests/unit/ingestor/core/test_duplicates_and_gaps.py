"""Trade ids in sequence, quotes seen before."""

from services.ingestor.core.duplicates_and_gaps import Gap, RecentTicks, TradeSequence


def _after(*ids: int, is_snapshot: bool = False) -> TradeSequence:
    sequence = TradeSequence()
    sequence.offer([(trade_id, 10 * trade_id) for trade_id in ids], is_snapshot=is_snapshot)
    return sequence


def test_first_update_is_new() -> None:
    assert TradeSequence().offer([(7, 1), (6, 0)], is_snapshot=False) == ([6, 7], [])


def test_first_snapshot_is_the_starting_point_whatever_its_order() -> None:
    sequence = TradeSequence()
    assert sequence.offer([(9, 1), (7, 1), (8, 1)], is_snapshot=True) == ([], [])
    assert sequence.offer([(10, 2)], is_snapshot=False) == ([10], [])


def test_empty_snapshot_is_no_starting_point() -> None:
    sequence = TradeSequence()
    sequence.offer([], is_snapshot=True)
    assert sequence.offer([(7, 1)], is_snapshot=False) == ([7], [])


def test_seen_ids_are_not_new() -> None:
    assert _after(100).offer([(99, 0), (100, 0), (101, 0)], is_snapshot=False) == ([101], [])


def test_hole_is_a_gap_with_the_time_before_it() -> None:
    assert _after(100).offer([(103, 0), (106, 0)], is_snapshot=False) == (
        [103, 106],
        [Gap(after_id=100, before_id=103, since_ns=1_000), Gap(after_id=103, before_id=106, since_ns=0)],
    )


def test_snapshot_after_a_reconnect_fills_what_it_can() -> None:
    assert _after(100).offer([(99, 0), (100, 0), (101, 0), (102, 0)], is_snapshot=True) == ([101, 102], [])


def test_claim_is_believed_at_the_second_word() -> None:
    sequence = _after(100)
    assert sequence.on_last_trade_id(103) is None
    assert sequence.on_last_trade_id(104) == Gap(after_id=100, before_id=104, since_ns=1_000)
    assert sequence.on_last_trade_id(104) == Gap(after_id=103, before_id=105, since_ns=1_000)
    assert sequence.on_last_trade_id(104) is None


def test_trade_that_was_on_its_way_is_no_gap() -> None:
    sequence = _after(100)
    sequence.on_last_trade_id(101)
    sequence.offer([(101, 5)], is_snapshot=False)
    assert sequence.on_last_trade_id(101) is None


def test_claim_before_any_trade_is_the_starting_point() -> None:
    sequence = TradeSequence()
    assert sequence.on_last_trade_id(50) is None
    assert sequence.on_last_trade_id(50) is None
    assert sequence.offer([(51, 1)], is_snapshot=False) == ([51], [])


def test_a_wrong_id_makes_no_later_trade_a_duplicate_and_lets_nothing_be_asked_for() -> None:
    sequence = _after(100)
    assert sequence.offer([(2**62, 1_010)], is_snapshot=False) == ([2**62], [])

    for trade_id in (101, 102, 103):
        assert sequence.offer([(trade_id, 1_000 + trade_id)], is_snapshot=False) == ([trade_id], [])
    assert sequence.offer([(105, 1_105)], is_snapshot=False) == (
        [105],
        [Gap(after_id=103, before_id=105, since_ns=1_103)],
    )


def test_a_wrong_id_that_is_near_loses_no_trade_and_the_sequence_begins_anew_with_the_third() -> None:
    sequence = _after(100)
    assert sequence.offer([(900, 2_000)], is_snapshot=False)[0] == [900]

    assert sequence.offer([(101, 2_001)], is_snapshot=False) == ([101], [])
    assert sequence.offer([(102, 2_002)], is_snapshot=False) == ([102], [])
    assert sequence.offer([(104, 2_004)], is_snapshot=False) == (
        [104],
        [Gap(after_id=102, before_id=104, since_ns=2_002)],
    )
    assert sequence.offer([(101, 2_001), (104, 2_004), (105, 2_005)], is_snapshot=False) == ([105], [])


def test_a_great_jump_of_ids_is_believed_with_the_next_trade_and_the_gap_is_known() -> None:
    sequence = _after(100)
    assert sequence.offer([(50_000, 2_000)], is_snapshot=False) == ([50_000], [])
    assert sequence.offer([(50_000, 2_000)], is_snapshot=False) == ([], [])
    assert sequence.offer([(50_002, 2_001)], is_snapshot=False) == (
        [50_002],
        [
            Gap(after_id=100, before_id=50_000, since_ns=1_000),
            Gap(after_id=50_000, before_id=50_002, since_ns=2_000),
        ],
    )


def test_two_great_jumps_to_different_ids_confirm_nothing() -> None:
    sequence = _after(100)
    assert sequence.offer([(50_000, 2_000)], is_snapshot=False) == ([50_000], [])
    assert sequence.offer([(90_000, 2_001)], is_snapshot=False) == ([90_000], [])
    assert sequence.offer([(101, 2_002)], is_snapshot=False) == ([101], [])


def test_many_ids_in_a_long_time_are_believed_at_once() -> None:
    sequence = _after(100)
    minute_later = 1_000 + 60 * 10**9

    assert sequence.offer([(50_000, minute_later)], is_snapshot=False) == (
        [50_000],
        [Gap(after_id=100, before_id=50_000, since_ns=1_000)],
    )


def test_a_wrong_last_id_of_a_heartbeat_loses_no_trade() -> None:
    sequence = TradeSequence()
    sequence.on_last_trade_id(2**60)
    assert sequence.offer([(101, 1_001)], is_snapshot=False) == ([101], [])
    assert sequence.on_last_trade_id(2**60) is None
    assert sequence.on_last_trade_id(101) is None
    assert sequence.on_last_trade_id(900) is None
    assert sequence.on_last_trade_id(102) is None
    assert sequence.offer([(102, 1_002), (103, 1_003)], is_snapshot=False) == ([102, 103], [])


def test_a_last_id_of_a_heartbeat_that_is_far_too_low_is_no_gap() -> None:
    sequence = TradeSequence()
    sequence.on_last_trade_id(5)
    assert sequence.offer([(100_000, 10**18)], is_snapshot=False) == ([100_000], [])


def test_low_ids_that_are_far_apart_are_no_gap_when_the_sequence_begins_anew() -> None:
    sequence = _after(100_000)
    for trade_id, ts in ((5, 1_000_001), (50_000, 1_000_002), (50_001, 1_000_003)):
        assert sequence.offer([(trade_id, ts)], is_snapshot=False) == ([trade_id], [])
    assert sequence.offer([(50_002, 1_000_004)], is_snapshot=False) == ([50_002], [])


def test_a_trade_that_was_missing_and_comes_late_is_new_once() -> None:
    sequence = _after(100)
    sequence.offer([(110, 2_000)], is_snapshot=False)

    for trade_id, ts in ((101, 1_101), (102, 2_001)):
        assert sequence.offer([(trade_id, ts)], is_snapshot=False) == ([trade_id], [])
        assert sequence.offer([(trade_id, ts)], is_snapshot=False) == ([], [])
        assert not sequence.note(trade_id, ts)
    assert sequence.note(103, 1_103)
    assert sequence.offer([(103, 1_103), (111, 2_002)], is_snapshot=False) == ([111], [])


def test_an_id_that_a_wrong_trade_had_is_new_when_the_venue_comes_to_it() -> None:
    sequence, second = _after(100), 10**9
    sequence.offer([(103, second)], is_snapshot=False)
    sequence.offer([(101, 2 * second), (102, 3 * second)], is_snapshot=False)

    assert sequence.offer([(103, 4 * second)], is_snapshot=False) == ([103], [])


def test_the_memory_of_trades_is_bounded_and_what_is_forgotten_is_a_duplicate() -> None:
    sequence = TradeSequence()
    for trade_id in range(1, 10_003):
        assert sequence.offer([(trade_id, 10 * trade_id)], is_snapshot=False)[0]

    assert sequence.offer([(1, 10), (2, 20), (3, 30)], is_snapshot=False) == ([], [])


def test_trades_that_come_again_are_duplicates_however_many() -> None:
    sequence = _after(100)
    sequence.offer([(101, 20), (102, 30)], is_snapshot=False)
    for _ in range(10):
        assert sequence.offer([(99, 10), (101, 20), (102, 30)], is_snapshot=False) == ([], [])


def test_three_newer_trades_with_lower_ids_are_no_new_numbering_with_a_repetition_between_them() -> None:
    sequence = TradeSequence()
    sequence.resume(110, 20)
    for trade_id, ts in ((101, 21), (102, 22), (110, 20), (103, 23)):
        is_new = trade_id != 110
        assert bool(sequence.offer([(trade_id, ts)], is_snapshot=False)[0]) is is_new

    assert sequence.offer([(111, 24)], is_snapshot=False) == ([111], [])


def test_equal_quotes_are_seen_once_within_two_minutes() -> None:
    quotes = RecentTicks()

    def is_new(ts: int, bid: float, now: float) -> bool:
        return quotes.is_new((ts, bid, 2.0), now=now)

    assert is_new(1, 1.0, 0.0)
    assert not is_new(1, 1.0, 120.0)
    assert is_new(2, 1.0, 120.0)
    assert is_new(1, 1.5, 120.0)
    assert is_new(1, 1.0, 120.001)


def test_the_memory_of_ticks_is_bounded_and_the_oldest_is_forgotten_first() -> None:
    recent = RecentTicks()
    for number in range(20_001):
        assert recent.is_new((number,), now=0.0)

    assert not recent.is_new((20_000,), now=0.0)
    assert recent.is_new((0,), now=0.0)


def test_where_the_log_ends_says_nothing_once_a_trade_was_seen() -> None:
    sequence = _after(100)
    sequence.resume(50, 5)

    assert sequence.offer([(101, 2_000)], is_snapshot=False) == ([101], [])
