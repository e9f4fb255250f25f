"""What a rule saw, in words: its statistic, what that is computed from, and its levels."""

from typing import Final

from convex.why_not.gate import Answer, By
from services.signals.core.divergence.observation import sign_of
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from shared.text.divergences import describe_regime
from shared.text.durations import format_duration
from shared.text.early_warnings import format_probability
from shared.text.evidence import format_e_value
from shared.text.numbers import format_level, format_log_return, format_number, format_signed

# Their statistic has no sign: a direction has one of its own, or there is one direction only.
_UNSIGNED: Final = (Kind.HEDGE_LOST, Kind.EVIDENCE_BREAK)


def saw(answer: Answer, pair: Pair) -> str:
    """Return the statistic with its inputs and its levels."""
    values = answer.values
    match answer.kind:
        case Kind.DATA_FAULT:
            return ""
        case Kind.REGIME_CHANGE:
            regime = answer.facts.get("regime")
            return (
                f"z_90 {format_signed(values.get('z_90'))}, regime "
                f"{describe_regime(regime if isinstance(regime, str) else None, missing='undefined')}"
            )
        case Kind.RATIO_STRETCH:
            what = f"z_90 {compared(answer) if answer.by is By.CLOSE else signed(values.get('z_90'))}"
            if answer.by is By.PRICE:
                probability = answer.facts.get("probability_now")
                age = answer.facts.get("price_age_seconds")
                what += (
                    f" at the live price, {format_duration(number_of(age))} old; at the next close expected "
                    f"{signed(values.get('z_90_expected'))} ± {format_number(values.get('z_90_spread'))}, "
                    f"at the level with a probability of {format_probability(number_of(probability))}"
                )
        case Kind.OPPOSITE_MOVES:
            lead, other = (format_log_return(values.get(f"return_5_{leg}")) for leg in ("lead", "other"))
            what = (
                f"difference of the 5-session returns {compared(answer)} times its usual "
                f"size ({pair.lead_title} {lead}, {pair.other_title} {other})"
            )
        case Kind.CORRELATION_BREAK:
            what = (
                f"Fisher z {compared(answer)}: correlation "
                f"{signed(values.get('corr_20'))} over 20 sessions (n_eff "
                f"{format_number(values.get('n_eff_20'), 0)}), {signed(values.get('corr_252'))} over 252 "
                f"(n_eff {format_number(values.get('n_eff_252'), 0)}), change "
                f"{signed(values.get('corr_change'))}"
            )
        case Kind.HEDGE_LOST:
            what = (
                f"correlation {signed(values.get('corr_60'))} over 60 sessions (95%: "
                f"{signed(values.get('corr_ci_60_low'))} to {signed(values.get('corr_ci_60_high'))}, n_eff "
                f"{format_number(values.get('n_eff_60'), 0)}); the lower end decides"
            )
        case Kind.EVIDENCE_BREAK:
            own = values.get(f"e_{answer.direction.value}")
            what = f"evidence against the baseline {format_e_value(own)}"
    return f"{what}; {_levels(answer)}"


def name_of_statistic(answer: Answer) -> str:
    """Return what the levels are compared with, as the beginning of a sentence."""
    match answer.kind:
        case Kind.RATIO_STRETCH:
            return "z_90"
        case Kind.OPPOSITE_MOVES:
            return "The difference"
        case Kind.CORRELATION_BREAK:
            return "Fisher z"
        case Kind.HEDGE_LOST:
            return "The lower end"
        case _:
            return "The evidence"


def compared(answer: Answer) -> str:
    """Return the statistic rounded, but never to the level that it does not reach."""
    if answer.x is None:
        return "undefined"
    value, level = _own(answer, answer.x), _own(answer, answer.rule.warning)
    show = format_number if answer.kind is Kind.EVIDENCE_BREAK else format_signed
    for decimals in range(2 if answer.kind is not Kind.EVIDENCE_BREAK else 0, 9):
        text = show(value, decimals)
        rounded = round(value, decimals)
        if (rounded >= level) == (value >= level) and (rounded <= level) == (value <= level):
            return text
    return repr(value)


def level_of(answer: Answer, level: float) -> str:
    """Return a level of the rule on the side of the answer's direction."""
    value = _own(answer, level)
    if answer.kind in _UNSIGNED:
        return format_level(value)
    return ("+" if value > 0 else "") + format_level(value)


def warning_of(answer: Answer) -> str:
    """Return the level at which it opens, on the side of the answer's direction."""
    return level_of(answer, answer.rule.warning)


def signed(value: float | None) -> str:
    """Return a number with its sign."""
    return format_signed(value, missing="undefined")


def number_of(value: object) -> float | None:
    """Return a fact that is a number; None for any other."""
    return float(value) if isinstance(value, int | float) else None


def _levels(answer: Answer) -> str:
    return f"levels {warning_of(answer)} (warning), {level_of(answer, answer.rule.critical)} (critical)"


def _own(answer: Answer, signed: float) -> float:
    return signed if answer.kind in _UNSIGNED else sign_of(answer.direction) * signed
