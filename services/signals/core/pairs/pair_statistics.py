"""One pair's numbers: what its committed sessions say, and what the live prices say now.

The legs' bars are kept once for every pair that has them; arrays of aligned sessions are made when they are
needed and not kept, because a worker may watch thousands of pairs.
"""

import numpy as np

from services.signals.core.confirmed import RATIO_WINDOW, Values, confirmed_values, regimes, slow_values
from services.signals.core.legs.aligned import AlignedSessions, align
from services.signals.core.legs.history import label_of
from services.signals.core.legs.leg import Leg
from services.signals.core.statistics.hedge_answer import hedge_answer
from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.regime import START, RegimeState, next_regime
from services.signals.core.statistics.zscore import baseline, zscore
from shared.domain.divergences import Hedge
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar


class PairStatistics:
    """What the prices of a pair say, without any decision about it.

    Parameters
    ----------
    pair
        Whose prices.
    lead, other
        Its legs, shared with other pairs.
    calendar
        XNYS sessions.

    Attributes
    ----------
    session, count
        Label of the newest session that both legs have, empty before the first, and how many there are.
    regime
        After that session.
    base
        Mean and standard deviation of the last 90 log ratios; None while undefined.
    is_dirty
        Something changed that must survive a restart: what the pair has said, or its other leg's bars and
        faults. Whoever writes checkpoints takes it back.
    """

    def __init__(self, pair: Pair, lead: Leg, other: Leg, *, calendar: SessionCalendar) -> None:
        self.pair = pair
        self.lead = lead
        self.other = other
        self.calendar = calendar
        self.session = ""
        self.count = 0
        self.regime: RegimeState = START
        self.base: MeanStd | None = None
        self.is_dirty = True
        self._values: Values | None = {}
        self._slow_values: Values | None = {}
        self._hedge: Hedge | None = None

    def align(self) -> AlignedSessions:
        """Return the sessions that both legs have."""
        return align(self.lead.history, self.other.history)

    def has(self, session: str) -> bool:
        """Tell whether both legs have a session."""
        return all(leg.history.get(session) is not None for leg in (self.lead, self.other))

    @property
    def values(self) -> Values:
        """The confirmed statistics of the newest session by name; None is undefined."""
        if self._values is None:
            self._values = confirmed_values(self.align())
        return self._values

    @property
    def slow_values(self) -> Values:
        """The statistics that only snapshots show: computed once for a session, when first asked for."""
        if self._slow_values is None:
            self._slow_values = slow_values(self.align())
        return self._slow_values

    @property
    def hedge(self) -> Hedge:
        """The hedge answer of the newest session."""
        if self._hedge is None:
            aligned = self.align()
            self._hedge = hedge_answer(aligned.lead_returns, aligned.other_returns)
        return self._hedge

    def remember(self) -> None:
        """Compute now what is asked for after the legs have changed, and means how they were."""
        _ = self.values, self.hedge

    def recompute(self, *, regime_from: RegimeState | None) -> None:
        """Compute everything from the closes; without ``regime_from`` all regimes, too."""
        aligned = self._commit()
        self.is_dirty = True
        if regime_from is not None:
            self._values = confirmed_values(aligned)
            self.regime = next_regime(regime_from, self.values.get("z_90"))
        else:
            self.regime = (regimes(aligned.log_ratio) or [START])[-1]

    def resume(self, regime: RegimeState) -> None:
        """Recompute what the windows give after they were filled from a checkpoint."""
        self._commit()
        self.regime = regime

    def _commit(self) -> AlignedSessions:
        aligned = self.align()
        self.count = len(aligned)
        self.session = label_of(aligned.days.item(-1)) if self.count else ""
        self.base = baseline(aligned.log_ratio, RATIO_WINDOW)
        self._values = self._slow_values = self._hedge = None
        return aligned

    # -- live ---------------------------------------------------------------------------------------------

    def is_other_live(self) -> bool:
        """Tell whether the other leg's newest price is one of its own ticks, not a close."""
        last_price, session = self.other.last_price, self.other.history.newest_session
        if last_price.price is None:
            return False
        return session is None or last_price.ts_ns >= self.calendar.close_of(session)

    def other_price(self) -> float | None:
        """Return what the lead's live price is held against: a tick, or the last known adjusted close."""
        if self.is_other_live():
            return self.other.last_price.price
        return self.other.history.newest_adj_close

    def live_ratio(self) -> float | None:
        """Return ``ln`` of the lead's live price over the other leg's newest one."""
        price, other = self.lead.last_price.price, self.other_price()
        return None if price is None or other is None else float(np.log(price / other))

    def live_z(self) -> float | None:
        """Return the z-score of the live ratio, None while it is undefined."""
        ratio = self.live_ratio()
        return None if ratio is None else zscore(ratio, self.base)

    def live_values(self) -> Values:
        """Return the provisional statistics by name."""
        ratio = self.live_ratio()
        window = self.align().log_ratio
        return {
            "log_ratio": ratio,
            "z_90": self.live_z(),
            "mean_90": self.base.mean if self.base is not None else None,
            "std_90": self.base.std if self.base is not None else None,
            "pctl_90": None if ratio is None else percentile_rank(ratio, window, RATIO_WINDOW),
        }
