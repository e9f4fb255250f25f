"""The decisions and inputs that a backtest did not act on, counted by reason."""

from collections.abc import Mapping
from html import escape
from typing import Final

REASONS: Final = {
    "cooldown": "A level was reached during the cooldown of the divergence before.",
    "stale": "A level was held, but no new price had arrived for too long.",
    "undefined": "In a session with an open divergence the statistic was undefined.",
    "inhibited": "A level was reached while the data of a leg were at fault.",
    "flapping": "A divergence that opens and closes too often was held open.",
    "bar_unchanged": "A bar with nothing new.",
    "bar_outdated": "A bar older than the known one, or from another source.",
    "bar_provisional": "A bar that was not final yet.",
    "bar_no_session": "A bar of a day on which the exchange was closed.",
    "bar_close_jump": "A close half above the last good one or a third below it: in no window.",
    "bar_unapplied_split": "A close that changed as by a split that was not applied: in no window.",
    "trade_superseded": "Trades while quotes arrive: the mid price of a quote is better.",
    "close_sample_stale": "No price of the lead in the 15 minutes before a close, so no close was sampled.",
    "tick_behind_watermark": "A tick older than event time, but the newest of its leg: used late.",
    "tick_implausible": "A price that jumped by half was not used at once.",
    "tick_outside_session": "A tick of a listed symbol before the open or after the close.",
    "tick_of_other_feed": "A tick of a feed that was not the authoritative one.",
    "status_of_other_feed": "A status record of a feed that was not the authoritative one.",
    "authority_assumed": "A feed was used because for a minute only its status records came.",
    "event_time_went_back": "Event time had run ahead of the ticks and went back to theirs.",
    "other_instrument": "A record of an instrument that is not the lead.",
}
"""By reason, for people."""


def suppressed_inputs(counts: Mapping[str, int]) -> str:
    """Return the decisions and inputs that were not acted on, as HTML."""
    rows = "".join(
        f"<tr><td>{escape(REASONS.get(reason, ''))}<small><code>{escape(reason)}</code></small></td>"
        f'<td class="n">{count:,}</td></tr>'
        for reason, count in sorted(counts.items())
        if count
    )
    if not rows:
        return "<section><h2>Not acted on</h2><p>Nothing.</p></section>"
    return (
        "<section><h2>Not acted on</h2><table><thead><tr><th>Reason</th><th class='n'>Times</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )
