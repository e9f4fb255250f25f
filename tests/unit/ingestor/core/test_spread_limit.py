"""Which quotes are too wide for their venue, and how a market that has really widened is believed."""

from services.ingestor.core.spread_limit import CEILING, FLOOR, WIDENED_COUNT, WIDENED_SECONDS, SpreadLimit


def _offer(limit: SpreadLimit, spread: float, *, now: float = 0.0) -> bool:
    return limit.allows(100.0 * (1 - spread / 2), 100.0 * (1 + spread / 2), now=now)


def _usual(spread: float, count: int = 200) -> SpreadLimit:
    limit = SpreadLimit()
    for _ in range(count):
        assert _offer(limit, spread)
    return limit


def test_up_to_the_floor_any_quote_is_taken() -> None:
    limit = _usual(0.0)

    assert _offer(limit, FLOOR * 0.999)
    assert not _offer(limit, FLOOR * 1.001)


def test_a_venue_with_wide_quotes_has_a_wider_limit() -> None:
    limit = _usual(0.002)

    assert round(limit.usual, 6) == 0.002
    assert _offer(limit, 0.0199)
    assert not _offer(limit, 0.0201)


def test_before_eight_quotes_only_the_ceiling_holds() -> None:
    limit = _usual(0.0001, count=7)

    assert _offer(limit, CEILING * 0.999)
    assert not _offer(limit, CEILING * 1.001)


def test_a_wide_quote_does_not_move_the_limit() -> None:
    limit = _usual(0.0002)
    for _ in range(200):
        assert not _offer(limit, 0.15)
        assert not _offer(limit, 0.02)
        assert _offer(limit, 0.0002)


def test_a_market_that_has_widened_is_believed_after_ten_quotes_over_thirty_seconds() -> None:
    assert (WIDENED_COUNT, WIDENED_SECONDS) == (10, 30.0)
    limit = _usual(0.0002)

    assert [_offer(limit, 0.02, now=second) for second in range(30)] == [False] * 30
    assert _offer(limit, 0.02, now=30.0)
    assert _offer(limit, 0.03, now=31.0)
    assert _offer(limit, 0.0002, now=32.0)


def test_few_wide_quotes_over_a_long_time_and_many_in_a_short_time_are_not_believed() -> None:
    slow, fast = _usual(0.0002), _usual(0.0002)

    assert not any(_offer(slow, 0.02, now=10.0 * number) for number in range(9))
    assert not any(_offer(fast, 0.02, now=0.01 * number) for number in range(1_000))


def test_one_usual_quote_between_wide_ones_begins_the_count_anew() -> None:
    limit = _usual(0.0002)
    for second in range(29):
        assert not _offer(limit, 0.02, now=second)
    assert _offer(limit, 0.0002, now=29.5)

    assert not any(_offer(limit, 0.02, now=30.0 + second) for second in range(29))


def test_no_time_makes_a_quote_above_the_ceiling_a_price() -> None:
    limit = _usual(0.0002)

    assert not any(_offer(limit, 0.16, now=10.0 * number) for number in range(1_000))
