"""How ``regime_change`` decides: z against ±1 and ±0.5, with at least three sessions between changes."""

from typing import Final

from convex.explain.kinds.ratio_stretch import ratio_lines, ratio_words
from convex.explain.levels import sign_of
from convex.explain.market import Market
from convex.explain.material import Material
from convex.explain.regimes import ENTER, LEAVE, NUMBERS, SESSIONS_BETWEEN, Regime, regimes
from convex.explain.statistics import RATIO_WINDOW, ratio_mean_and_std
from convex.explain.wording import against, number, when
from convex.explain.working import Conclusion, Line, Working, ratio_window
from shared.domain.divergences import Kind

_SHOWN: Final = 4


def working_of(material: Material, market: Market) -> Working:
    """Return the working of one event."""
    base, record = ratio_mean_and_std(market), regimes(market.log_ratios, size=RATIO_WINDOW)
    z = record[-1].z if record else None
    lines = ratio_lines(material, market, base, z)
    lines += tuple(
        Line(name=market.sessions[each.index], formula=f"z = {number(each.z)}", result=each.name)
        for each in record[-_SHOWN:]
    )
    after = record[-1].name if record else "none"
    before, source = _regime_before(material, record)
    words = ratio_words(material, z)
    return Working(
        sentence=f"{when(material.event)} {words}; the regime went from {before} to {after}.",
        window=ratio_window(market, material.titles, RATIO_WINDOW),
        lines=lines,
        conclusions=_conclusions(material, record, f"{before} before, {source}", before != after),
        values={"regime_before": NUMBERS.get(before)},
    )


def _regime_before(material: Material, record: list[Regime]) -> tuple[str, str]:
    """Return the regime that was reported last, and which event reported it.

    It is taken from the event before. The closes as they are known now may give another regime: a correction
    changes the regimes of the past, but not what was reported about them.
    """
    by_number: dict[float | None, str] = {value: name for name, value in NUMBERS.items()}
    for event in reversed(material.before):
        if event.kind is Kind.REGIME_CHANGE and event.divergence_id != material.event.divergence_id:
            return by_number.get(event.values.get("regime"), "none"), "by the event before"
    stated = by_number.get(material.event.values.get("regime_before"))
    by_closes = stated or "none"
    if record and len(record) > record[-1].since + 1:
        by_closes = record[-2 - record[-1].since].name
    if stated is None or stated == by_closes:
        return by_closes, "by the closes before"
    return stated, f"by this event alone; by the closes before it was {by_closes}"


def _conclusions(
    material: Material, record: list[Regime], before: str, has_changed: bool
) -> tuple[Conclusion, ...]:
    if not record or record[-1].z is None:
        return (Conclusion(text="z is undefined, so there is no regime", holds=False),)
    now, z, after = record[-1], record[-1].z, record[-1].name
    sign = sign_of(material.event.direction)
    conclusions = [
        Conclusion(text=_why(after, z)),
        Conclusion(
            text=f"{before}; {after} after: {'changed' if has_changed else 'not changed'}",
            holds=has_changed,
        ),
        Conclusion(
            text=f"z {'>' if z > 0 else '<' if z < 0 else '='} 0: {'not ' if sign * z < 0 else ''}"
            f"{material.event.direction.value}",
            holds=sign * z >= 0,
        ),
    ]
    if now.since > 0:
        late = f"by the closes it changed {now.since} sessions earlier"
        late += "; a data fault or a correction came between"
        conclusions.append(Conclusion(text=late))
    elif len(record) > 1:
        waited = record[-2].since + 1
        text = f"{waited} sessions after the last change; {SESSIONS_BETWEEN} is the least"
        conclusions.append(Conclusion(text=text, holds=waited >= SESSIONS_BETWEEN))
    return tuple(conclusions)


def _why(after: str, z: float) -> str:
    if after == "RISK_OFF" and z >= ENTER:
        return f"z = {against(z, ENTER)} ≥ {ENTER:g}: RISK_OFF"
    if after == "RISK_ON" and z <= -ENTER:
        return f"z = {against(z, -ENTER)} ≤ −{ENTER:g}: RISK_ON"
    if after == "NEUTRAL" and abs(z) < LEAVE:
        return f"|z| = {against(abs(z), LEAVE)} < {LEAVE:g}: NEUTRAL"
    return f"z = {against(z, LEAVE)} keeps {after}"
