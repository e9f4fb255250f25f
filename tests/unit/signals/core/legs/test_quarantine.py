"""What is kept of the bars that cannot be used, and what is shown of them."""

import pytest

from services.signals.core.legs.data_quality import Cause
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.leg import Leg
from services.signals.core.legs.quarantine import (
    MOST_QUARANTINED,
    can_follow,
    quarantine_values,
    review,
    screen,
    with_bar,
)
from tests.support.builders_market import OTHER, bar, calendar

LABELS = calendar().labels


def leg_of(*closes: float) -> Leg:
    """Return a leg with these closes, of which those that cannot be used are quarantined."""
    leg = Leg(instrument=OTHER)
    for label, close in zip(LABELS, closes, strict=False):
        leg.history.put(bar(label, close))
    screening = screen(leg.history, (), known=())
    for session in screening.removed:
        leg.history.remove(session)
    leg.data_quality.quarantined = screening.quarantined
    leg.data_quality.quarantined_count = len(screening.found)
    return leg


def test_only_a_newer_plausible_bar_follows_and_only_while_nothing_waits() -> None:
    leg = leg_of(150.0, 151.0, 152.0)
    assert can_follow(leg, bar(LABELS[3], 151.0))
    assert not can_follow(leg, bar(LABELS[2], 151.0)), "known"
    assert not can_follow(leg, bar(LABELS[3], 1_510.0))
    waiting = leg_of(150.0, 151.0, 152.0, 1_500.0)
    assert not can_follow(waiting, bar(LABELS[4], 151.0))
    assert can_follow(leg_of(150.0, 151.0, 152.0, 151.0, 1_500.0, 150.0), bar(LABELS[6], 151.0)), (
        "it was mended"
    )
    assert can_follow(leg_of(), bar(LABELS[0], 150.0))
    nothing_good = leg_of()
    nothing_good.data_quality.quarantined = (bar(LABELS[0], 150.0),)
    assert not can_follow(nothing_good, bar(LABELS[1], 150.0))


def test_newest_session_is_that_of_any_bar() -> None:
    assert leg_of().newest_session is None
    assert leg_of(150.0, 151.0).newest_session == LABELS[1]
    assert leg_of(150.0, 1_500.0).newest_session == LABELS[1]
    assert leg_of(150.0, 1_500.0, 151.0).newest_session == LABELS[2]


def test_quarantined_bars_are_bounded_and_the_newest_are_kept() -> None:
    closes = [150.0 if row % 2 else 15_000.0 for row in range(1, 181)]
    leg = leg_of(*closes)

    assert len(leg.data_quality.quarantined) == MOST_QUARANTINED
    assert leg.data_quality.quarantined[-1].session == LABELS[179]
    assert len(leg.history) == 90


def test_newer_version_of_a_quarantined_bar_replaces_it() -> None:
    first, second = bar(LABELS[1], 1_500.0), bar(LABELS[0], 1_400.0)

    assert with_bar((first,), second) == (second, first)
    assert with_bar((second, first), bar(LABELS[1], 1_600.0, revision=1))[1].close == 1_600.0


def test_values_say_which_close_is_not_used() -> None:
    assert quarantine_values(leg_of(150.0, 151.0)) == {}
    assert quarantine_values(leg_of(150.0, 151.0, 1_500.0)) == {
        "quarantined_closes": 1.0,
        "quarantined_close": 1_500.0,
        "quarantined_session": float(LABELS[2].replace("-", "")),
        "last_good_close": 151.0,
    }
    first_is_wrong = leg_of(1_500.0, 150.0, 151.0, 150.0, 151.0)
    assert quarantine_values(first_is_wrong)["last_good_close"] is None
    mended = leg_of(150.0, 151.0)
    mended.data_quality.quarantined_count = 2
    assert quarantine_values(mended) == {"quarantined_closes": 2.0}


def test_review_looks_no_further_than_it_is_asked_to() -> None:
    leg = leg_of(150.0, 151.0, 152.0, 150.0, 400.0, 151.0, 151.0, 151.0, 151.0, 151.0, 152.0)

    assert review(leg, until=LABELS[3]) == ((), ())
    assert review(leg, until=LABELS[4]) == ((Cause.CLOSE_JUMP,), ())
    assert review(leg, until=LABELS[8]) == ((Cause.CLOSE_JUMP,), ())
    assert review(leg, until=LABELS[10]) == ((Cause.CLOSE_JUMP,), (Cause.STUCK_CLOSE,))


def test_removed_session_leaves_the_history_as_if_it_had_never_come() -> None:
    for gone in range(12):
        history, without = LegHistory(limit=800), LegHistory(limit=800)
        for row, label in enumerate(LABELS[:12]):
            history.put(bar(label, 150.0 + row))
            if row != gone:
                without.put(bar(label, 150.0 + row))
        history.remove(LABELS[gone])
        assert history.sessions == without.sessions
        assert history.closes.tolist() == without.closes.tolist()
        assert history.newest_session == without.newest_session
        assert history.get(LABELS[gone]) is None
        kept, expected = history.columns().recent_known_at_ns, without.columns().recent_known_at_ns
        # The instant of a session that is among the newest again has been forgotten.
        assert kept == (expected if gone < 4 else (0, *expected[1:]))
        history.put(bar(LABELS[12], 149.0))
        assert history.newest_session == LABELS[12]


def test_session_that_is_not_known_cannot_be_removed() -> None:
    with pytest.raises(KeyError, match=LABELS[3]):
        leg_of(150.0, 151.0).history.remove(LABELS[3])
