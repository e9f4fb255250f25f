"""What the note about outcomes says, whatever the record."""

from dataclasses import replace
from typing import Any

from shared.domain.divergences import Direction, Estimate, Kind
from shared.domain.snapshots import OutcomeStart, OutcomeSummary
from shared.text.outcomes import outcomes_note

NONE = Estimate(value=None)


def outcome(**changes: Any) -> OutcomeSummary:
    """Return what followed eight openings after five sessions."""
    values: dict[str, Any] = {
        "kind": Kind.RATIO_STRETCH,
        "direction": Direction.RISK_OFF,
        "horizon_sessions": 5,
        "count": 8,
        "hits": 6,
        "hit_rate": Estimate(value=0.75, low=0.4093, high=0.9285),
        "lead": NONE,
        "other": NONE,
        "ratio": NONE,
        "usual_rate": 0.5414,
    }
    return OutcomeSummary(**values | changes)


def adjusted(low: float, high: float) -> OutcomeSummary:
    return outcome(
        start=OutcomeStart.NEXT_CLOSE,
        episodes=8,
        hit_rate_adjusted=Estimate(value=0.75, low=low, high=high),
        comparisons=27,
    )


def test_the_note_says_where_the_returns_start_and_what_the_intervals_allow() -> None:
    quiet = adjusted(0.22, 0.99)

    assert outcomes_note((quiet,)) == (
        "Returns start at the first close of both legs after the opening was reported; after an opening by a "
        "close that is the close of the next session. “Any session” is how often the same followed all "
        "sessions on record, with or without an opening. Openings whose sessions overlap are one episode, "
        "and the intervals allow for it. Among 27 intervals of 95% some would miss the true rate by chance. "
        "So each is wider, and all 27 contain theirs together with 95%. No interval excludes the rate of any "
        "session: nothing here is shown to be unusual. The interval of a move is 95% for itself and needs "
        "six episodes."
    )
    assert "1 interval excludes the rate of any session." in outcomes_note((quiet, adjusted(0.55, 0.99)))
    assert "2 intervals exclude the rate of any session." in outcomes_note((adjusted(0.55, 0.99),) * 2)


def test_the_note_of_a_single_row_does_not_speak_of_many_intervals() -> None:
    one = replace(adjusted(0.22, 0.99), comparisons=1)

    assert "together" not in outcomes_note((one,))
    assert "nothing here is shown to be unusual" in outcomes_note((one,))


def test_the_note_draws_no_conclusion_before_any_opening_is_old_enough() -> None:
    none = replace(adjusted(0.22, 0.99), hit_rate_adjusted=NONE, count=0, comparisons=0)

    assert "unusual" not in outcomes_note((none,))


def test_the_note_about_a_record_of_an_earlier_version_is_true_of_that_record() -> None:
    assert outcomes_note((outcome(),)) == (
        "Returns start at the last close before the opening was reported. “Any session” is how often the "
        "same followed all sessions on record, with or without an opening. The intervals are not adjusted "
        "for openings that overlap or for the number of rows, so the true ones are wider."
    )
