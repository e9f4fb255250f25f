"""Verification: what follows from the log is proven; whatever is tampered with is named."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from convex.verify.exported_files import copy_of_files
from convex.verify.findings import Problem, VerifiedDay
from convex.verify.lead_replay import Settings
from convex.verify.signatures import read_public_key
from convex.verify.verification import LeadVerification
from convex.verify.verified_range import end_of, not_proven_yet, ranges_of
from shared.contracts.records import PROOFS
from shared.domain.bars import BarBatch, BarsMode
from shared.domain.instants import parse_rfc3339
from shared.domain.proofs import NO_PROOF_BEFORE, day_end_ns, day_of, root_of, signed_text
from tests.support.builders_market import LEAD, calendar
from tests.support.proven_log import ProvenLog, Row, log_of, made_log, made_records, settings_of_log


@pytest.fixture(scope="module")
def log() -> ProvenLog:
    return made_log(30)


async def verified(
    log: ProvenLog,
    folder: Path,
    *,
    since: str | None = None,
    until: str | None = None,
    settings: Settings | None = None,
    has_key: bool = False,
) -> list[VerifiedDay]:
    copy = copy_of_files(log.write(folder))
    pem = folder / "public.pem"
    pem.write_bytes(log.public_key)
    days: list[VerifiedDay] = []
    for each in ranges_of(copy, since=since, until=until):
        days += await LeadVerification(
            copy=copy,
            days=each,
            settings=settings or settings_of_log(),
            keys=[read_public_key(pem)] if has_key else [],
            takes_strangers=not days,
        ).run()
    return days


def problems(days: list[VerifiedDay]) -> list[tuple[str, Problem]]:
    return [(day.day, finding.problem) for day in days for finding in day.findings]


def text_of(days: list[VerifiedDay]) -> str:
    return " ".join(finding.text for day in days for finding in day.findings)


def proof_rows(log: ProvenLog) -> list[Row]:
    return [row for row in log.proofs if "|state|" not in row.key]


def day_with_events(log: ProvenLog, count: int = 1) -> str:
    """Return a day in the middle that has events of one pair, so many at least."""
    for row in proof_rows(log)[3:-3]:
        proof = json.loads(row.value)
        if any(len(each["digests"]) >= count for each in proof["events"]):
            return str(proof["day"])
    pytest.fail("the log has no such day")


def events_on(log: ProvenLog, day: str) -> list[Row]:
    (proof,) = [json.loads(row.value) for row in proof_rows(log) if row.key == f"{LEAD}|{day}"]
    spans = {each["pair"]: (each["first_sequence"], len(each["digests"])) for each in proof["events"]}
    return [
        row
        for row in log.events
        if row.key in spans and spans[row.key][0] <= json.loads(row.value)["sequence"] < sum(spans[row.key])
    ]


class TestUntouched:
    async def test_every_day_is_proven_with_its_signature(self, log: ProvenLog, tmp_path: Path) -> None:
        days = await verified(log, tmp_path, has_key=True)

        assert len(days) == len(proof_rows(log)) == 30
        assert sum(day.events for day in days) == len(log.events) > 10
        assert problems(days) == []
        assert all(day.is_replayed and day.is_signed for day in days)

    async def test_days_begin_from_the_state_that_is_kept(self, log: ProvenLog, tmp_path: Path) -> None:
        since = sorted(json.loads(row.value)["day"] for row in proof_rows(log))[-5]
        days = await verified(log, tmp_path, since=since)

        assert (len(days), problems(days), all(day.is_replayed for day in days)) == (5, [], True)

    async def test_records_before_the_range_are_not_needed(self, log: ProvenLog, tmp_path: Path) -> None:
        since = sorted(json.loads(row.value)["day"] for row in proof_rows(log))[-3]
        (first,) = [json.loads(row.value) for row in proof_rows(log) if row.key == f"{LEAD}|{since}"]
        short = log.copy()
        short.ticks = [row for row in short.ticks if row.offset >= first["inputs"]["first_offset"]]

        assert problems(await verified(short, tmp_path, since=since)) == []

    async def test_day_whose_state_is_gone_is_compared_and_says_so(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        day = sorted(json.loads(row.value)["day"] for row in proof_rows(log))[5]
        days = await verified(log, tmp_path, since=day, until=day)

        assert problems(days) == [(day, Problem.NOT_REPLAYED)]
        assert not days[0].is_replayed

    async def test_event_that_is_published_twice_is_no_fault(self, log: ProvenLog, tmp_path: Path) -> None:
        again = log.copy()
        again.events.append(replace(again.events[0], offset=len(again.events)))

        assert problems(await verified(again, tmp_path)) == []


def _without_event(log: ProvenLog, day: str) -> None:
    log.events.remove(events_on(log, day)[0])


def _altered_event(log: ProvenLog, day: str) -> None:
    row = events_on(log, day)[0]
    event = json.loads(row.value)
    event["severity"] = "critical" if event["severity"] != "critical" else "warning"
    row.value = json.dumps(event, separators=(",", ":"))


def _added_event(log: ProvenLog, day: str) -> None:
    row = events_on(log, day)[0]
    event = json.loads(row.value)
    event["sequence"] = 900
    log.events.append(replace(row, offset=len(log.events), value=json.dumps(event, separators=(",", ":"))))


def _replaced_by_another(log: ProvenLog, day: str) -> None:
    """Another event under the same sequence, beside the right one."""
    row = events_on(log, day)[0]
    event = json.loads(row.value)
    event["event_id"] = "0" * 32
    log.events.append(replace(row, offset=len(log.events), value=json.dumps(event, separators=(",", ":"))))


@pytest.mark.parametrize(
    ("tamper", "problem", "words"),
    [
        (_without_event, Problem.EVENT_LEFT_OUT, "was left out"),
        (_altered_event, Problem.EVENT_ALTERED, "altered: severity"),
        (_added_event, Problem.EVENT_ADDED, "event 900 of"),
        (_replaced_by_another, Problem.EVENT_ALTERED, "altered: event_id"),
    ],
)
async def test_event_that_is_tampered_with_is_named(
    log: ProvenLog,
    tmp_path: Path,
    tamper: Callable[[ProvenLog, str], None],
    problem: Problem,
    words: str,
) -> None:
    copy, day = log.copy(), day_with_events(log)
    tamper(copy, day)

    days = await verified(copy, tmp_path)

    assert problems(days) == [(day, problem)]
    assert words in text_of(days)


async def test_events_in_another_order_are_named(log: ProvenLog, tmp_path: Path) -> None:
    copy, day = log.copy(), day_with_events(log, 2)
    pairs = [row.key for row in events_on(copy, day)]
    first, second = [row for row in events_on(copy, day) if pairs.count(row.key) > 1][:2]
    first.offset, second.offset = second.offset, first.offset
    copy.events.sort(key=lambda row: row.offset)

    days = await verified(copy, tmp_path)

    assert problems(days) == [(day, Problem.EVENTS_REORDERED)]


class TestInput:
    async def test_record_that_is_missing_is_named(self, log: ProvenLog, tmp_path: Path) -> None:
        copy = log.copy()
        gone = next(row for row in copy.ticks[200:] if LEAD in row.value)
        copy.ticks.remove(gone)

        days = await verified(copy, tmp_path)

        day, problem = problems(days)[0]
        assert problem is Problem.INPUT_MISSING
        assert f"record {gone.offset} is missing" in text_of(days)
        assert _day_of_offset(log, gone.offset) == day

    async def test_price_that_is_altered_is_named_and_located(self, log: ProvenLog, tmp_path: Path) -> None:
        copy = log.copy()
        row = next(row for row in copy.ticks[150:] if '"bars"' in row.value and "LIVE" not in row.value)
        record = json.loads(row.value)
        record["bars"][0]["close"] += 0.01
        row.value = json.dumps(record, separators=(",", ":"))

        days = await verified(copy, tmp_path)

        day, problem = problems(days)[0]
        assert (day, problem) == (_day_of_offset(log, row.offset), Problem.INPUT_ALTERED)
        low, high = (int(each) for each in _offsets_in(text_of(days)))
        assert low <= row.offset <= high

    async def test_record_that_is_added_is_named(self, log: ProvenLog, tmp_path: Path) -> None:
        copy = log.copy()
        at = next(at for at, row in enumerate(copy.ticks) if at > 300 and LEAD in row.value)
        copy.ticks[at - 1].value = copy.ticks[at].value

        days = await verified(copy, tmp_path)

        assert problems(days)[0] == (_day_of_offset(log, copy.ticks[at - 1].offset), Problem.INPUT_ALTERED)

    async def test_records_in_another_order_are_named(self, log: ProvenLog, tmp_path: Path) -> None:
        copy = log.copy()
        first, second = [row for row in copy.ticks[300:] if LEAD in row.value][:2]
        first.value, second.value = second.value, first.value

        days = await verified(copy, tmp_path)

        assert problems(days)[0][1] is Problem.INPUT_ALTERED


def _day_of_offset(log: ProvenLog, offset: int) -> str:
    for row in proof_rows(log):
        proof = json.loads(row.value)
        if proof["inputs"]["first_offset"] - 2 <= offset <= proof["inputs"]["last_offset"]:
            return str(proof["day"])
    pytest.fail("no day has this offset")


def _offsets_in(text: str) -> tuple[str, str]:
    after = text.split("between the offsets ")[1].split()
    return after[0], after[2]


class TestProofs:
    async def test_proof_that_is_left_out_breaks_the_chain(self, log: ProvenLog, tmp_path: Path) -> None:
        copy = log.copy()
        gone = proof_rows(copy)[10]
        copy.proofs.remove(gone)
        following = json.loads(proof_rows(log)[11].value)["day"]

        days = await verified(copy, tmp_path)

        assert (following, Problem.PROOF_MISSING) in problems(days)

    async def test_proof_whose_content_was_altered_no_longer_has_its_root(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy, day = log.copy(), day_with_events(log)
        row = next(row for row in proof_rows(copy) if row.key == f"{LEAD}|{day}")
        proof = json.loads(row.value)
        proof["events"] = []
        row.value = json.dumps(proof, separators=(",", ":"))

        days = await verified(copy, tmp_path)

        assert (day, Problem.PROOF_ALTERED) in problems(days)

    async def test_chain_that_is_made_anew_has_no_signature_of_the_published_key(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy, day = log.copy(), day_with_events(log)
        previous: str | None = None
        for row in sorted(proof_rows(copy), key=lambda each: each.key):
            proof = PROOFS.decode(row.value.encode())
            if proof.day == day:
                proof = replace(proof, events=())
            if previous is not None:
                proof = replace(proof, previous=previous)
            proof = replace(proof, root=root_of(proof))
            previous = proof.root
            row.value = PROOFS.encode(proof).decode()
        copy.events = [row for row in copy.events if row not in events_on(log, day)]

        days = await verified(copy, tmp_path, has_key=True)

        wrong = {at for at, problem in problems(days) if problem is Problem.SIGNATURE_WRONG}
        assert wrong == {each.day for each in days if each.day >= day}
        # And what was left out follows from the log.
        assert (day, Problem.EVENT_LEFT_OUT) in problems(days)

    async def test_proof_without_a_signature_is_named_where_a_key_is_given(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        row = proof_rows(copy)[4]
        row.value = PROOFS.encode(replace(PROOFS.decode(row.value.encode()), signature=None)).decode()

        days = await verified(copy, tmp_path, has_key=True)

        assert [problem for _, problem in problems(days)] == [Problem.SIGNATURE_MISSING]

    async def test_state_that_was_altered_is_named_before_it_is_used(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        since = sorted(json.loads(row.value)["day"] for row in proof_rows(log))[-5]
        for row in copy.proofs:
            if "|state|" in row.key and row.key.endswith("|gold-iwm"):
                row.value = row.value.replace('"sequence":', '"sequence":1', 1)

        days = await verified(copy, tmp_path, since=since)

        assert problems(days)[0][1] is Problem.STATE_ALTERED

    async def test_other_settings_are_named_and_nothing_is_computed_with_them(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        settings = settings_of_log()
        fewer = replace(settings, config=replace(settings.config, rules=settings.config.rules[:1]))

        days = await verified(log, tmp_path, settings=fewer)

        assert {problem for _, problem in problems(days)} == {Problem.CONFIGURATION_DIFFERS}
        assert not any(day.is_replayed for day in days)


class TestForgedCopies:
    async def test_record_under_an_offset_that_has_passed_is_named_and_never_applied(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        at = next(at for at, row in enumerate(copy.ticks) if at > 200 and '"quotes"' in row.value)
        secret = json.loads(copy.ticks[at].value)
        secret["bid"] = [price * 2 for price in secret["bid"]]
        secret["ask"] = [price * 2 for price in secret["ask"]]
        value = json.dumps(secret, separators=(",", ":"))
        copy.ticks.insert(at + 1, replace(copy.ticks[at], value=value))

        days = await verified(copy, tmp_path)

        assert problems(days) == [(_day_of_offset(log, copy.ticks[at].offset), Problem.INPUT_ALTERED)]
        assert f"record {copy.ticks[at].offset} of ticks.v1/3 comes twice" in text_of(days)

    async def test_proof_that_is_left_out_at_the_end_of_the_range_is_missed_by_the_next(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        rows = sorted(proof_rows(copy), key=lambda row: row.key)
        until = json.loads(rows[-4].value)["day"]
        copy.proofs.remove(rows[-4])

        days = await verified(copy, tmp_path, until=until)

        assert (days[-1].day, Problem.PROOF_MISSING) in problems(days)

    async def test_proofs_that_end_before_the_days_asked_for_prove_nothing_after_them(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        rows = sorted(proof_rows(copy), key=lambda row: row.key)
        asked = json.loads(rows[-1].value)["day"]
        for row in rows[-5:]:
            copy.proofs.remove(row)
        ranges = ranges_of(copy_of_files(copy.write(tmp_path)), since=None, until=asked)

        (missing,) = not_proven_yet(ranges, leads={LEAD}, until=asked)

        last = json.loads(rows[-6].value)["day"]
        assert missing.findings[0].text == f"the proofs end with {last}: nothing after it is proven"
        assert end_of(ranges) == last

    async def test_lead_that_is_watched_and_has_no_proof_is_named(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        ranges = ranges_of(copy_of_files(log.write(tmp_path)), since=None, until=None)

        (missing,) = not_proven_yet(ranges, leads={LEAD, "XAG/USD.TEST"}, until=None)

        assert (missing.lead, missing.findings[0].problem) == ("XAG/USD.TEST", Problem.NOT_PROVEN_YET)

    async def test_event_of_a_pair_that_nobody_watches_is_named_whatever_legs_it_states(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy, day = log.copy(), day_with_events(log)
        event = json.loads(events_on(copy, day)[0].value)
        event |= {"pair": "tin-copper", "legs": [], "sequence": 1}
        copy.events.append(Row(partition=0, offset=900, key="tin-copper", value=json.dumps(event)))

        days = await verified(copy, tmp_path)

        assert problems(days) == [(day, Problem.EVENT_ADDED)]

    async def test_event_under_the_sequence_of_another_day_is_not_hidden_by_that_days_proof(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        first = json.loads(copy.events[0].value)
        since = sorted(json.loads(row.value)["day"] for row in proof_rows(log))[-5]
        forged = first | {"occurred_at": f"{since}T18:00:00.000000Z"}
        copy.events.append(replace(copy.events[0], offset=900, value=json.dumps(forged)))

        days = await verified(copy, tmp_path, since=since)

        assert [problem for _, problem in problems(days)] == [Problem.EVENT_ALTERED]
        assert "proof of another day" in text_of(days)

    async def test_second_and_different_proof_of_a_day_is_seen(self, log: ProvenLog, tmp_path: Path) -> None:
        copy = log.copy()
        row = proof_rows(copy)[3]
        other = replace(PROOFS.decode(row.value.encode()), state="0" * 64)
        other = replace(other, root=root_of(other))
        copy.proofs.append(replace(row, offset=9_999, value=PROOFS.encode(other).decode()))
        copy.proofs.append(replace(row, offset=10_000))

        ((_, why),) = copy_of_files(copy.write(tmp_path)).unreadable

        assert "is a second, different proof" in why


class TestHonestCopies:
    async def test_event_of_the_record_that_ends_a_day_belongs_to_that_days_proof(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        """It may say that it occurred on the next day: the bar of IWM is known at midnight here."""
        labels = calendar().labels[:130]
        records = [
            replace(
                record, bars=tuple(replace(bar, known_at_ns=day_end_ns(bar.session)) for bar in record.bars)
            )
            if isinstance(record, BarBatch) and record.mode is BarsMode.LIVE
            else record
            for record in made_records(labels, warm=100)
        ]
        late = log_of(records)
        day = day_with_events(late)
        stated = [parse_rfc3339(json.loads(row.value)["occurred_at"]) for row in events_on(late, day)]
        following = max(map(day_of, stated))
        assert following > day

        assert problems(await verified(late, tmp_path / "whole")) == []
        days = await verified(late, tmp_path / "part", since=following, until=following)
        assert [problem for _, problem in problems(days) if problem is not Problem.NOT_REPLAYED] == []

    async def test_days_on_both_sides_of_a_change_of_the_key_are_checked_with_both(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        other = Ed25519PrivateKey.generate()
        pem = tmp_path / "other.pem"
        pem.write_bytes(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        copy = log.copy()
        for row in sorted(proof_rows(copy), key=lambda each: each.key)[-3:]:
            proof = PROOFS.decode(row.value.encode())
            signature = base64.b64encode(other.sign(signed_text(proof.root))).decode()
            key_id = read_public_key(pem).key_id
            row.value = PROOFS.encode(replace(proof, key_id=key_id, signature=signature)).decode()
        first = tmp_path / "first.pem"
        first.write_bytes(log.public_key)
        known = copy_of_files(copy.write(tmp_path))
        (days,) = ranges_of(known, since=None, until=None)

        both = [read_public_key(first), read_public_key(pem)]
        verification = LeadVerification(copy=known, days=days, settings=settings_of_log(), keys=both)
        one = LeadVerification(copy=known, days=days, settings=settings_of_log(), keys=both[:1])

        assert problems(await verification.run()) == []
        assert [problem for _, problem in problems(await one.run())] == [Problem.SIGNATURE_WRONG] * 3

    async def test_first_day_after_an_upgrade_is_compared_and_says_why_it_is_not_computed(
        self, log: ProvenLog, tmp_path: Path
    ) -> None:
        copy = log.copy()
        rows = sorted(proof_rows(copy), key=lambda each: each.key)
        first = PROOFS.decode(rows[-3].value.encode())
        day = json.loads(rows[-3].value)["day"]
        previous = NO_PROOF_BEFORE
        for row in rows[:-3]:
            copy.proofs.remove(row)
        for row in rows[-3:]:
            proof = replace(
                PROOFS.decode(row.value.encode()),
                previous=previous,
                has_earlier_state=previous == NO_PROOF_BEFORE,
            )
            proof = replace(proof, root=root_of(proof))
            previous = proof.root
            row.value = PROOFS.encode(proof).decode()

        days = await verified(copy, tmp_path)

        assert (first.day, Problem.NOT_REPLAYED) == problems(days)[0]
        assert "after an upgrade" in text_of(days)
        assert {at for at, _ in problems(days)} == {day}
