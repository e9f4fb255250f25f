"""One pair's statistics: the confirmed ones of its committed sessions, and those of the live prices."""

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.signals.core.confirmed import RATIO_WINDOW, Values, confirmed_values, regimes, slow_values
from services.signals.core.legs.aligned import AlignedSessions
from services.signals.core.legs.history import label_of
from services.signals.core.legs.pair_legs import PairLegs
from services.signals.core.statistics.e_break import AgreementBand
from services.signals.core.statistics.hedge_answer import hedge_answer
from services.signals.core.statistics.moments import MeanStd
from services.signals.core.statistics.next_close import (
    NextClose,
    ReturnSpread,
    live_next_close,
    next_close_since,
    return_spread,
    sampled_next_close,
)
from services.signals.core.statistics.percentile import percentile_rank
from services.signals.core.statistics.regime import START, RegimeState, next_regime
from services.signals.core.statistics.zscore import baseline, zscore
from shared.domain.divergences import Hedge
from shared.domain.sessions import missing_bar_at_ns

# The sessions of the longest window whose results are kept from one commit to the next.
_KEPT_WINDOW: Final = RATIO_WINDOW + 1
NEXT_CLOSE_VALUES: Final = (
    *("z_90_expected", "z_90_spread", "lead_to_come", "other_to_come"),
    *("lead_std_60", "other_std_60", "other_beta_60"),
)


