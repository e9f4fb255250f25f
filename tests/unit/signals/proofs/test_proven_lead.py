"""Whoever has the copies that a day left and the records after them computes the next proof."""

import json
from itertools import pairwise

import pytest

from services.signals.checkpoint.codec import decode_lead, decode_pair, key_of_lead
from services.signals.core.engine.restore import RestoredEngine
from services.signals.proofs.proven_lead import ProvenLead, begun, restore_copies
from shared.contracts.ticks import decode_tick_record, encode_tick_record
from shared.domain.proofs import NO_PROOF_BEFORE, DayProof, root_of, state_digest
from tests.support.builders_market import LEAD, ny, pair, status
from tests.support.pair_story import Story, make_engine

SPY = pair("gold-spy", other="SPY.TEST")


def new_lead() -> ProvenLead:
    engine = make_engine(pair(), SPY)
    restored = RestoredEngine(engine, None, (), frozen={}, is_from_beginning=True)
    return ProvenLead(restored, begun(engine, applied=-1))


def values() -> list[bytes]:
    story = Story()
    for session, z in (("2019-06-03", 2.5), ("2019-06-04", 0.5), ("2019-06-05", 3.5), ("2019-06-06", 0.1)):
        story.commit(session, z)
    return [encode_tick_record(each) for each in (*story.log, status(ny("2019-06-10 09:00")))]


def apply_all(lead: ProvenLead, first: int, log: list[bytes]) -> list[tuple[dict[str, bytes], DayProof]]:
    """Apply the records from an offset on; return what each day's end left, and its proof."""
    days = []
    for offset in range(first, len(log)):
        lead.apply(offset, log[offset], decode_tick_record(log[offset]))
        if lead.proofs.is_over:
            copies = dict(lead.copies(offset))
            (proof,) = lead.end_day(state_digest(copies), topic="ticks.v1", partition=0)
            days.append((copies, proof))
    return days


def test_a_day_is_computed_again_from_the_copies_that_the_day_before_left() -> None:
    log = values()
    days = apply_all(new_lead(), 0, log)
    assert len(days) == 4
    assert sum(len(events.digests) for _, proof in days for events in proof.events) == 4

    for (copies, before), (_, expected) in pairwise(days):
        first = before.inputs.last_offset + 1
        lead = restore_copies(make_engine(pair(), SPY), copies, applied=first - 1, previous=before.root)
        again = apply_all(lead, first, log[: expected.inputs.last_offset + 1])
        assert [proof for _, proof in again] == [expected]


def test_the_roots_chain_and_are_right() -> None:
    proofs = [proof for _, proof in apply_all(new_lead(), 0, values())]

    assert [each.previous for each in proofs] == [NO_PROOF_BEFORE, *(each.root for each in proofs[:-1])]
    assert all(each.root == root_of(each) for each in proofs)


def test_copies_are_as_of_the_last_record_also_of_pairs_that_it_did_not_change() -> None:
    lead = new_lead()
    copies, proof = apply_all(lead, 0, values())[1]

    assert list(copies) == sorted([key_of_lead(LEAD), "gold-iwm", "gold-spy"])
    assert {json.loads(value)["applied_offset"] for value in copies.values()} == {proof.inputs.last_offset}
    assert decode_lead(copies[key_of_lead(LEAD)]).day is None
    assert decode_pair(copies["gold-iwm"]).events.days == [], "a restart must not change a copy"


def test_a_pair_without_a_copy_begins_anew() -> None:
    copies, proof = apply_all(new_lead(), 0, values())[0]
    del copies["gold-iwm"]

    lead = restore_copies(
        make_engine(pair(), SPY), copies, applied=proof.inputs.last_offset, previous=proof.root
    )
    assert [len(monitor.legs.other.history) for monitor in lead.engine.monitors] == [0, 0]
    with pytest.raises(KeyError):
        restore_copies(make_engine(pair()), {}, applied=3)
