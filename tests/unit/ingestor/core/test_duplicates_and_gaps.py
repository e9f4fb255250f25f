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


def test_a_wrong_id_does_not_make_every_later_trade_a_duplicate() -> None:
    sequence = _after(100)
    assert sequence.offer([(2**62, 10)], is_snapshot=False)[0] == [2**62]

    offered = [
        sequence.offer([(trade_id, ts)], is_snapshot=False)
        for trade_id, ts in ((101, 11), (102, 12), (103, 13))
    ]
    assert offered == [([], []), ([], []), ([103], [])]
    assert sequence.offer([(104, 14), (106, 15)], is_snapshot=False) == (
        [104, 106],
        [Gap(after_id=104, before_id=106, since_ns=14)],
    )


def test_trades_that_come_again_are_duplicates_however_many() -> None:
    sequence = _after(100)
    sequence.offer([(101, 20), (102, 30)], is_snapshot=False)
    for _ in range(10):
        assert sequence.offer([(99, 10), (101, 20), (102, 30)], is_snapshot=False) == ([], [])


def test_two_newer_trades_with_lower_ids_and_a_repetition_between_them_are_no_new_numbering() -> None:
    sequence = _after(100)
    sequence.offer([(110, 20)], is_snapshot=False)

    for trade_id, ts in ((101, 21), (102, 22), (110, 20), (103, 23), (104, 24)):
        assert sequence.offer([(trade_id, ts)], is_snapshot=False) == ([], [])


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
