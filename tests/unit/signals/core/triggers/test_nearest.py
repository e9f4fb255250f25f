"""Of all prices at which something would happen, the nearest on each side is shown."""

from hypothesis import given
from hypothesis import strategies as st

from services.signals.core.triggers.nearest import nearest_ticks

_SPANS = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 20), st.sampled_from("ab")).map(
        lambda span: (span[0], span[0] + span[1], span[2])
    ),
    max_size=6,
)


@given(spans=_SPANS, present=st.one_of(st.integers(1, 80), st.floats(1.0, 80.0)))
def test_the_nearest_prices_are_those_of_a_search_through_all(
    spans: list[tuple[int, int, str]], present: float
) -> None:
    found = nearest_ticks(spans, present)

    for what in "ab":
        ticks = [tick for first, last, each in spans if each == what for tick in range(first, last + 1)]
        below = max((tick for tick in ticks if tick <= present), default=None)
        above = min((tick for tick in ticks if tick >= present), default=None)
        shown = [tick for each, tick in found if each == what]
        if below is not None and above is not None and above - below <= 1:
            # It happens at the present price, however that is rounded.
            assert shown == [min((below, above), key=lambda tick: (abs(tick - present), tick))]
        else:
            assert shown == [tick for tick in (below, above) if tick is not None]


def test_what_happens_nowhere_has_no_price() -> None:
    assert nearest_ticks([], 10.0) == ()
