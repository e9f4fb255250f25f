"""What a fault that the ingestor reports does to the pairs of a leg, and when it ends without its end."""

from collections.abc import Sequence

import pytest

from services.signals.core.divergence.rules import Rule
from services.signals.core.pairs.snapshot import take_snapshot
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Transition
from shared.domain.ticks import AuthorityReason, FeedAuthority, FeedFault, FeedFaultKind
from tests.support.builders_market import HOUR, LEAD, MINUTE, OTHER, SECOND, ny, quotes, status
from tests.support.pair_story import Story, restart

D1 = "2019-06-03"
START = ny(f"{D1} 10:00")
RULES = (Rule(), Rule(kind=Kind.DATA_FAULT))
each_kind = pytest.mark.parametrize("kind", FeedFaultKind)


def told() -> Story:
    story = Story(rules=RULES)
    story.take(status(START))
    story.take(quotes({START: story.price(0.1)}))
    return story


def fault(
    kind: FeedFaultKind = FeedFaultKind.FEEDS_DISAGREE,
    *,
    is_open: bool = True,
    instrument: str = LEAD,
    at_ns: int = START,
    detail: str = "kraken 1301.25, coinbase 1283.50",
) -> FeedFault:
    return FeedFault(
        instrument=instrument, feed="test", fault=kind, is_open=is_open, at_ns=at_ns, detail=detail
    )


def authority(reason: AuthorityReason, feed: str = "test") -> FeedAuthority:
    return FeedAuthority(instrument=LEAD, feed=feed, since_ns=START, reason=reason)


def said(events: Sequence[DivergenceEvent]) -> list[tuple[Transition, Direction, set[str]]]:
    return [(event.type, event.direction, set(event.values)) for event in events]


@each_kind
def test_fault_opens_and_closes_the_data_fault_of_its_leg(kind: FeedFaultKind) -> None:
    story = told()
    opened = story.take(fault(kind))
    again = story.take(fault(kind))
    story.take(status(START + 30 * SECOND))
    closed = story.take(fault(kind, is_open=False))

    assert said(opened) == [(Transition.OPEN, Direction.LEAD, {kind.value})]
    assert again == []
    assert said(closed) == [(Transition.CLOSED, Direction.LEAD, {"lasted_seconds"})]
    assert closed[0].values["lasted_seconds"] == 30.0


def test_fault_of_the_other_leg_is_the_other_legs() -> None:
    story = told()

    opened = story.take(fault(FeedFaultKind.CLOSE_UNEXPLAINED, instrument=OTHER))

    assert said(opened) == [(Transition.OPEN, Direction.OTHER, {"close_unexplained"})]


def test_nothing_opens_on_the_leg_meanwhile_and_what_was_held_back_opens_after_it() -> None:
    story = told()
    story.take(fault())
    start = START + MINUTE
    held = story.ticks(start, start + 10 * MINUTE, 2.6, every_ns=MINUTE)
    story.take(fault(is_open=False))
    after = story.ticks(start + 11 * MINUTE, start + 20 * MINUTE, 2.6, every_ns=MINUTE)

    assert held == []
    assert story.suppressed("inhibited") > 0
    assert [(event.type, event.kind) for event in after] == [(Transition.OPEN, Kind.RATIO_STRETCH)]


def test_two_faults_are_one_divergence_that_lasts_until_both_have_ended() -> None:
    story = told()
    story.take(fault(FeedFaultKind.FEEDS_DISAGREE))
    story.take(fault(FeedFaultKind.CLOCK_DISAGREES))
    story.take(fault(FeedFaultKind.FEEDS_DISAGREE, is_open=False))
    assert [event.type for event in story.events] == [Transition.OPEN]

    closed = story.take(fault(FeedFaultKind.CLOCK_DISAGREES, is_open=False))
    assert [event.type for event in closed] == [Transition.CLOSED]


def test_end_of_a_fault_that_is_not_known_is_no_news() -> None:
    story = told()

    assert story.take(fault(is_open=False)) == []


