"""What legs may look like, for the property tests of the statistics."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from shared.domain.bars import Bar

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


Fault = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyLeg:
    """What arrives of one leg, in this order, and the adjusted closes that are true once all has arrived.

    Each of ``faults`` is a kind, the number of the session it begins with, and how long or how hard it is.
    """

    faults: list[Fault]
    bars: list[Bar] = field(repr=False)
    closes: dict[str, float] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyMarket:
    """Both legs of a market that its seed and its faults describe."""

    seed: int
    lead: FaultyLeg
    other: FaultyLeg

    @property
    def has_flat_leg(self) -> bool:
        """Return whether a leg stood still for a while."""
        return any(kind == "flat" for leg in (self.lead, self.other) for kind, _, _ in leg.faults)

    def closes(self, kept: int) -> Pair:
        """Return the true adjusted closes of the sessions of the last ``kept`` that both legs have."""
        labels = [label for label in sorted(self.lead.closes)[-kept:] if label in self.other.closes]
        labels = [label for label in labels if label in sorted(self.other.closes)[-kept:]]
        lead, other = (np.array([leg.closes[label] for label in labels]) for leg in (self.lead, self.other))
        return lead, other


_FAULTS = ("bad_tick", "flat", "duplicated", "missing", "split", "dividend", "corrected")
# Just below what a bar may cost at all.
_HIGHEST = 9e11


@st.composite
def faulty_market(draw: st.DrawFn, sessions: int) -> FaultyMarket:
    """Draw a market of that many sessions in which up to six things go wrong, on either leg, at any time."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    shared = draw(st.floats(-0.95, 0.95))
    a = rng.standard_t(4, size=sessions) * 0.01
    b = shared * a + np.sqrt(1.0 - shared**2) * rng.standard_t(4, size=sessions) * 0.01
    fault = st.tuples(st.sampled_from(_FAULTS), st.integers(1, sessions - 1), st.integers(1, 300))
    lead, other = (
        _faulty_leg(name, level * np.exp(np.cumsum(returns)), draw(st.lists(fault, max_size=3)))
        for name, level, returns in (("LEAD", 1_300.0, a), ("OTHER", 150.0, b))
    )
    return FaultyMarket(seed=seed, lead=lead, other=other)


def _faulty_leg(name: str, closes: Floats, faults: list[Fault]) -> FaultyLeg:
    labels = [(date(2019, 1, 1) + timedelta(days=s)).isoformat() for s in range(closes.size)]
    factors, missing, late = np.ones(closes.size), set[int](), []
    for kind, at, length in faults:
        match kind:
            case "bad_tick":
                closes[at] = min(closes[at] * (1e6 if length % 2 else 1e3), _HIGHEST)
            case "flat":
                closes[at : at + length] = closes[at]
            case "missing":
                missing |= set(range(at, min(at + 1 + length % 5, closes.size - 1)))
            case "split" | "dividend":
                factor = 0.5 if kind == "split" else 0.99
                if kind == "split":
                    closes[at:] *= factor
                factors[:at] *= factor
            case "duplicated":
                late.append((at, 0))
            case _:
                late.append((at, 1))

    def bar(s: int, close: float, adjustment: float, revision: int = 0) -> Bar:
        return Bar(
            instrument=name, session=labels[s], close=close, adj_close=close * adjustment, known_at_ns=s,
            revision=revision, source="planted",
        )  # fmt: skip

    known = [s for s in range(closes.size) if s not in missing]
    corrected = {s for s, revision in late if revision and s in known}
    # A corrected bar was wrong by a factor of a million until its correction came.
    wrong = {s: min(float(closes[s]) * 1e6, _HIGHEST) for s in corrected}
    bars = [bar(s, wrong.get(s, float(closes[s])), 1.0) for s in known]
    bars += [bar(s, float(closes[s]), float(factors[s]), 1) for s in sorted(corrected)]
    # Whoever adjusts a history sends all of it again; sending the same twice changes nothing.
    final = [bar(s, float(closes[s]), float(factors[s]), int(s in corrected)) for s in known]
    bars += final + [final[known.index(s)] for s, revision in late if not revision and s in known]
    return FaultyLeg(faults=faults, bars=bars, closes={each.session: each.adj_close for each in final})
