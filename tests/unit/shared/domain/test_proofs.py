"""Proofs: every digest is what its definition says, computed here in another way."""

import hashlib
import json
from dataclasses import replace

import pytest

from shared.contracts.records import PROOFS
from shared.domain.instants import parse_rfc3339
from shared.domain.proof_digests import MOST_MARKS, EventDigests, InputDigest
from shared.domain.proofs import (
    MOST_EVENTS_IN_A_PART,
    NO_PROOF_BEFORE,
    STATE_SLOTS,
    DayProof,
    EventsOfDay,
    day_end_ns,
    day_of,
    event_digest,
    proof_key,
    prove_day,
    root_of,
    signed_text,
    state_digest,
    state_key,
)


def a_day(*events: EventsOfDay, day: str = "2014-05-01", previous: str = NO_PROOF_BEFORE) -> DayProof:
    inputs = InputDigest()
    inputs.take(3, b"first")
    inputs.take(9, b"second")
    return DayProof(
        lead="XAU/USD.SIM",
        day=day,
        part=1,
        parts=1,
        topic="ticks.v1",
        partition=2,
        inputs=inputs.applied(),
        events=events,
        configurations=("c",),
        code_version="1.0",
        state="s",
        previous=previous,
    )


class TestDay:
    @pytest.mark.parametrize(
        ("instant", "day"),
        [
            ("2014-01-02T04:59:59.999999Z", "2014-01-01"),
            ("2014-01-02T05:00:00Z", "2014-01-02"),
            ("2014-07-02T03:59:59Z", "2014-07-01"),
            ("2014-07-02T04:00:00Z", "2014-07-02"),
        ],
    )
    def test_is_the_date_in_new_york_in_winter_and_summer(self, instant: str, day: str) -> None:
        assert day_of(parse_rfc3339(instant)) == day

    @pytest.mark.parametrize("day", ["2014-03-09", "2014-11-02", "2014-12-31", "2016-02-29"])
    def test_ends_where_the_next_date_begins_also_when_the_clocks_change(self, day: str) -> None:
        end = day_end_ns(day)

        assert (day_of(end - 1), day_of(end) > day) == (day, True)


class TestInput:
    def test_digest_chains_offsets_and_values_from_zeros(self) -> None:
        expected = bytes(32)
        for offset, value in ((3, b"first"), (9, b"second")):
            expected = hashlib.sha256(
                expected + offset.to_bytes(8, "big") + hashlib.sha256(value).digest()
            ).digest()

        applied = a_day().inputs

        assert (applied.first_offset, applied.last_offset, applied.records) == (3, 9, 2)
        assert applied.digest == expected.hex()

    def test_record_that_is_read_again_changes_nothing(self) -> None:
        digest = InputDigest()
        assert digest.take(3, b"first")
        before = digest.applied()

        assert not digest.take(3, b"first")
        assert not digest.take(1, b"earlier")
        assert digest.applied() == before

    def test_next_day_begins_anew_and_still_knows_what_was_read(self) -> None:
        digest = InputDigest()
        for offset in range(300):
            digest.take(offset, b"value")
        digest.next_day()

        assert not digest.take(299, b"value")
        assert digest.take(300, b"value")
        assert digest.applied() == replace(_fresh(300), first_offset=300)

    @pytest.mark.parametrize("records", [0, 63, 64, 4_096, 4_160, 100_000])
    def test_marks_are_bounded_and_are_digests_of_the_records_so_far(self, records: int) -> None:
        digest, seen = InputDigest(), {}
        for offset in range(records):
            digest.take(offset, b"%d" % offset)
            seen[offset] = digest.digest

        assert len(digest.marks) <= MOST_MARKS
        assert all(seen[mark.offset].startswith(mark.digest) for mark in digest.marks)
        steps = {
            later.offset - mark.offset for mark, later in zip(digest.marks, digest.marks[1:], strict=False)
        }
        assert len(steps) <= 1
        # A difference is located to a thirtieth of a long day.
        assert records < 4_096 or max(steps) <= records / (MOST_MARKS / 2) + 64


def _fresh(offset: int):  # type: ignore[no-untyped-def]  # a value of the module under test
    digest = InputDigest()
    digest.take(offset, b"value")
    return digest.applied()


