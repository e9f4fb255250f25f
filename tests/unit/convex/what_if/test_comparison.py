"""Openings of two runs are paired: at the same instant, moved, or in one run only."""

import pytest

from convex.what_if.comparison import Compared, Place, compare_episodes
from convex.what_if.episode import Episode, episodes_of
from shared.domain.divergences import Direction, DivergenceEvent, Kind, Severity, Transition
from tests.support.builders import divergence


def event(day: int, what: Transition, name: str, **changes: object) -> DivergenceEvent:
    return divergence(
        type=what,
        divergence_id=name,
        event_id=f"{name}-{what.value}-{day}",
        occurred_at=f"2019-06-{day:02d}T00:15:00.000000Z",
        **changes,
    )


def lasting(begin: int, end: int | None, name: str = "dv", **changes: object) -> Episode:
    events = [event(begin, Transition.OPEN, name, **changes)]
    if end is not None:
        events.append(event(end, Transition.CLOSED, name, **changes))
    (episode,) = episodes_of(events)
    return episode


def places(found: list[Compared]) -> list[tuple[Place, str | None, str | None]]:
    return [
        (
            each.place,
            None if each.present is None else each.present.opened.divergence_id,
            None if each.new is None else each.new.opened.divergence_id,
        )
        for each in found
    ]


def test_episode_has_its_worst_severity_and_its_end() -> None:
    warning, critical = Severity.WARNING, Severity.CRITICAL
    (one, other) = episodes_of(
        [
            event(3, Transition.OPEN, "one", severity=warning),
            event(4, Transition.OPEN, "other", severity=warning),
            event(5, Transition.ESCALATED, "one", severity=critical),
            event(6, Transition.EASED, "one", severity=warning),
            event(7, Transition.CLOSED, "one", severity=warning),
        ]
    )

    assert (one.severity, one.seconds) == (critical, 4 * 86_400)
    assert (other.severity, other.seconds, other.ended) == (warning, None, None)


def test_openings_at_the_same_instant_are_the_same_whatever_became_of_them() -> None:
    found = compare_episodes([lasting(3, 10, "old")], [lasting(3, None, "new")])

    assert places(found) == [(Place.SAME, "old", "new")]


@pytest.mark.parametrize(
    ("present", "new", "place", "by_days"),
    [
        ((3, 10), (5, 9), Place.LATER, 2),
        ((5, 9), (3, 10), Place.EARLIER, -2),
        ((5, None), (3, None), Place.EARLIER, -2),
    ],
)
def test_opening_that_was_open_at_the_same_time_has_moved(
    present: tuple[int, int | None], new: tuple[int, int | None], place: Place, by_days: int
) -> None:
    (one,) = compare_episodes([lasting(*present)], [lasting(*new)])

    assert (one.place, one.later_by_seconds) == (place, by_days * 86_400)


@pytest.mark.parametrize("new", [(10, 12), (1, 3), (20, None)])
def test_opening_that_was_never_open_at_the_same_time_is_another_one(new: tuple[int, int | None]) -> None:
    found = compare_episodes([lasting(3, 10, "old")], [lasting(*new, "new")])

    assert sorted(places(found)) == [(Place.ONLY_NEW, None, "new"), (Place.ONLY_PRESENT, "old", None)]
    assert not any(each.is_open_elsewhere for each in found)


def test_long_opening_is_one_partner_of_two_short_ones_and_the_second_says_that_it_was_open() -> None:
    found = compare_episodes([lasting(3, 20, "long")], [lasting(5, 8, "a"), lasting(10, 12, "b")])

    assert places(found) == [(Place.LATER, "long", "a"), (Place.ONLY_NEW, None, "b")]
    assert found[1].is_open_elsewhere


def test_same_instant_goes_before_an_overlap() -> None:
    found = compare_episodes(
        [lasting(3, 9, "a"), lasting(10, 12, "b")], [lasting(5, 9, "c"), lasting(10, 15, "d")]
    )

    assert places(found) == [(Place.LATER, "a", "c"), (Place.SAME, "b", "d")]


def test_kinds_and_directions_are_apart() -> None:
    other = {"direction": Direction.RISK_ON}
    found = compare_episodes([lasting(3, 9, "a")], [lasting(3, 9, "b", **other)])

    assert {each.place for each in found} == {Place.ONLY_PRESENT, Place.ONLY_NEW}


def test_two_of_one_instant_stay_two() -> None:
    kind = {"kind": Kind.REGIME_CHANGE}
    one, two = lasting(3, 3, "a", **kind), lasting(3, 3, "b", **kind)

    assert len(compare_episodes([one, two], [])) == 2
    assert [each.place for each in compare_episodes([one, two], [one])] == [Place.SAME, Place.ONLY_PRESENT]


def test_other_severity_is_counted_where_both_have_the_opening() -> None:
    (one,) = compare_episodes(
        [lasting(3, 9, "a", severity=Severity.WARNING)], [lasting(4, 9, "b", severity=Severity.CRITICAL)]
    )

    assert one.is_severity_changed
