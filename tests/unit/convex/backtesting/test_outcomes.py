"""What followed the openings of a backtest: the same as the live service shows, over all sessions."""

from convex.backtesting.outcomes import EveryBar
from services.signals.core.pairs.snapshot import take_snapshot
from shared.domain.bars import HISTORY_SESSIONS
from shared.domain.divergences import Direction, Kind
from tests.support.builders import divergence
from tests.support.builders_market import LEAD, MINUTE, OTHER, bar, calendar, ny
from tests.support.pair_story import Story


def every_bar_of(story: Story) -> EveryBar:
    every_bar = EveryBar(LEAD, OTHER)
    for leg in (story.monitor.legs.lead, story.monitor.legs.other):
        history = leg.history
        every_bar.put(each for session in history.sessions if (each := history.get(session)) is not None)
    return every_bar


def test_outcomes_of_a_backtest_are_those_of_the_live_service() -> None:
    """An opening by a close and an early warning, each followed by sessions."""
    story = Story(warm=91)
    story.tick("2019-06-03 09:59", 0.0)
    story.ticks(ny("2019-06-03 10:00"), ny("2019-06-03 10:06"), 3.5, every_ns=MINUTE)
    days = ("03", "04", "05", "06", "07", "10", "11", "12", "13", "14", "17", "18")
    for day, z in zip(days, (3.5, 0.2, -2.8, -0.4, 0.1, 1.4, 2.9, 0.3, -0.2, 0.3, -1.4, 0.8), strict=True):
        story.commit(f"2019-06-{day}", z)

    found = every_bar_of(story).outcomes_of(story.events, calendar=story.engine.config.calendar)

    live = take_snapshot(story.monitor, story.engine.progress.watermark_ns).outcomes
    assert found == live
    assert sum(each.count for each in found) >= 3


def test_every_bar_is_kept_however_many_there_are() -> None:
    sessions = calendar("2015-01-02", "2019-12-31")
    every_bar = EveryBar(LEAD, OTHER)
    for at, session in enumerate(sessions.labels):
        # The lead rises by 1 % a session.
        every_bar.put(
            bar(session, 100.0 * 1.01**at * (1 if name == LEAD else 0.5), instrument=name)
            for name in (LEAD, OTHER)
        )
    first = divergence(
        kind=Kind.RATIO_STRETCH,
        direction=Direction.RISK_OFF,
        occurred_at="2015-01-05T15:00:00.000000Z",
    )

    found = every_bar.outcomes_of([first], calendar=sessions)

    assert len(sessions.labels) > HISTORY_SESSIONS
    assert [each.count for each in found] == [1, 1, 1]


def test_two_openings_between_the_same_two_closes_count_once_as_in_the_ledger() -> None:
    sessions = calendar("2019-01-02")
    every_bar = EveryBar(LEAD, OTHER)
    for at, session in enumerate(sessions.labels[:9]):
        every_bar.put(bar(session, 100.0 + at, instrument=name) for name in (LEAD, OTHER))
    # A live price at 17:00 New York, and the bar at 20:15.
    evening = [
        divergence(kind=Kind.RATIO_STRETCH, direction=Direction.RISK_OFF, occurred_at=at)
        for at in ("2019-01-03T22:00:00.000000Z", "2019-01-04T01:15:00.000000Z")
    ]

    found = every_bar.outcomes_of(evening, calendar=sessions)

    assert [each.count for each in found] == [1, 1, 0]


def test_a_change_to_neutral_and_a_data_fault_are_not_scored() -> None:
    events = [
        divergence(kind=Kind.REGIME_CHANGE, direction=Direction.RISK_OFF, values={"regime": 0.0}),
        divergence(kind=Kind.DATA_FAULT, direction=Direction.LEAD, values={"stale": 1.0}),
    ]

    assert EveryBar(LEAD, OTHER).outcomes_of(events, calendar=calendar("2015-01-02")) == ()


def test_close_that_cannot_be_right_is_in_no_outcome() -> None:
    sessions = calendar("2019-01-02")
    opened = divergence(
        kind=Kind.RATIO_STRETCH, direction=Direction.RISK_OFF, occurred_at="2019-01-03T15:00:00.000000Z"
    )

    def found(spike: float | None) -> list[float | None]:
        every_bar = EveryBar(LEAD, OTHER)
        for at, session in enumerate(sessions.labels[:12]):
            every_bar.put([bar(session, 100.0, instrument=OTHER)])
            if at != 4:
                every_bar.put([bar(session, 100.0 + at, instrument=LEAD)])
            elif spike is not None:
                every_bar.put([bar(session, spike, instrument=LEAD)])
        outcomes = every_bar.outcomes_of([opened], calendar=sessions)
        return [number for each in outcomes for number in (each.lead.value, each.usual_rate)]

    # As if the leg had no close in that session; one that can be right is used.
    assert found(1_040.0) == found(None) != found(104.0)
