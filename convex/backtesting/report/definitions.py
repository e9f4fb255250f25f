"""What the numbers of a report mean, and the rules that they were computed with."""

from collections.abc import Mapping
from html import escape

from services.signals.core.divergence.rules import Rule
from shared.domain.divergences import Kind
from shared.domain.pairs import Pair
from shared.text.evidence import describe_guarantee
from shared.text.numbers import format_percent
from shared.version import CODE_VERSION


def definitions(pair: Pair, rules: tuple[Rule, ...]) -> str:
    """Return the definitions as HTML."""
    found = _terms(pair, {rule.kind: rule for rule in rules})
    terms = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in found.items())
    versions = " · ".join(f"<code>{escape(rule.version)}</code>" for rule in rules)
    return (
        f'<section><h2>How to read it</h2><dl class="notes">{terms}</dl>'
        f'<p class="versions">Rules {versions} · Convex {escape(CODE_VERSION)}. '
        "These are the alerts that the rules would have sent, not what anyone could have earned.</p>"
        "</section>"
    )


def _terms(pair: Pair, rules: Mapping[Kind, Rule]) -> dict[str, str]:
    lead, other = escape(pair.lead_title), escape(pair.other_title)
    terms = {
        "Log ratio": f"ln of {lead}'s close over {other}'s, each adjusted for dividends and splits where its "
        "file has <code>adj_close</code>.",
        "z-score": "Log ratio less its mean over the 90 sessions before, in standard deviations (n − 1) of "
        f"those 90. Positive: {lead} is rich against {other}, called risk-off; negative: risk-on.",
    }
    if rule := rules.get(Kind.RATIO_STRETCH):
        terms["Ratio stretch"] = (
            f"Opens at {_levels('z', rule)}: by a close at once, by a live price after "
            f"{rule.hold_seconds / 60:g} minutes without a break. {_leaves('z', rule)}"
        )
    if rule := rules.get(Kind.OPPOSITE_MOVES):
        terms["Opposite moves"] = (
            "D is the difference of the legs' returns over five sessions, in standard deviations of what it "
            f"was over 90. Opens at {_levels('D', rule)} while the returns have opposite signs. "
            f"{_leaves('D', rule)}"
        )
    if rule := rules.get(Kind.CORRELATION_BREAK):
        terms["Correlation break"] = (
            "Fisher’s z tests the correlation of 20 sessions against that of 252. Opens at "
            f"{_levels('z', rule)} while the two differ by at least {rule.min_change:g}. "
            f"{_leaves('z', rule)} Tightening: it rose; loosening: it fell."
        )
    if rule := rules.get(Kind.HEDGE_LOST):
        terms["Hedge lost"] = (
            "r is the correlation of 60 sessions with its 95% interval. Opens when the lower end lies above "
            f"{rule.warning:g} (warning) or {rule.critical:g} (critical), closes when r is {rule.leave:g} or "
            "less."
        )
    if rule := rules.get(Kind.EVIDENCE_BREAK):
        terms["Evidence break"] = _evidence(pair, rule, lead, other)
    if Kind.REGIME_CHANGE in rules:
        terms["Regime change"] = (
            "Risk-off from z ≥ 1, risk-on from z ≤ −1, neutral again inside ±0.5; the next change three "
            "sessions later at the earliest. It has no duration."
        )
    if Kind.DATA_FAULT in rules:
        terms["Data fault"] = (
            "A leg without a bar, without a price at a close, or with implausible prices. While it lasts "
            "nothing else opens."
        )
    return terms | {
        "By chance": "How often a year the same rule would open on two legs without a tie. For the kinds "
        "about the correlation: on two legs whose correlation never changes. Counted on histories drawn at "
        "random from a real one.",
        "History": "A divergence that began earlier and still holds opens at the first session that is "
        "evaluated. Where ticks are replayed, the sessions before the first tick are only shown. Shares and "
        "rates are counted over the sessions in which a divergence could open.",
        "Cooldown": "Sessions after a divergence in which the same direction opens again only at "
        f"critical: {_cooldowns(rules)}. After an early warning that no close confirmed, this "
        "holds back live prices only; a close opens it at warning too.",
        "Confirmed": "By the closes of both legs, known at 20:15 New York; provisional: by a live price "
        f"against the last known close of {other}. All times are New York's.",
        "After": "Change over 1, 5 and 20 sessions from the first close after the opening was reported; "
        "after an opening by a close that is the close of the next session. "
        "Legs as they traded, the ratio adjusted. A dash: the file ends earlier.",
        "Peak": "The largest value in the direction of the divergence, over its messages and its closes.",
    }


def _evidence(pair: Pair, rule: Rule, lead: str, other: str) -> str:
    if (band := pair.agreement) is None:
        return "Needs a baseline, which this pair does not state: it cannot open."
    return (
        f"Tests a stated baseline: that {lead} and {other} move to the same side of their means in "
        f"{format_percent(band.low, 0)} to {format_percent(band.high, 0)} of the sessions. Opens when the "
        f"evidence against it, an e-value, reaches {rule.warning:g} (warning) or {rule.critical:g} "
        f"(critical), eases at {rule.warning:g} or less, closes at {rule.leave:g} or less. Tightening: they "
        f"agree more often; loosening: less often. {describe_guarantee(rule.thresholds)}"
    )


def _levels(name: str, rule: Rule) -> str:
    return f"|{name}| ≥ {rule.warning:g} (warning) or ≥ {rule.critical:g} (critical)"


def _leaves(name: str, rule: Rule) -> str:
    return f"Eases to warning at |{name}| ≤ {rule.warning:g}, closes at |{name}| ≤ {rule.leave:g}."


def _cooldowns(rules: Mapping[Kind, Rule]) -> str:
    lasting = (
        Kind.RATIO_STRETCH,
        Kind.OPPOSITE_MOVES,
        Kind.CORRELATION_BREAK,
        Kind.HEDGE_LOST,
        Kind.EVIDENCE_BREAK,
    )
    each = {rules[kind].cooldown_sessions for kind in lasting if kind in rules}
    if len(each) == 1:
        return f"{each.pop()}"
    return ", ".join(
        f"{kind.value.replace('_', ' ')} {rules[kind].cooldown_sessions}" for kind in lasting if kind in rules
    )
