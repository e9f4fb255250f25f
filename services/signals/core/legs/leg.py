"""The state of one instrument in a lead's log, shared by the pairs that have it as a leg."""

from dataclasses import dataclass, field

from services.signals.core.legs.data_quality import DataQuality
from services.signals.core.legs.history import LegHistory
from services.signals.core.legs.last_price import LastPrice
from shared.domain.bars import HISTORY_SESSIONS, Bar
from shared.domain.instruments import is_listed


def _history() -> LegHistory:
    return LegHistory(limit=HISTORY_SESSIONS)


@dataclass(slots=True, kw_only=True)
class Leg:
    """One instrument.

    Parameters
    ----------
    last_price
        Its live price, if it has ticks.
    history
        Its bars.
    data_quality
        Whether they can be trusted.

    Attributes
    ----------
    is_listed
        Its closes come as bars, and its ticks are used during sessions only.
    """

    instrument: str
    last_price: LastPrice = field(default_factory=LastPrice)
    history: LegHistory = field(default_factory=_history)
    data_quality: DataQuality = field(default_factory=DataQuality)
    is_listed: bool = field(init=False)

    def __post_init__(self) -> None:
        """Read what the instrument's symbol says."""
        self.is_listed = is_listed(self.instrument)

    @property
    def newest_session(self) -> str | None:
        """Return the label of the latest session with a bar, used or quarantined; None before any."""
        used = self.history.newest_session
        quarantined = self.data_quality.quarantined
        return max(used or "", quarantined[-1].session) if quarantined else used

    def quarantined_bar(self, session: str) -> Bar | None:
        """Return the quarantined bar of a session, None where there is none."""
        return next((bar for bar in self.data_quality.quarantined if bar.session == session), None)
