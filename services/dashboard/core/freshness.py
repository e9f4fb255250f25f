"""The state of the feed, where the numbers come from, and how old they are."""

from dataclasses import dataclass
from typing import Final

from shared.domain.instants import parse_rfc3339
from shared.domain.pairs import Pair
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import FeedState
from shared.text.instants import format_instant

# The signals service publishes once a second while the feed reports: this long without a snapshot is a fault.
LATE_AFTER_SECONDS: Final = 15
# Event time this far from the wall clock is recorded or simulated, and an age of it would mislead.
_OWN_TIME_AFTER_MS: Final = 3_600_000

_FEED_STATES: Final = {
    FeedState.LIVE: "The market is open and prices arrive.",
    FeedState.STALE: "The market is open but no prices arrive: the last price is old.",
    FeedState.BREAK: "The market is in its daily break.",
    FeedState.CLOSED: "The market is closed.",
}
_NEVER_TICKED: Final = "The market is open but no price has arrived yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word on the state of the pair, with the sentence that explains it.

    Parameters
    ----------
    late_hint
        The sentence to show once the snapshot is late and the word may no longer hold; empty for a word that
        always holds.
    """

    text: str
    tone: str
    hint: str
    late_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old the page's numbers are.

    Parameters
    ----------
    snapshot_since_ms, watermark_since_ms
        Wall times in milliseconds at which the ages were 0. The watermark's is None where event time is not
        wall time.
    is_late
        No snapshot has arrived for so long that the page must say so.
    """

    watermark: str
    snapshot_since_ms: int
    watermark_since_ms: int | None
    snapshot_age_seconds: float
    watermark_age_seconds: float | None
    is_late: bool


def badges_of(pair: Pair, snapshot: PairSnapshot) -> tuple[Badge, ...]:
    """Return the state of the feed, then whether the prices are simulated, recorded or of a proxy."""
    badges = []
    if snapshot.feed_state is None:
        badges.append(
            Badge(
                text="NO FEED", tone="stale", hint="The ingestor has not reported the state of this feed yet."
            )
        )
    else:
        state = snapshot.feed_state
        hint = (
            _NEVER_TICKED if state is FeedState.STALE and not _has_ticked(snapshot) else _FEED_STATES[state]
        )
        late_hint = f"As of the last snapshot, not now: {hint}"
        badges.append(Badge(text=state.value, tone=state.value.lower(), hint=hint, late_hint=late_hint))
    if snapshot.is_simulated:
        badges.append(Badge(text="SIMULATED", tone="notice", hint="The prices of both legs are made up."))
    elif pair.lead.endswith(".REPLAY"):
        badges.append(
            Badge(
                text="REPLAY",
                tone="notice",
                hint="Recorded prices are played back; the times shown are those of the recording.",
            )
        )
    if snapshot.is_proxy:
        hint = f"{pair.lead} tracks {pair.lead_title} but is a market of its own."
        badges.append(Badge(text="PROXY", tone="notice", hint=hint))
    return tuple(badges)


def freshness_of(snapshot: PairSnapshot, *, published_ms: int, now_ms: int) -> Freshness:
    """Return the ages at this moment, all three instants being wall times in milliseconds."""
    watermark_ms = parse_rfc3339(snapshot.watermark) // 1_000_000
    is_wall_time = abs(published_ms - watermark_ms) <= _OWN_TIME_AFTER_MS
    age = (now_ms - published_ms) / 1_000
    return Freshness(
        watermark=format_instant(snapshot.watermark),
        snapshot_since_ms=published_ms,
        watermark_since_ms=watermark_ms if is_wall_time else None,
        snapshot_age_seconds=age,
        watermark_age_seconds=(now_ms - watermark_ms) / 1_000 if is_wall_time else None,
        is_late=age > LATE_AFTER_SECONDS,
    )


def _has_ticked(snapshot: PairSnapshot) -> bool:
    # Before the first tick the lead has a close, which has a session, or no price at all.
    return any(leg.price is not None and leg.session is None for leg in snapshot.legs[:1])
