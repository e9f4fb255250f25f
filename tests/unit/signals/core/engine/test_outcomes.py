"""What the engine keeps of past openings: those of the filled history, and its own."""

import numpy as np
import pytest

from services.signals.core.kinds.registry import PUBLISHED_RULES
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import SIGNALS
from shared.domain.divergences import Direction, Kind, Transition
from shared.domain.snapshots import OutcomeSummary
from tests.support.builders_market import MINUTE, bar, bar_batch, calendar, ny
from tests.support.pair_story import Story, restart

STRETCH, RISK_OFF = Kind.RATIO_STRETCH, Direction.RISK_OFF


def outcomes(story: Story) -> tuple[OutcomeSummary, ...]:
    return take_snapshot(story.monitor, ny("2019-06-03 10:00")).outcomes


def counts(story: Story) -> list[int]:
    """Return how many openings are 1, 5 and 20 sessions old, all kinds together."""
    shown = outcomes(story)
    return [sum(each.count for each in shown if each.horizon_sessions == horizon) for horizon in (1, 5, 20)]


def test_a_history_without_an_opening_has_no_outcomes() -> None:
    assert outcomes(Story(warm=91)) == ()


def test_a_filled_history_has_the_outcomes_of_its_openings() -> None:
    """The closes of the story's history whose z, by numpy, is beyond ±2 and was not in the ten before."""
    story = Story(warm=400, sessions=calendar("2017-01-02", "2019-12-31"))
    closes = list(story.closes.values())
    ratio = np.log([a / b for a, b in closes])
    z = [
        (ratio[at] - ratio[at - 90 : at].mean()) / ratio[at - 90 : at].std(ddof=1)
        for at in range(90, len(ratio))
    ]
    first = next(at for at, each in enumerate(z, start=90) if each >= 2)

    shown = {each.horizon_sessions: each for each in outcomes(story) if each.direction is RISK_OFF}

    story.monitor.backfill()
    openings = [
        each.session
        for each in story.monitor.transitions.outcomes.ledger.openings
        if each.direction is RISK_OFF
    ]
    assert openings[0] == list(story.closes)[first]
    assert shown[20].count >= 3
    moves = [
        np.log(closes[at + 2][0] / closes[at + 1][0])
        for at in (list(story.closes).index(each) for each in openings)
        if at + 2 < len(closes)
    ]
    assert shown[1].lead.value == pytest.approx(np.median(moves), abs=1e-12)


def test_an_opening_by_a_close_is_scored_from_the_next_close_on() -> None:
    """It is reported at 20:15, four hours after that close: nobody could have traded at it."""
    story = Story(warm=91)
    story.commit("2019-06-03", 2.5)
    story.commit("2019-06-04", 1.5)
    assert counts(story) == [0, 0, 0]

    story.commit("2019-06-05", 1.2)

    (entered,) = story.monitor.transitions.outcomes.ledger.openings
    assert (entered.kind, entered.direction, entered.session) == (STRETCH, RISK_OFF, "2019-06-03")
    before, after = story.closes["2019-06-04"], story.closes["2019-06-05"]
    expected = [np.log(now / then) for then, now in zip(before, after, strict=True)]
    assert entered.scores[0] == pytest.approx(expected, abs=1e-12)
    assert counts(story) == [1, 0, 0]


def test_an_early_warning_is_scored_from_the_close_of_the_day_on() -> None:
    story = Story(warm=91)
    story.tick("2019-06-03 09:59", 0.0)
    story.ticks(ny("2019-06-03 10:00"), ny("2019-06-03 10:06"), 2.5, every_ns=MINUTE)
    assert [event.type for event in story.events] == [Transition.OPEN]

    story.commit("2019-06-03", 2.5)

    # The close that confirms it is no second opening.
    (entered,) = story.monitor.transitions.outcomes.ledger.openings
    assert entered.session == "2019-05-31"
    assert counts(story) == [0, 0, 0]

    story.commit("2019-06-04", 2.5)
    (entered,) = story.monitor.transitions.outcomes.ledger.openings
    before, after = story.closes["2019-06-03"], story.closes["2019-06-04"]
    expected = [np.log(now / then) for then, now in zip(before, after, strict=True)]
    assert entered.scores[0] == pytest.approx(expected, abs=1e-12)
    assert counts(story) == [1, 0, 0]


def test_an_early_warning_after_the_close_is_scored_from_the_next_days_close_on() -> None:
    """At 17:00 the close of the day is past, although its bar comes at 20:15."""
    story = Story(warm=91)
    story.tick("2019-06-03 16:59", 0.0)
    story.ticks(ny("2019-06-03 17:00"), ny("2019-06-03 17:06"), 2.5, every_ns=MINUTE)
    assert [event.type for event in story.events] == [Transition.OPEN]

    for session in ("2019-06-03", "2019-06-04", "2019-06-05"):
        story.commit(session, 2.5)

    (entered,) = story.monitor.transitions.outcomes.ledger.openings
    assert entered.session == "2019-06-03"
    before, after = story.closes["2019-06-04"], story.closes["2019-06-05"]
    expected = [np.log(now / then) for then, now in zip(before, after, strict=True)]
    assert len(entered.scores) == 1
    assert entered.scores[0] == pytest.approx(expected, abs=1e-12)


def test_a_corrected_close_corrects_what_followed() -> None:
    story = Story(warm=91)
    for session, z in (("2019-06-03", 2.5), ("2019-06-04", 1.5), ("2019-06-05", 1.5)):
        story.commit(session, z)
    (before,) = story.monitor.transitions.outcomes.ledger.openings
    lead, _ = story.closes["2019-06-05"]

    story.commit("2019-06-05", 1.8, lead_close=lead, revision=1)

    (after,) = story.monitor.transitions.outcomes.ledger.openings
    assert after.scores[0][0] == before.scores[0][0]
    assert after.scores[0][1] < before.scores[0][1]


def test_a_restart_forgets_no_opening() -> None:
    story = Story(warm=400, sessions=calendar("2017-01-02", "2019-12-31"))
    story.commit("2019-06-03", 4.0)
    expected = outcomes(story)

    restarted = restart(story.engine)

    assert take_snapshot(restarted.monitors[0], ny("2019-06-03 10:00")).outcomes == expected
    assert restarted.monitors[0].transitions.outcomes.ledger == story.monitor.transitions.outcomes.ledger


def test_a_history_that_nobody_has_looked_at_is_pending_after_a_restart_too() -> None:
    story = Story(warm=400, sessions=calendar("2017-01-02", "2019-12-31"))

    restarted = restart(story.engine)

    assert restarted.monitors[0].transitions.outcomes.ledger.backfill_until == "2019-05-31"
    assert take_snapshot(restarted.monitors[0], ny("2019-06-03 10:00")).outcomes == outcomes(story)


def test_whether_someone_looked_before_a_correction_changes_no_outcome() -> None:
    """They were looked for at the first look, in a history that had changed by then."""
    told: list[bytes] = []
    for has_looked in (False, True):
        story = Story(warm=250, sessions=calendar("2018-01-02"), rules=PUBLISHED_RULES)
        if has_looked:
            take_snapshot(story.monitor, story.engine.progress.watermark_ns)
        old = list(story.closes)[-120]
        known_ns = ny(f"{story.first} 12:00")
        corrected = bar(old, story.closes[old][1] * 1.2, revision=1, known_at_ns=known_ns)
        story.take(bar_batch(corrected))
        story.reach(known_ns)
        told.append(SIGNALS.encode(take_snapshot(story.monitor, story.engine.progress.watermark_ns)))

    assert told[0] == told[1]
