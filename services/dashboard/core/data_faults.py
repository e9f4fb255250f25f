"""Why a leg's data cannot be trusted now, and since when."""

from dataclasses import dataclass

from shared.domain.snapshots import PairSnapshot
from shared.text.data_faults import describe_cause
from shared.text.instants import format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFaultText:
    """What is wrong with one leg's data.

    Parameters
    ----------
    causes
        In words, each a clause.
    details
        What the ingestor says of them, with the numbers.
    """

    title: str
    instrument: str
    causes: tuple[str, ...]
    since: str
    details: tuple[str, ...] = ()


def faults_of(snapshot: PairSnapshot) -> tuple[LegFaultText, ...]:
    """Return the faults of a pair's legs; empty when all data can be trusted."""
    titles = {leg.instrument: leg.title for leg in snapshot.legs}
    return tuple(
        LegFaultText(
            title=titles.get(fault.instrument, fault.instrument),
            instrument=fault.instrument,
            causes=tuple(describe_cause(cause).sentence for cause in fault.causes),
            since=format_instant(fault.since),
            details=fault.details,
        )
        for fault in snapshot.faults
    )
