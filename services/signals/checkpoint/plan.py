"""From which offset a lead's log is read again, and which pairs are frozen: decided from checkpoints alone.

A checkpoint for an offset is written in this order: every pair that has changed since its last record, then
the lead. So a pair whose record is older than the lead's has not changed up to the lead's offset. A pair
whose record is newer was written by a worker that stopped before it wrote the lead's. Let ``L`` be the lead's
offset:

============================================ ===================== ===========================================
what there is                                read again from       pairs
============================================ ===================== ===========================================
no record of the lead                        the beginning         all begin anew
a record of the lead and of every pair       ``L + 1``             as of ``L``; a newer one is *frozen*: it is
                                                                   left alone until its own offset has passed
a pair without a record, or with one that    the beginning         that one begins anew, or is frozen until it
was left out of the configuration meanwhile                        was left out; the others until they are as
                                                                   new as their own record and the lead's
============================================ ===================== ===========================================

Until the highest offset of all these records has been passed, no checkpoint is written: one from the middle
of the re-reading would be taken for a complete one.

What was collected for the proof of the day is restored as of the checkpoints: the records' digests from the
lead's, the events' from the pairs', also from those that are no longer watched. A lead's checkpoint of an
older version has none; its first day then begins after the highest offset of all, where no pair is ahead.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from services.signals.checkpoint.codec import LeadCheckpoint, PairCheckpoint
from services.signals.core.engine.lead_state import LeadState
from services.signals.core.pairs.pair_state import PairState
from services.signals.core.proofs.lead_proofs import DayUnderWay
from shared.domain.pairs import Pair
from shared.domain.proof_digests import EventDigests

BEGINNING = -1
"""The offset before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """How a lead's engine is put together.

    Parameters
    ----------
    applied
        The offset as of which it is restored, `BEGINNING` for none.
    lead
        The state that its pairs share; None where it is not known.
    pairs
        The states of the pairs, in the order in which to fill an engine.
    frozen
        By pair, the offset of the last record that must not touch it again.
    written
        The highest offset that any of the records stands for.
    retired
        Checkpoints, still to be written, that mark pairs as no longer watched.
    day, events
        What was collected for the next proof, and the events' digests by pair; None where nothing was.
    counted
        The offset of the lead's checkpoint: no record up to it counts for a proof again.
    """

    applied: int
    lead: LeadState | None
    pairs: tuple[PairState, ...]
    frozen: dict[str, int]
    written: int
    retired: tuple[PairCheckpoint, ...]
    day: DayUnderWay | None
    events: dict[str, EventDigests]
    counted: int


def plan_restore(
    lead: str,
    pairs: Collection[Pair],
    *,
    known_lead: LeadCheckpoint | None,
    known_pairs: Mapping[str, PairCheckpoint],
) -> RestorePlan:
    """Decide how to put a lead's engine together.

    Parameters
    ----------
    pairs
        Every pair that is configured, of any lead.
    known_lead, known_pairs
        The newest checkpoint of each in the lead's partition; those of other leads are ignored.

    Examples
    --------
    >>> plan = plan_restore("XAU/USD.SIM", (), known_lead=None, known_pairs={})
    >>> plan.applied, plan.frozen
    (-1, {})
    """
    if known_lead is None:
        return RestorePlan(
            applied=BEGINNING,
            lead=None,
            pairs=(),
            frozen={},
            written=BEGINNING,
            retired=(),
            day=None,
            events={},
            counted=BEGINNING,
        )
    offset = known_lead.applied_offset
    names = {pair.name for pair in pairs}
    configured = {pair.name: pair for pair in pairs if pair.lead == lead}
    of_lead = [each for each in known_pairs.values() if each.pair.lead == lead]
    usable = [each for each in of_lead if _is_of(each, configured.get(each.pair.pair))]
    # The oldest last, so that it wins for a leg that two pairs have: reading on brings the older state up to
    # date, but cannot take the newer one back.
    usable.sort(key=lambda each: each.applied_offset, reverse=True)
    is_whole = len(usable) == len(configured) and not any(each.is_retired for each in usable)
    frozen = {
        each.pair.pair: each.applied_offset if each.is_retired else max(each.applied_offset, offset)
        for each in usable
    }
    if is_whole:
        frozen = {name: until for name, until in frozen.items() if until > offset}
    return RestorePlan(
        applied=offset if is_whole else BEGINNING,
        lead=known_lead.lead,
        pairs=tuple(each.pair for each in usable),
        frozen=frozen,
        written=max(offset, *(each.applied_offset for each in of_lead), BEGINNING),
        retired=tuple(
            replace(each, applied_offset=max(each.applied_offset, offset), is_retired=True)
            for each in of_lead
            if each.pair.pair not in names and not each.is_retired
        ),
        day=known_lead.day,
        # A pair whose other leg has changed begins anew, and so do its events.
        events={
            each.pair.pair: each.events
            for each in of_lead
            if each.pair.pair not in configured or _is_of(each, configured[each.pair.pair])
        },
        counted=offset,
    )


def _is_of(checkpoint: PairCheckpoint, pair: Pair | None) -> bool:
    # A pair whose other leg has changed since is treated as a new pair.
    return pair is not None and checkpoint.pair.other == pair.other
