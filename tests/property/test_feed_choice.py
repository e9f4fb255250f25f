"""Whatever the feeds do: the choice does not flap, does not stay with the dead, and comes back."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.feed_choice import (
    MAX_PATIENCE_SECONDS,
    MAX_PROBATION_SECONDS,
    MAX_SWITCHES_PER_HOUR,
    PATIENCE_SECONDS,
    PROBATION_SECONDS,
    FeedChoice,
    FeedHealth,
)
from shared.domain.ticks import AuthorityReason

_FEEDS = ("kraken", "coinbase", "binance")
_healths = st.fixed_dictionaries({feed: st.sampled_from(FeedHealth) for feed in _FEEDS})
# How each feed is, and for how many seconds it stays so.
_histories = st.lists(st.tuples(_healths, st.integers(1, 120)), max_size=120)
_STEP = 1.0


def _play(
    choice: FeedChoice, history: list[tuple[dict[str, FeedHealth], int]], *, now: float = 0.0
) -> tuple[float, list[float]]:
    """Decide once a second and return the last instant and those of the switches, each checked."""
    switched_at = []
    for health, seconds in history:
        for _ in range(seconds):
            now += _STEP
            before = choice.present
            switch = choice.decide(health, now=now)
            if switch is None:
                assert choice.present == before
                continue
            assert (switch.previous, switch.feed) == (before, choice.present)
            assert switch.feed != before
            assert health[switch.feed] is FeedHealth.LIVE
            is_return = switch.reason is AuthorityReason.PREFERRED_IS_BACK
            assert is_return == (health[before] is FeedHealth.LIVE)
            assert not is_return or _FEEDS.index(switch.feed) < _FEEDS.index(before)
            switched_at.append(now)
    return now, switched_at


@given(history=_histories)
def test_feed_changes_only_so_often_in_an_hour(history: list[tuple[dict[str, FeedHealth], int]]) -> None:
    _, switched_at = _play(FeedChoice(_FEEDS, now=0.0), history)
    for at in switched_at:
        assert sum(at <= each < at + 3_600.0 for each in switched_at) <= MAX_SWITCHES_PER_HOUR


@given(count=st.integers(2, 3), is_refused=st.booleans())
def test_enemy_that_kills_the_present_feed_at_once_reaches_the_bound_and_not_more(
    count: int, is_refused: bool
) -> None:
    """The worst there is: whichever feed was chosen dies, and the others live."""
    choice, now = FeedChoice(_FEEDS[:count], now=0.0), 0.0
    killed = FeedHealth.REFUSED if is_refused else FeedHealth.STALE
    switched_at = []
    while now < 3 * 3_600.0:
        now += _STEP
        health = {feed: killed if feed == choice.present else FeedHealth.LIVE for feed in _FEEDS[:count]}
        if choice.decide(health, now=now) is not None:
            switched_at.append(now)
    worst = max(sum(at <= each < at + 3_600.0 for each in switched_at) for at in switched_at)
    assert 40 <= worst <= MAX_SWITCHES_PER_HOUR


@given(history=_histories, living=st.sampled_from(_FEEDS))
def test_dead_feed_is_left_in_bounded_time_after_anything(
    history: list[tuple[dict[str, FeedHealth], int]], living: str
) -> None:
    choice = FeedChoice(_FEEDS, now=0.0)
    now, _ = _play(choice, history)
    end = {feed: FeedHealth.LIVE if feed == living else FeedHealth.STALE for feed in _FEEDS}
    _play(choice, [(end, int(MAX_PATIENCE_SECONDS) + 1)], now=now)
    assert choice.present == living


@given(history=_histories, living=st.sampled_from(_FEEDS))
def test_dead_feed_is_left_within_seconds_after_a_calm_time(
    history: list[tuple[dict[str, FeedHealth], int]], living: str
) -> None:
    choice = FeedChoice(_FEEDS, now=0.0)
    now, _ = _play(choice, history)
    alive = dict.fromkeys(_FEEDS, FeedHealth.LIVE)
    now, _ = _play(choice, [(alive, int(3 * MAX_PROBATION_SECONDS))], now=now)
    end = {feed: FeedHealth.LIVE if feed == living else FeedHealth.STALE for feed in _FEEDS}
    _play(choice, [(end, int(PATIENCE_SECONDS) + 1)], now=now)
    assert choice.present == living


@given(history=_histories)
def test_preferred_feed_is_taken_again_after_anything_once_it_lives_for_good(
    history: list[tuple[dict[str, FeedHealth], int]],
) -> None:
    choice = FeedChoice(_FEEDS, now=0.0)
    now, _ = _play(choice, history)
    alive = dict.fromkeys(_FEEDS, FeedHealth.LIVE)
    _, switched_at = _play(choice, [(alive, int(MAX_PROBATION_SECONDS + PROBATION_SECONDS))], now=now)
    assert choice.present == _FEEDS[0]
    assert len(switched_at) <= 2
