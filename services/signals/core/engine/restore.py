"""Restore an engine from checkpoints, and thaw its frozen pairs while the log is read again.

A pair is frozen while the records being read are older than its checkpoint: they have had their effect on it
already. Meanwhile the lead and the other pairs are brought up to date.
"""

from collections.abc import Iterable, Mapping

from services.signals.core.engine.engine import LeadEngine
from services.signals.core.engine.lead_state import LeadState
from services.signals.core.legs.stored_bars import restore_bars
from services.signals.core.pairs.pair_state import PairState, load_pair
from shared.domain.bars import Bar


class RestoredEngine:
    """An engine restored from checkpoints.

    Parameters
    ----------
    engine
        A new engine, which is filled.
    lead
        The state that its pairs share; None where it is not known.
    pairs
        The states of its pairs. Where two have a leg in common, the leg is taken from the last one.
    frozen
        By pair, the offset of the last record that must not touch it.
    is_from_beginning
        The log is read again from its beginning. Then only the lead's bars are taken from ``lead``, because
        the log may no longer have them.

    Attributes
    ----------
    engine
        The restored engine.
    """

    def __init__(
        self,
        engine: LeadEngine,
        lead: LeadState | None,
        pairs: Iterable[PairState],
        *,
        frozen: Mapping[str, int],
        is_from_beginning: bool,
    ) -> None:
        self.engine = engine
        self._until = dict(frozen)
        self._monitors = {monitor.pair.name: monitor for monitor in engine.monitors}
        self._waiting: dict[str, tuple[Bar, ...]] = {}
        if lead is not None:
            self._fill_lead(lead, is_from_beginning=is_from_beginning)
        for state in pairs:
            if load_pair(state, self._monitors[state.pair]):
                self.engine.dirty.discard(state.pair)
            self._waiting[state.other] = state.waiting
        self._go_on()

    def thaw_before(self, offset: int) -> None:
        """Thaw the pairs whose checkpoint is older than the record at ``offset``, which is applied next."""
        # Almost always no pair is frozen.
        if not self._until:
            return
        thawed = [name for name, until in self._until.items() if until < offset]
        if not thawed:
            return
        for name in thawed:
            del self._until[name]
            # The lead's legs are now as new as the pair's checkpoint: recompute its statistics from them.
            statistics = self._monitors[name].statistics
            statistics.resume(statistics.regime)
        self._go_on()

    def _fill_lead(self, lead: LeadState, *, is_from_beginning: bool) -> None:
        legs, name = self.engine.legs, self.engine.lead
        legs[name].history = restore_bars(lead.bars, instrument=name)
        legs[name].data_quality.quarantined = lead.data_quality.quarantined
        if is_from_beginning:
            return
        self.engine.progress.resume(lead.progress)
        # Skip the prices of legs that no pair has any more.
        for instrument in lead.last_prices.keys() & legs.keys():
            legs[instrument].last_price = lead.last_prices[instrument]
        legs[name].data_quality = lead.data_quality
        self._waiting[name] = lead.waiting

    def _go_on(self) -> None:
        self.engine.resume(frozen=self._until)
        for instrument in list(self._waiting):
            if not self.engine.is_frozen(instrument):
                self.engine.wait_for(self._waiting.pop(instrument))
