"""The estimate of a venue's time is never far ahead of the venue, whichever one witness is wrong."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingestor.core.venue_clock import FUTURE_LIMIT_NS, VenueClock
from shared.domain.instants import INSTANTS_END_NS, NS_PER_SECOND

_START_NS = 1_790_000_000 * NS_PER_SECOND
_DAYS = 3 * 86_400.0
_wrong = st.one_of(st.floats(-_DAYS, _DAYS), st.sampled_from([-1.7e9, 2.9e8, 2.9e9, 2.5e11]))
_seconds = st.integers(1, 60)
_lateness = st.sampled_from([2.0, 10.0, 90.0])


def _ns(now: float, ahead: float = 0.0) -> int:
    return _START_NS + round((now + ahead) * NS_PER_SECOND)


class _Venue:
    """A venue whose ticks are late by up to its lateness, in a fixed way."""

    def __init__(self, lateness: float, *, wall_ahead: float = 0.0) -> None:
        self._lateness = lateness
        self.clock = VenueClock(
            wall_ns=_ns(0.0, wall_ahead), now=0.0, lateness_ns=int(lateness * NS_PER_SECOND)
        )

    def tick(self, now: float, *, ahead: float = 0.0) -> str | None:
        late = self._lateness * ((7 * int(now)) % 10) / 10.0
        return self.clock.refusal(_ns(now, ahead - late), now=now)

    def ahead_ns(self, now: float, *, by: float = 0.0) -> int:
        return self.clock.now_ns(now=now) - _ns(now, by)


@given(dates=st.lists(_wrong, max_size=60), lateness=_lateness)
def test_dates_that_are_wrong_refuse_no_tick_and_put_nothing_ahead(
    dates: list[float], lateness: float
) -> None:
    venue = _Venue(lateness)
    for second, ahead in enumerate(dates):
        now = float(second)
        venue.clock.take_wall(_ns(now), now=now)
        venue.clock.take_date(_ns(now, ahead), now=now)
        assert venue.tick(now) is None
        assert venue.ahead_ns(now) <= FUTURE_LIMIT_NS


@given(walls=st.lists(_wrong, max_size=60), lateness=_lateness, has_dates=st.booleans())
def test_our_clock_that_jumps_refuses_no_tick_and_puts_nothing_ahead(
    walls: list[float], lateness: float, *, has_dates: bool
) -> None:
    venue = _Venue(lateness)
    assert venue.tick(0.0) is None
    for second, ahead in enumerate(walls, start=1):
        now = float(second)
        venue.clock.take_wall(_ns(now, ahead), now=now)
        if has_dates:
            venue.clock.take_date(_ns(now, -0.5), now=now)
        assert venue.tick(now) is None
        assert venue.ahead_ns(now) <= 0


@given(
    before=_seconds,
    slept=st.one_of(st.floats(200.0, _DAYS), st.floats(-_DAYS, -300.0)),
    lateness=_lateness,
    witness=st.sampled_from(["wall", "date", "both"]),
)
def test_after_a_jump_that_two_witnesses_agree_on_the_first_tick_is_taken(
    before: int, slept: float, lateness: float, witness: str
) -> None:
    venue = _Venue(lateness)
    for second in range(before):
        venue.clock.take_wall(_ns(second), now=float(second))
        venue.tick(float(second))
    now = float(before + 6)
    if witness != "date":
        venue.clock.take_wall(_ns(now, slept), now=now)
    if witness != "wall":
        venue.clock.take_date(_ns(now, slept - 0.5), now=now)
    for second in range(20):
        assert venue.tick(now + second, ahead=slept) is None
        assert abs(venue.ahead_ns(now + second, by=slept)) <= FUTURE_LIMIT_NS + lateness * NS_PER_SECOND


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["wall", "date", "tick"]), st.integers(-(1 << 70), 1 << 70)), max_size=80
    )
)
def test_no_instant_whatever_makes_a_present_time_that_no_record_can_hold(
    events: list[tuple[str, int]],
) -> None:
    clock = VenueClock(wall_ns=_START_NS, now=0.0)
    for second, (kind, at_ns) in enumerate(events):
        now = float(second)
        if kind == "wall":
            clock.take_wall(at_ns, now=now)
        elif kind == "date":
            clock.take_date(at_ns, now=now)
        else:
            clock.refusal(at_ns, now=now)
        assert 0 <= clock.now_ns(now=now) < INSTANTS_END_NS
        assert 0 <= clock.plausible_ns(at_ns, now=now) < INSTANTS_END_NS