@pytest.mark.parametrize("kind", [each for each in FeedFaultKind if each is not FeedFaultKind.LATE_OPEN])
def test_fault_whose_end_is_never_written_ends_a_day_after_it_was_last_reported(kind: FeedFaultKind) -> None:
    story = told()
    story.take(fault(kind))
    story.take(status(START + HOUR))
    story.take(fault(kind))
    quality = story.engine.legs[LEAD].data_quality
    story.take(quotes({ny(f"{D1} 15:59"): story.price(0.1)}))
    story.take(status(START + 25 * HOUR - 1))
    assert list(quality.active_since_ns) == [kind.value]

    closed = story.take(status(START + 25 * HOUR))

    assert [(event.type, event.occurred_at) for event in closed if event.direction is Direction.LEAD] == [
        (Transition.CLOSED, "2019-06-04T15:00:00.000000Z")
    ]
    assert quality.feed_faults == ()


def test_of_two_faults_each_ends_at_its_own_time() -> None:
    """Each holds for a day after it was reported, and the second was reported an hour after the first."""
    story = told()
    story.take(fault(FeedFaultKind.FEEDS_DISAGREE))
    story.take(status(START + HOUR))
    story.take(fault(FeedFaultKind.CLOCK_DISAGREES))
    quality = story.engine.legs[LEAD].data_quality
    story.take(quotes({ny(f"{D1} 15:59"): story.price(0.1)}))

    story.take(status(START + 24 * HOUR))
    assert [each.kind for each in quality.feed_faults] == [FeedFaultKind.CLOCK_DISAGREES]
    assert FeedFaultKind.FEEDS_DISAGREE.value not in quality.active_since_ns
    assert FeedFaultKind.CLOCK_DISAGREES.value in quality.active_since_ns

    story.take(status(START + 25 * HOUR))
    assert quality.feed_faults == ()
    assert FeedFaultKind.CLOCK_DISAGREES.value not in quality.active_since_ns


def test_late_open_whose_end_is_never_written_ends_with_the_session() -> None:
    story = told()
    story.take(fault(FeedFaultKind.LATE_OPEN))
    close_ns = ny(f"{D1} 16:00")
    story.take(quotes({close_ns - SECOND: story.price(0.1)}))
    assert [event.type for event in story.events] == [Transition.OPEN]

    closed = story.take(status(close_ns))

    assert said(closed) == [(Transition.CLOSED, Direction.LEAD, {"lasted_seconds"})]
    assert closed[0].occurred_at == "2019-06-03T20:00:00.000000Z"


@pytest.mark.parametrize("reason", AuthorityReason)
def test_only_an_ingestor_that_begins_anew_ends_the_faults_of_the_one_before(reason: AuthorityReason) -> None:
    story = told()
    story.take(authority(AuthorityReason.FIRST))
    story.take(fault())

    closed = story.take(authority(reason))

    is_new = reason in (AuthorityReason.FIRST, AuthorityReason.TAKEN_OVER)
    assert [event.type for event in closed] == ([Transition.CLOSED] if is_new else [])


def test_fault_reported_before_event_time_has_begun_begins_with_it() -> None:
    story = Story(rules=RULES)
    assert story.take(fault()) == []

    opened = story.take(status(START))

    assert said(opened) == [(Transition.OPEN, Direction.LEAD, {"feeds_disagree"})]
    assert opened[0].occurred_at == "2019-06-03T14:00:00.000000Z"
    story.take(status(START + 24 * HOUR))
    assert story.engine.legs[LEAD].data_quality.feed_faults == ()


def test_fault_survives_a_restart_with_the_time_of_its_end() -> None:
    story = told()
    story.take(fault(FeedFaultKind.LATE_OPEN, instrument=OTHER))
    story.engine = restart(story.engine)
    story.take(quotes({ny(f"{D1} 15:59"): story.price(0.1)}))

    closed = story.take(status(ny(f"{D1} 16:00")))

    assert said(closed) == [(Transition.CLOSED, Direction.OTHER, {"lasted_seconds"})]


def test_snapshot_has_the_words_of_the_ingestor() -> None:
    story = told()
    story.take(fault())

    (known,) = take_snapshot(story.monitor, START).faults

    assert known.causes == ("feeds_disagree",)
    assert known.details == ("kraken 1301.25, coinbase 1283.50",)
