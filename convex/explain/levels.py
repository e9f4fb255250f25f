"""Compare a statistic with the levels of its rule, and conclude whether the event is right.

``x`` is the statistic, signed so that it grows with the divergence; ``W``, ``C`` and ``L`` are the levels
warning, critical and leave.

=============== ============================================================
transition      the event is right if
=============== ============================================================
open            x ≥ W; x ≥ C if it is critical
escalated       x ≥ C
eased           x ≤ W, or x < C where only a live price had reached C
revised         the data changed, or a close confirms it: x ≥ W
closed          x ≤ L
not_confirmed   x < W
expired         no close came in time: no number decides
=============== ============================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from convex.explain.wording import against
from convex.explain.working import Conclusion
from shared.domain.divergences import Confirmation, Direction, DivergenceEvent, Severity, Transition

# Two orders of additions may differ by no more than this.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatistic:
    """A statistic with its sign, as it is compared with the levels of the rule.

    Parameters
    ----------
    name
        With its sign, such as ``−z``.
    x
        The value that opens, escalates and eases; None is undefined.
    leave_name, leave_value
        The value that closes, where it is a different one.
    is_strict
        Whether a level must be exceeded, not only reached.
    """

    name: str
    x: float | None
    leave_name: str = ""
    leave_value: float | None = None
    is_strict: bool = False


def sign_of(direction: Direction) -> int:
    """Return the sign, 1 or -1, to multiply a statistic by so that it grows with the divergence."""
    return -1 if direction in (Direction.RISK_ON, Direction.LOOSENING) else 1


def signed_name(name: str, direction: Direction) -> str:
    """Return the name of the signed statistic.

    Examples
    --------
    >>> signed_name("z", Direction.RISK_ON), signed_name("z", Direction.RISK_OFF)
    ('−z', 'z')
    """
    return f"−{name}" if sign_of(direction) < 0 else name


def check_levels(event: DivergenceEvent, measured: SignedStatistic) -> tuple[Conclusion, ...]:
    """Return whether the levels support the transition and the severity of the event."""
    if event.type is Transition.EXPIRED:
        return (Conclusion(text="no close confirmed or refuted it in time: expired, whatever the number is"),)
    if measured.x is None:
        is_revised = event.type is Transition.REVISED
        return (Conclusion(text=f"{measured.name} is undefined: no level is reached", holds=is_revised),)
    levels = event.thresholds
    wanting = [name for name in ("warning", "critical", "leave") if name not in levels]
    if wanting:
        return (Conclusion(text=f"the event states no threshold {', '.join(wanting)}", holds=False),)
    if event.type is Transition.CLOSED:
        return (_closed(event, measured, levels),)
    return _check_level(event, measured, measured.x, levels)


def _check_level(
    event: DivergenceEvent, measured: SignedStatistic, x: float, levels: Mapping[str, float]
) -> tuple[Conclusion, ...]:
    is_critical = event.severity is Severity.CRITICAL
    match event.type:
        case Transition.OPEN:
            if is_critical:
                return (_at_least(measured, x, levels["critical"], "critical"),)
            first = _at_least(measured, x, levels["warning"], "warning")
            if _reaches(measured, x, levels["critical"]) and event.confirmation is Confirmation.PROVISIONAL:
                return first, Conclusion(text="beyond critical too, but not yet for as long as that takes")
            return first, _below(measured, x, levels["critical"], "not critical")
        case Transition.ESCALATED:
            return (_at_least(measured, x, levels["critical"], "critical", holds=is_critical),)
        case Transition.EASED:
            if x <= levels["warning"] + _ROUNDING:
                text = _relation(measured.name, x, "≤", levels["warning"])
                return (Conclusion(text=f"{text}: eased to a warning", holds=not is_critical),)
            why = "eased to a warning, as only a live price had reached critical"
            return (_below(measured, x, levels["critical"], why, holds=not is_critical),)
        case Transition.REVISED:
            return _revised(event, measured, x, levels)
        case Transition.NOT_CONFIRMED:
            return (_below(measured, x, levels["warning"], "the close does not confirm it"),)
        case _:
            return (Conclusion(text=f"{event.type.value}: nothing to evaluate"),)


def _revised(
    event: DivergenceEvent, measured: SignedStatistic, x: float, levels: Mapping[str, float]
) -> tuple[Conclusion, ...]:
    level = "critical" if event.severity is Severity.CRITICAL else "warning"
    if _reaches(measured, x, levels[level]):
        return (_at_least(measured, x, levels[level], f"{level}, as the close confirms"),)
    relation = _relation(measured.name, x, "<", levels[level])
    why = "it is held open while it flaps" if event.is_flapping else "it stays open until it closes"
    return (Conclusion(text=f"{relation}: reported again with other data; {why}"),)


def _closed(event: DivergenceEvent, measured: SignedStatistic, levels: Mapping[str, float]) -> Conclusion:
    name, x = (
        measured.leave_name or measured.name,
        measured.x if measured.leave_value is None else measured.leave_value,
    )
    if x is None:
        raise AssertionError
    holds = x <= levels["leave"] + _ROUNDING
    text = f"{_relation(name, x, '≤' if holds else '>', levels['leave'])}: {'closed' if holds else 'open'}"
    if not holds and event.is_flapping:
        return Conclusion(text=f"{text}, but for its flapping")
    return Conclusion(text=text, holds=holds)


def _reaches(measured: SignedStatistic, x: float, level: float) -> bool:
    return x > level if measured.is_strict else x >= level - _ROUNDING


def _at_least(
    measured: SignedStatistic, x: float, level: float, what: str, *, holds: bool = True
) -> Conclusion:
    reaches = _reaches(measured, x, level)
    sign = (">" if measured.is_strict else "≥") if reaches else ("≤" if measured.is_strict else "<")
    text = _relation(measured.name, x, sign, level)
    return Conclusion(text=f"{text}: {'' if reaches else 'not '}{what}", holds=reaches and holds)


def _below(measured: SignedStatistic, x: float, level: float, what: str, *, holds: bool = True) -> Conclusion:
    reaches = x > level if measured.is_strict else x >= level
    sign = (">" if measured.is_strict else "≥") if reaches else ("≤" if measured.is_strict else "<")
    text = _relation(measured.name, x, sign, level)
    return Conclusion(text=f"{text}: {'not so: ' if reaches else ''}{what}", holds=not reaches and holds)


def _relation(name: str, x: float, sign: str, level: float) -> str:
    return f"{name} = {against(x, level)} {sign} {level:g}"
