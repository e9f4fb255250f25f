"""What one frame means for the connection that it came over."""

from dataclasses import dataclass, field

from services.ingestor.core.duplicates_and_gaps import Gap
from services.ingestor.feeds.streaming.events import Rejected, VenueStatus


@dataclass(slots=True, kw_only=True)
class FrameOutcome:
    """What a frame contained, as far as its connection must know it.

    Parameters
    ----------
    has_data
        It had data of the subscription, snapshots included.
    has_fresh_tick
        It had a new tick that is not from a snapshot.
    is_unreadable
        It was not what the protocol allows.
    is_acknowledged
        Every subscription is acknowledged.
    gaps
        Trade ids that turned out to be missing.
    venue_statuses
        The states that the venue reports of itself.
    rejection
        The first rejection of a subscription in it.
    """

    has_data: bool = False
    has_fresh_tick: bool = False
    is_unreadable: bool = False
    is_acknowledged: bool = False
    gaps: list[Gap] = field(default_factory=list)
    venue_statuses: list[VenueStatus] = field(default_factory=list)
    rejection: Rejected | None = None
