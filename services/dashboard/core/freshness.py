"""What the feed is doing, what the numbers are made of, and how old they are."""

from dataclasses import dataclass
from typing import Final

from services.dashboard.core.formatting import format_instant
from services.dashboard.core.words import FEED_STATES, NEVER_TICKED
from shared.domain.instants import parse_rfc3339
from shared.domain.pairs import Pair
from shared.domain.snapshots import PairSnapshot
from shared.domain.ticks import FeedState

# Signals publishes once a second while status records come: this long without one is not a hiccup.
LATE_AFTER_SECONDS: Final = 15
# Further from the wall clock than this, event time is recorded or made up, and its "age" would mislead.
_OWN_TIME_AFTER_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word on the pair's state with the sentence that explains it.

    Parameters
    ----------
    late_hint
        The sentence instead once the snapshot is late, when the word is of then and not of now; empty for a
        word that does not age.
    """

    text: str
    tone: str
    hint: str
    late_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old what is shown is.

    Parameters
    ----------
    snapshot_since_ms, watermark_since_ms
        Wall times in milliseconds at which the ages were 0; the watermark's is None where event time is not
        wall time.
    is_late
        Nothing has come for so long that the page must say so.
    """

    watermark: str
    snapshot_since_ms: int
    watermark_since_ms: int | None
    snapshot_age_seconds: float
    watermark_age_seconds: float | None
    is_late: bool


def badges_of(pair: Pair, snapshot: PairSnapshot) -> tuple[Badge, ...]:
    """Return the state of the feed first, then what the legs are when they are not the market itself."""
    badges = []
    if snapshot.feed_state is None:
        badges.append(Badge(text="NO FEED", tone="stale", hint="No status record of the lead was read yet."))
    else:
        state = snapshot.feed_state
        hint = NEVER_TICKED if state is FeedState.STALE and not _has_ticked(snapshot) else FEED_STATES[state]
        late_hint = f"As of the last snapshot, not of now: {hint}"
        badges.append(Badge(text=state.value, tone=state.value.lower(), hint=hint, late_hint=late_hint))
    if snapshot.is_simulated:
        badges.append(Badge(text="SIMULATED", tone="notice", hint="Both legs are made up."))
    elif pair.lead.endswith(".REPLAY"):
        badges.append(Badge(text="REPLAY", tone="notice", hint="Recorded data; event time is not now."))
    if snapshot.is_proxy:
        hint = f"{pair.lead} stands for the market it tracks; it is not that market."
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
    # Until the first tick the lead stands at a close, which has a session, or has no price at all.
    return any(leg.price is not None and leg.session is None for leg in snapshot.legs[:1])
