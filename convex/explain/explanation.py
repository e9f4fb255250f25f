"""Explain one event: recompute it, and check every number that it states against the log."""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from convex.explain.kinds import (
    correlation_break,
    data_fault,
    evidence_break,
    hedge_lost,
    opposite_moves,
    ratio_stretch,
    regime_change,
)
from convex.explain.market import Market, Missing, rebuild
from convex.explain.material import Material
from convex.explain.statistics import NotRecomputed, recompute
from convex.explain.working import Check, Conclusion, Working
from shared.domain.divergences import DivergenceEvent, Kind, Transition
from shared.domain.identity import event_id_of, fingerprint_of
from shared.domain.sessions import SessionCalendar

# No divergence makes one transition more often than this.
_OCCURRENCES: Final = 1_000
# Whose significance an event states, in sessions.
_CORRELATION: Final = {Kind.CORRELATION_BREAK: 20, Kind.HEDGE_LOST: 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One event, recomputed.

    Parameters
    ----------
    market
        What it was recomputed from; None for a fault, a test, and where something is missing.
    missing
        What the log no longer has; None where it has everything.
    checks
        Every number of the event that was computed again.
    unchecked
        Names in ``values`` that were not recomputed.
    window_sha256
        Of the rebuilt window; None without one.
    """

    material: Material
    working: Working | None
    market: Market | None = None
    missing: Missing | None = None
    checks: tuple[Check, ...] = ()
    unchecked: tuple[str, ...] = ()
    window_sha256: str | None = None

    @property
    def is_same_window(self) -> bool | None:
        """Return whether the rebuilt window equals the event's, bit for bit; None without one."""
        if self.window_sha256 is None:
            return None
        return self.window_sha256 == self.material.event.evidence.window_sha256

    @property
    def comes_out(self) -> bool:
        """Return whether every number of the event agrees and its conclusion follows."""
        if self.material.event.type is Transition.TEST:
            return True
        return (
            self.working is not None
            and all(check.comes_out for check in self.checks)
            and all(conclusion.holds for conclusion in self.working.conclusions)
        )

    @property
    def is_shifted(self) -> bool:
        """Return whether only a later dividend or split separates the event from the log.

        An adjustment shifts ``ln(A/B)`` and its mean by the same amount, so z does not change.
        """
        by_name = {check.name: check for check in self.checks if not check.comes_out}
        if set(by_name) != {"log_ratio", "mean_90"}:
            return False
        one, two = by_name["log_ratio"], by_name["mean_90"]
        if one.event is None or one.recomputed is None or two.event is None or two.recomputed is None:
            return False
        return abs((one.event - one.recomputed) - (two.event - two.recomputed)) < 1e-9


def explain(material: Material, *, calendar: SessionCalendar) -> Explanation:
    """Recompute one event and check what it states."""
    event = material.event
    if event.type is Transition.TEST:
        return Explanation(material=material, working=None)
    if event.kind is Kind.DATA_FAULT:
        return Explanation(material=material, working=_with_identity(event, data_fault.working_of(material)))
    market = rebuild(event, material.bars, material.prices, calendar=calendar)
    if isinstance(market, Missing):
        return Explanation(material=material, working=None, missing=market)
    working = MARKET_KINDS[event.kind](material, market)
    checks, unchecked = _checks(material, market, working)
    sha256 = None
    if working.window is not None:
        hashed = working.window.hashed
        sha256 = hashlib.sha256(struct.pack(f"<{len(hashed)}d", *hashed)).hexdigest()
    return Explanation(
        material=material,
        market=market,
        working=_with_identity(event, working),
        checks=checks,
        unchecked=unchecked,
        window_sha256=sha256,
    )


def _checks(
    material: Material, market: Market, working: Working
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    checks, unchecked = [], []
    for name, stated in material.event.values.items():
        try:
            value = working.values[name] if name in working.values else recompute(name, market)
            checks.append(Check(name=name, event=stated, recomputed=value))
        except NotRecomputed:
            unchecked.append(name)
    answers = (
        Check(name=name, event=stated, recomputed=recompute(known_as, market))
        for name, stated, known_as in _answers(material.event)
    )
    stated = material.event.probability
    if stated is not None:
        checks.append(Check(name="probability", event=stated, recomputed=working.probability))
    return (*_price_checks(material, market), *checks, *answers), tuple(unchecked)


def _answers(event: DivergenceEvent) -> list[tuple[str, float | None, str]]:
    """Return the numbers of the hedge and of the significance, and their names among the statistics."""
    hedge, sure = event.hedge, event.significance
    answers = [
        ("hedge ratio", hedge.ratio.value, "hedge_ratio_60"),
        ("hedge beta", hedge.beta.value, "beta_60"),
        ("hedge effectiveness", hedge.effectiveness.value, "hedge_effectiveness_60"),
        ("hedge stress_corr", hedge.stress_corr.value, "stress_corr_252"),
    ]
    size = _CORRELATION.get(event.kind)
    if sure is not None and sure.correlation is not None and size is not None:
        answers += [
            ("significance r", sure.correlation.value, f"corr_{size}"),
            ("significance low", sure.correlation.low, f"corr_ci_{size}_low"),
            ("significance high", sure.correlation.high, f"corr_ci_{size}_high"),
            ("significance n_eff", sure.effective_size, f"n_eff_{size}"),
        ]
    return answers


def _price_checks(material: Material, market: Market) -> tuple[Check, ...]:
    """Compare the prices of both legs with the bars, or the ticks, that the event names."""
    event, checks = material.event, []
    legs = zip(event.legs, event.evidence.inputs, (market.lead, market.other), strict=False)
    for index, (leg, given, bars) in enumerate(legs):
        name = f"price {material.titles.lead if index == 0 else material.titles.other}"
        if given.session is None:
            ticks = material.prices.lead if index == 0 else material.prices.other
            if ticks.ts_ns:
                checks.append(
                    Check(
                        name=name, event=leg.price, recomputed=ticks.at(given.ts_event_ns, stated=leg.price)
                    )
                )
            continue
        found = [
            bar.close for bar, session in zip(bars, market.sessions, strict=True) if session == given.session
        ]
        if found:
            checks.append(Check(name=name, event=leg.price, recomputed=found[0]))
    return tuple(checks)


def _with_identity(event: DivergenceEvent, working: Working) -> Working:
    """Add a conclusion for each id of the event that does not follow from its content."""
    fingerprint = fingerprint_of(pair=event.pair, kind=event.kind, direction=event.direction)
    ids = (
        event_id_of(divergence_id=event.divergence_id, transition=event.type, occurrence=occurrence)
        for occurrence in range(1, _OCCURRENCES)
    )
    wrong = []
    if event.fingerprint != fingerprint:
        wrong.append(
            Conclusion(text="the fingerprint is not that of this pair, kind and direction", holds=False)
        )
    if event.event_id not in ids:
        wrong.append(
            Conclusion(text="the event_id is not that of this divergence and transition", holds=False)
        )
    if not wrong:
        return working
    return replace(working, conclusions=(*working.conclusions, *wrong))


MARKET_KINDS: Final[dict[Kind, Callable[[Material, Market], Working]]] = {
    Kind.RATIO_STRETCH: ratio_stretch.working_of,
    Kind.OPPOSITE_MOVES: opposite_moves.working_of,
    Kind.CORRELATION_BREAK: correlation_break.working_of,
    Kind.HEDGE_LOST: hedge_lost.working_of,
    Kind.EVIDENCE_BREAK: evidence_break.working_of,
    Kind.REGIME_CHANGE: regime_change.working_of,
}
"""Every kind but ``data_fault``, whose working needs no market."""
