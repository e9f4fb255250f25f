"""What is computed when it is first asked for is what its commit would have computed, whatever bars come."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.signals.core.engine import leg_pairs
from services.signals.core.legs import leg, quarantine
from services.signals.core.outcomes.ledger import Ledger
from services.signals.core.outcomes.outcome_book import OutcomeBook
from services.signals.core.pairs.pair_monitor import PairMonitor
from services.signals.core.pairs.pair_statistics import PairStatistics
from services.signals.core.pairs.snapshot import take_snapshot
from shared.contracts.records import DIVERGENCES, SIGNALS
from shared.contracts.ticks import TickRecord
from tests.property.test_bar_faults import Oddity, log_of, oddities
from tests.support.faulty_bars import Run

few = settings(max_examples=max(1, settings().max_examples // 4))
# With this many sessions the windows of the log's 118 are full; with fewer than 92 they all move.
LIMITS = (100, 70)


@contextmanager
def eagerly() -> Iterator[None]:
    """Let every pair compute everything at each change of its closes, and score every opening again."""
    recompute, resume = PairStatistics.recompute, PairStatistics.resume

    def recompute_all(self: PairStatistics, **how: object) -> object:
        aligned = recompute(self, **how)  # type: ignore[arg-type]  # passed on as they came
        self.materialise()
        return aligned

    def resume_all(self: PairStatistics, regime: object) -> None:
        resume(self, regime)  # type: ignore[arg-type]  # passed on as it came
        self.materialise()

    def forget_all(self: PairMonitor, _day: int, *, is_unscored: bool) -> None:
        del is_unscored
        self.statistics.resume(self.statistics.regime)
        self.transitions.outcomes.committed(self.legs.align)

    with pytest.MonkeyPatch.context() as patches:
        for owner, name, replacement in (
            (PairStatistics, "recompute", recompute_all),
            (PairStatistics, "resume", resume_all),
            (PairMonitor, "forget_oldest", forget_all),
            (OutcomeBook, "extended", OutcomeBook.committed),
        ):
            patches.setattr(owner, name, replacement)
        yield


def made(log: list[TickRecord], *, looked: frozenset[int], limit: int) -> list[bytes | Ledger]:
    """Return the events, the snapshots that were taken before some records, and what the ledger held then."""
    with pytest.MonkeyPatch.context() as patches:
        for module in (leg, leg_pairs, quarantine):
            patches.setattr(module, "HISTORY_SESSIONS", limit)
        run, seen = Run(), list[bytes | Ledger]()
        monitor = run.engine.monitors[0]
        for at, record in enumerate(log):
            if at in looked:
                seen.append(SIGNALS.encode(take_snapshot(monitor, run.engine.progress.watermark_ns)))
            run.take([record])
            seen.append(monitor.transitions.outcomes.ledger)
        return [*map(DIVERGENCES.encode, run.events), *seen, *run.bytes_made()]


@pytest.mark.parametrize("limit", LIMITS)
@few
@given(odd=oddities, looked=st.frozensets(st.integers(0, 80), max_size=4))
def test_what_is_computed_on_demand_is_what_its_commit_would_have_computed(
    limit: int, odd: list[Oddity], looked: frozenset[int]
) -> None:
    log = log_of(odd)
    with eagerly():
        expected = made(log, looked=looked, limit=limit)

    assert made(log, looked=looked, limit=limit) == expected
