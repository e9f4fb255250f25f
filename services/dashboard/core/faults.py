"""Why a leg's data cannot be trusted now, and since when."""

from dataclasses import dataclass

from services.dashboard.core.formatting import format_instant
from services.dashboard.core.words import describe_cause
from shared.domain.snapshots import PairSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one leg's data.

    Parameters
    ----------
    causes
        In words, each a clause.
    """

    title: str
    instrument: str
    causes: tuple[str, ...]
    since: str


def faults_of(snapshot: PairSnapshot) -> tuple[Fault, ...]:
    """Return the faults of a pair's legs; empty when all data can be trusted."""
    titles = {leg.instrument: leg.title for leg in snapshot.legs}
    return tuple(
        Fault(
            title=titles.get(fault.instrument, fault.instrument),
            instrument=fault.instrument,
            causes=tuple(describe_cause(cause) for cause in fault.causes),
            since=format_instant(fault.since),
        )
        for fault in snapshot.faults
    )