class PairStatistics:
    """The statistics of a pair, without any decision.

    Parameters
    ----------
    legs
        The pair's legs.
    band
        The baseline of their relationship; None for a pair that states none.

    Attributes
    ----------
    session, count
        Label of the newest session that both legs have, empty before the first, and how many there are.
    regime
        After that session.
    commits
        How often the closes changed since the start of the process: what is kept by it is out of date then.
    base
        Mean and standard deviation of the last 90 log ratios; None while undefined.
    returns
        How far the legs move in a session; None while undefined.
    last_ratio
        The log ratio of the newest session; 0 before the first.
    """

    def __init__(self, legs: PairLegs, band: AgreementBand | None = None) -> None:
        self.legs = legs
        self.band = band
        self.session = ""
        self.count = self.commits = 0
        self.regime: RegimeState = START
        self.base: MeanStd | None = None
        self.returns: ReturnSpread | None = None
        self.last_ratio = 0.0
        # There are thousands of pairs, and their statistics have the same names: a dict each would be four
        # times as large as the numbers.
        self._names: tuple[str, ...] = ()
        self._numbers: tuple[float | None, ...] | None = ()
        self._slow_values: Values | None = {}
        self._hedge: Hedge | None = None
        self._recent_ratios: NDArray[np.float64] | None = None

    @property
    def values(self) -> Values:
        """The confirmed statistics of the newest session by name; None is undefined."""
        if self._numbers is None:
            return self._keep(confirmed_values(self.legs.align(), self.band))
        return dict(zip(self._names, self._numbers, strict=True))

    @property
    def slow_values(self) -> Values:
        """The statistics that only snapshots show; computed at most once a session, at the first request."""
        if self._slow_values is None:
            self._slow_values = slow_values(self.legs.align())
        return self._slow_values

    @property
    def hedge(self) -> Hedge:
        """The hedge answer of the newest session."""
        if self._hedge is None:
            aligned = self.legs.align()
            self._hedge = hedge_answer(aligned.lead_returns, aligned.other_returns)
        return self._hedge

    @property
    def recent_ratios(self) -> NDArray[np.float64]:
        """The last 91 log ratios: the newest, and the 90 before it that a close is compared with."""
        if self._recent_ratios is None:
            self._recent_ratios = self.legs.align().log_ratio[-RATIO_WINDOW - 1 :].copy()
        return self._recent_ratios

    def materialise(self) -> None:
        """Compute what is computed on demand now, from the legs as they are: they are about to change."""
        _ = self.values, self.hedge

    def recompute(self, *, regime_from: RegimeState | None) -> AlignedSessions:
        """Compute everything from the closes, and return these.

        Parameters
        ----------
        regime_from
            Regime before the newest session; None to compute the regimes of all sessions.
        """
        aligned = self._commit()
        if regime_from is not None:
            values = self._keep(confirmed_values(aligned, self.band))
            self.regime = next_regime(regime_from, values.get("z_90"))
        else:
            self.regime = (regimes(aligned.log_ratio) or [START])[-1]
        return aligned

    def forget_oldest(self, day: int) -> None:
        """Take in that a leg has lost its oldest session to a new one that the other leg lacks.

        Parameters
        ----------
        day
            The lost session's number.
        """
        if self.count <= _KEPT_WINDOW:
            self.resume(self.regime)
        elif self.legs.other.history.has_day(day) or self.legs.lead.history.has_day(day):
            # Both had it. What is kept of the windows needs none so old.
            self.count -= 1
            self.commits += 1
            self._numbers = self._slow_values = self._hedge = None

    def resume(self, regime: RegimeState) -> None:
        """Recompute what depends on the windows, after they were filled from a checkpoint."""
        self._commit()
        self.regime = regime

    def _commit(self) -> AlignedSessions:
        aligned = self.legs.align()
        self.count = len(aligned)
        self.commits += 1
        self.session = label_of(aligned.days.item(-1)) if self.count else ""
        self.base = baseline(aligned.log_ratio, RATIO_WINDOW)
        self.returns = return_spread(aligned.lead_returns, aligned.other_returns)
        self.last_ratio = aligned.log_ratio.item(-1) if self.count else 0.0
        self._numbers = self._slow_values = self._hedge = self._recent_ratios = None
        return aligned

    def _keep(self, values: Values) -> Values:
        self._names, self._numbers = _only_copy(tuple(values)), tuple(values.values())
        return values

    def live_z(self) -> float | None:
        """Return the z-score of the live ratio, None while it is undefined."""
        ratio = self.legs.live_ratio()
        return None if ratio is None else zscore(ratio, self.base)

    @property
    def has_next_close(self) -> bool:
        """Return whether `next_close` is defined."""
        is_known = self.base is not None and self.returns is not None and len(self.legs.other.history) > 0
        return is_known and self.legs.clock.has_next_close

    def next_close(self) -> NextClose | None:
        """Return the distribution of z at the next close that both legs lack; None while undefined."""
        legs, base, returns = self.legs, self.base, self.returns
        newest, other = legs.other.history.newest_session, legs.other.history.newest_adj_close
        if not self.has_next_close or base is None or returns is None or newest is None or other is None:
            return None
        clock, last_price = legs.clock, legs.other.last_price
        if legs.is_other_live():
            awaited = self._closed_after(newest) if legs.other.is_listed else None
            if awaited is None or last_price.price is None:
                return live_next_close(
                    base,
                    returns,
                    lead_to_come=clock.lead_to_come,
                    other_to_come=clock.other_to_come(last_price.ts_ns),
                )
            # Its bar is awaited: until it comes, its last price of that session stands for its close.
            closed = clock.calendar.index_of(awaited[0])
            to_come = clock.other_to_come(last_price.ts_ns, until=closed)
            ahead = live_next_close(base, returns, lead_to_come=0.0, other_to_come=to_come)
            return sampled_next_close(ahead, math.log(awaited[1] / last_price.price))
        sampled = self._closed_after(newest)
        coming = clock.ordinal if sampled is None else clock.calendar.index_of(sampled[0])
        # A bar's session has closed, so at least one more must.
        sessions = max(1, coming - clock.calendar.index_of(newest))
        variances = {
            "lead_to_come": clock.lead_to_come if sampled is None else 0.0,
            "other_to_come": float(sessions),
        }
        if newest == self.session:
            ahead = next_close_since(base, returns, then=self.last_ratio, **variances)
        else:
            # The lead lacks the other leg's newest close, so it is not known how far it has moved since.
            ahead = live_next_close(base, returns, **variances)
        if sampled is None:
            return ahead
        return sampled_next_close(ahead, math.log(sampled[1] / other))

    def _closed_after(self, newest: str) -> tuple[str, float] | None:
        """Return the session that has closed and whose bar the other leg lacks, and the lead's price then.

        None once the other leg's bar is missing: then the next close is the one that is still to come.
        """
        lead = self.legs.lead
        session, price = lead.history.newest_session, lead.history.newest_adj_close
        if lead.is_listed and lead.last_price.price is not None:
            # Its own bar is awaited as well: until it comes, its last price of that session stands for it.
            ticked = self.legs.calendar.first_closing_at_or_after(lead.last_price.ts_ns)
            if ticked < self.legs.clock.ordinal and self.legs.calendar.labels[ticked] > (session or ""):
                session, price = self.legs.calendar.labels[ticked], lead.last_price.price
        if session is None or price is None or session <= newest:
            return None
        is_missing = self.legs.clock.since_ns >= missing_bar_at_ns(session)
        return None if is_missing else (session, price)

    def next_close_values(self) -> Values:
        """Return what is expected of z at the next close, and from what, by name."""
        ahead, ratio, returns = self.next_close(), self.legs.live_ratio(), self.returns
        if ahead is None or ratio is None or returns is None:
            return dict.fromkeys(NEXT_CLOSE_VALUES)
        numbers = (
            *(ahead.expected(ratio), ahead.spread, ahead.lead_to_come, ahead.other_to_come),
            *(returns.lead_std, returns.other_std, returns.beta),
        )
        return dict(zip(NEXT_CLOSE_VALUES, numbers, strict=True))

    def probability(self, level: float, *, sign: float) -> float | None:
        """Return how likely z, times ``sign``, is at or beyond a level at the next close.

        None while that is undefined.
        """
        ahead, ratio = self.next_close(), self.legs.live_ratio()
        return None if ahead is None or ratio is None else ahead.probability(ratio, level=level, sign=sign)

    def live_values(self) -> Values:
        """Return the provisional statistics by name."""
        ratio, base = self.legs.live_ratio(), self.base
        return {
            "log_ratio": ratio,
            "z_90": None if ratio is None else zscore(ratio, base),
            "mean_90": base.mean if base is not None else None,
            "std_90": base.std if base is not None else None,
            "pctl_90": None
            if ratio is None
            else percentile_rank(ratio, self.recent_ratios[-RATIO_WINDOW:], RATIO_WINDOW),
        }


@lru_cache(maxsize=4)
def _only_copy(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first tuple of these names that was given, so that all pairs share it."""
    return names
