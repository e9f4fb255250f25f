"""What legs may look like, for the property tests of the statistics."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]


@st.composite
def leg(draw: st.DrawFn, size: int) -> Floats:
    """Draw returns on a grid of 1e-4: equal values, flat stretches and now and then a bad tick."""
    bound = draw(st.sampled_from([0, 1, 30, 2000]))
    steps = draw(hnp.arrays(np.int64, size, elements=st.integers(-bound, bound)))
    returns: Floats = (steps + draw(st.integers(-500, 500))) / 1e4
    if draw(st.integers(0, 9)) == 0:
        returns[draw(st.integers(0, size - 1))] *= 1e4
    return returns


@st.composite
def pair(draw: st.DrawFn, least: int, most: int) -> Pair:
    """Draw two aligned legs of one length in ``least..most``."""
    size = draw(st.integers(least, most))
    return draw(leg(size)), draw(leg(size))


@st.composite
def long_pair(draw: st.DrawFn, size: int) -> Pair:
    """Draw two related legs too long to be drawn value by value."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shared = draw(st.floats(-0.99, 0.99))
    a = rng.standard_t(4, size=size) * 0.01
    b = shared * a + np.sqrt(1.0 - shared**2) * rng.standard_t(4, size=size) * 0.01
    return a, b