class TestEvents:
    def test_events_of_a_day_are_kept_in_order_and_repetitions_are_not(self) -> None:
        digests = EventDigests()
        for sequence in (4, 5, 4, 5, 6):
            digests.take(1, sequence, b"%d" % sequence)

        expected = tuple(hashlib.sha256(b"%d" % sequence).hexdigest() for sequence in (4, 5, 6))
        assert digests.of("gold-iwm", 1) == EventsOfDay(pair="gold-iwm", first_sequence=4, digests=expected)

    def test_only_the_newest_two_days_are_kept(self) -> None:
        digests = EventDigests()
        for sequence, number in enumerate((1, 3, 4), start=1):
            digests.take(number, sequence, b"{}")

        assert digests.of("p", 1) is None
        assert [each.number for each in digests.days] == [3, 4]
        found = digests.of("p", 4)
        assert found is not None
        assert (found.first_sequence, found.last_sequence) == (3, 3)

    def test_event_of_the_day_before_that_comes_again_is_ignored(self) -> None:
        digests = EventDigests()
        digests.take(1, 1, b"a")
        digests.take(2, 2, b"b")
        digests.take(1, 1, b"a")

        assert [(each.number, len(each.digests)) for each in digests.days] == [(1, 1), (2, 1)]


class TestProof:
    def test_root_is_the_digest_of_the_sorted_json_of_the_content(self) -> None:
        events = EventsOfDay(pair="gold-iwm", first_sequence=7, digests=(event_digest(b"{}"),))
        (proof,) = prove_day(a_day(events))
        published = json.loads(PROOFS.encode(proof))
        content = {
            name: value
            for name, value in published.items()
            if name not in ("schema", "v", "root", "key_id", "signature")
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

        assert proof.root == hashlib.sha256(text.encode()).hexdigest()
        assert PROOFS.decode(PROOFS.encode(proof)) == proof

    @pytest.mark.parametrize(
        "change",
        [
            {"day": "2014-05-02"},
            {"partition": 3},
            {"state": "t"},
            {"code_version": "1.1"},
            {"configurations": ("c", "d")},
            {"previous": "1" * 64},
            {"events": ()},
        ],
    )
    def test_root_changes_with_every_part_of_the_content(self, change: dict[str, object]) -> None:
        events = EventsOfDay(pair="gold-iwm", first_sequence=7, digests=(event_digest(b"{}"),))
        (proof,) = prove_day(a_day(events))

        assert root_of(replace(proof, **change)) != proof.root  # type: ignore[arg-type]  # any field

    def test_signature_and_its_key_are_outside_of_the_root(self) -> None:
        signed: list[bytes] = []

        def sign(text: bytes) -> str:
            signed.append(text)
            return "a signature"

        (plain,) = prove_day(a_day())
        (proof,) = prove_day(a_day(), key_id="k", sign=sign)

        assert (proof.root, proof.key_id, proof.signature) == (plain.root, "k", "a signature")
        assert (plain.key_id, plain.signature) == (None, None)
        assert signed == [signed_text(proof.root)] == [b"convex-proof:" + proof.root.encode()]

    def test_many_events_are_split_into_parts_that_chain_and_lose_nothing(self) -> None:
        counts = {"a": 1, "b": MOST_EVENTS_IN_A_PART, "c": 2 * MOST_EVENTS_IN_A_PART + 1, "d": 3}
        events = [
            EventsOfDay(pair=pair, first_sequence=5, digests=tuple(f"{pair}{at}" for at in range(count)))
            for pair, count in counts.items()
        ]

        parts = prove_day(a_day(*events, previous="f" * 64))

        assert [(part.part, part.parts) for part in parts] == [
            (at, len(parts)) for at in range(1, len(parts) + 1)
        ]
        assert all(sum(len(each.digests) for each in part.events) <= MOST_EVENTS_IN_A_PART for part in parts)
        assert parts[0].previous == "f" * 64
        assert [part.previous for part in parts[1:]] == [part.root for part in parts[:-1]]
        found: dict[str, list[str]] = {}
        for part in parts:
            for each in part.events:
                assert each.first_sequence == 5 + len(found.get(each.pair, []))
                found.setdefault(each.pair, []).extend(each.digests)
        assert {pair: len(digests) for pair, digests in found.items()} == counts


class TestKeys:
    def test_state_digest_depends_on_keys_and_values_not_on_their_order(self) -> None:
        one = state_digest({"a": b"1", "b": b"2"})

        assert one == state_digest({"b": b"2", "a": b"1"})
        assert one != state_digest({"a": b"2", "b": b"1"})
        assert one != state_digest({"a": b"1"})

    def test_states_of_a_week_have_keys_of_their_own(self) -> None:
        keys = [state_key("L", f"2014-05-{day:02}", "p") for day in range(1, 1 + 2 * STATE_SLOTS)]

        assert len(set(keys)) == STATE_SLOTS
        assert keys[:STATE_SLOTS] == keys[STATE_SLOTS:]

    def test_parts_have_keys_of_their_own(self) -> None:
        assert [proof_key("L", "2014-05-01", part) for part in (1, 2)] == ["L|2014-05-01", "L|2014-05-01|2"]
