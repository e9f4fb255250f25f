"""What the numbers of a report mean, with the rule they were made by."""

from html import escape

from services.signals.core.rules import Rule
from shared.domain.pairs import Pair
from shared.version import CODE_VERSION


def notes(pair: Pair, rule: Rule) -> str:
    """Return the definitions as HTML."""
    terms = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in _terms(pair, rule).items())
    return (
        f'<section><h2>How to read it</h2><dl class="notes">{terms}</dl>'
        f'<p class="versions">Rule <code>{escape(rule.version)}</code> · Convex {escape(CODE_VERSION)}. '
        "A record of what the rule would have said, not of what anyone could have earned.</p></section>"
    )


def _terms(pair: Pair, rule: Rule) -> dict[str, str]:
    lead, other = escape(pair.lead_title), escape(pair.other_title)
    return {
        "Log ratio": f"ln of {lead}'s close over {other}'s, each adjusted for dividends and splits where its "
        "file has <code>adj_close</code>.",
        "z-score": "Log ratio less its mean over the 90 sessions before, in standard deviations (n − 1) of "
        f"those 90. Positive: {lead} is rich against {other}, called risk-off; negative: risk-on.",
        "Opens": f"At |z| ≥ {rule.warning:g} (warning) or ≥ {rule.critical:g} (critical): by a close at "
        f"once, by a live price after {rule.hold_seconds / 60:g} minutes without a break. It eases to "
        f"warning at |z| ≤ {rule.warning:g} and closes at |z| ≤ {rule.leave:g}. What began earlier and "
        "still holds is told on the first session judged.",
        "History": "Where ticks are replayed, the sessions before the first are shown and not judged.",
        "Cooldown": f"For {rule.cooldown_sessions} sessions after a divergence the same direction opens "
        "again only at critical. After an early warning that no close bore out, this holds back "
        "live prices only, and a close opens it at warning, too.",
        "Confirmed": "By the closes of both legs, known at 20:15 New York; provisional: by a live price "
        f"against the last known close of {other}. All times are New York's.",
        "After": "Change from the prices in the opening's message to the 1st, 5th and 20th close after it. "
        "Legs as they traded; the ratio as adjusted. A dash: the record ends before.",
        "Peak z": "The farthest in the divergence's direction, over its messages and the closes it lasted.",
    }
