"""One pair's numbers: both legs' closes, the newest session's statistics, and the live ones now."""

import numpy as np

from services.signals.core.aligned import AlignedSessions, align
from services.signals.core.confirmed import HISTORY_SESSIONS, RATIO_WINDOW, Values, confirmed_values, regimes
from services.signals.core.leg_history import LegHistory
from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.regime import START, RegimeState, next_regime
from services.signals.core.statistics.zscore import baseline, zscore
from services.signals.core.tape import LeadTape
from shared.domain.pairs import Pair


class PairWindows:
    """What the closes of a pair say, without any decision about it.

    Parameters
    ----------
    pair
        Whose closes.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.lead = LegHistory(limit=HISTORY_SESSIONS)
        self.other = LegHistory(limit=HISTORY_SESSIONS)
        self.aligned: AlignedSessions = align(self.lead, self.other)
        self.regime: RegimeState = START
        self.values: Values = {}
        self.base: MeanStd | None = None

    def leg(self, instrument: str) -> LegHistory | None:
        """Return the history of one leg, None for an instrument that is not in the pair."""
        return {self.pair.lead: self.lead, self.pair.other: self.other}.get(instrument)

    def recompute(self, *, regime_from: RegimeState | None) -> None:
        """Compute everything from the closes; without ``regime_from`` all regimes, too."""
        self.aligned = align(self.lead, self.other)
        self.values = confirmed_values(self.aligned)
        self.base = baseline(self.aligned.log_ratio, RATIO_WINDOW)
        if regime_from is not None:
            self.regime = next_regime(regime_from, self.values.get("z_90"))
        else:
            self.regime = (regimes(self.aligned.log_ratio) or [START])[-1]

    def resume(self, regime: RegimeState) -> None:
        """Recompute what the windows give after they were filled from a checkpoint."""
        self.recompute(regime_from=None)
        self.regime = regime

    def live_ratio(self, tape: LeadTape) -> float | None:
        """Return ``ln`` of the lead's live price over the other leg's last known close."""
        other = self.other.newest()
        if tape.price is None or other is None:
            return None
        return float(np.log(tape.price / other.adj_close))

    def live_z(self, tape: LeadTape) -> float | None:
        """Return the z-score of the live ratio, None while it is undefined."""
        ratio = self.live_ratio(tape)
        return None if ratio is None else zscore(ratio, self.base)

    def live_values(self, tape: LeadTape) -> Values:
        """Return the provisional statistics by name."""
        ratio = self.live_ratio(tape)
        window = self.aligned.log_ratio
        return {
            "log_ratio": ratio,
            "z_90": self.live_z(tape),
            "mean_90": self.base.mean if self.base is not None else None,
            "std_90": self.base.std if self.base is not None else None,
            "pctl_90": None if ratio is None else percentile_rank(ratio, window, RATIO_WINDOW),
        }
