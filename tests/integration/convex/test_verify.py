"""``convex verify`` on what a real worker published: proven as it is, from Kafka and from exported files."""

import asyncio
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from prometheus_client import CollectorRegistry

from services.signals.false_alarms.loading import load_false_alarms
from services.signals.metrics import SignalsMetrics
from services.signals.proofs.proof_key import load_proof_key
from services.signals.rules_file import load_rules_of_pairs
from services.signals.worker import Worker
from shared.calendars import xnys_calendar
from shared.clock import SystemClock
from shared.contracts.ticks import encode_tick_record
from shared.domain.pairs import Pair
from shared.kafka import topics
from shared.kafka.publisher import Publisher
from shared.pairs.loading import load_pairs
from tests.integration.convex.conftest import Broker, Convex
from tests.support.log_records import log_records
from tests.support.proven_log import made_records

_WARM, _SESSIONS = 100, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a worker has published."""

    broker: Broker
    pair: Pair
    public_key: Path

    def events(self) -> list[bytes]:
        return [record.value for record in self.broker.records(topics.DIVERGENCES.name)]


@pytest.fixture
def published(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Run a worker over a log, with a restart from its checkpoints in the middle."""
    monkeypatch.setenv("CONVEX_PAIRS", "simulated")
    rules = tmp_path / "rules.toml"
    rules.write_text("[ratio_stretch]\nwarning = 1.0\ncritical = 1.6\nleave = 0.4\ncooldown_sessions = 0\n")
    monkeypatch.setenv("CONVEX_SIGNALS_RULES_FILE", str(rules))
    lead = load_pairs("simulated")[0].lead
    pairs = tuple(pair for pair in load_pairs("simulated") if pair.lead == lead)
    private = Ed25519PrivateKey.generate()
    secret, public = tmp_path / "private.pem", tmp_path / "public.pem"
    secret.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    secret.chmod(0o600)
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    calendar = xnys_calendar()
    begin = calendar.labels.index("2019-01-02")
    records = made_records(
        calendar.labels[begin : begin + _WARM + _SESSIONS],
        warm=_WARM,
        lead=lead,
        others=tuple(pair.other for pair in pairs),
    )
    for topic in (topics.TICKS, topics.STATE, topics.DIVERGENCES, topics.PROOFS, topics.SIGNALS, topics.BARS):
        broker.make_topic(topic.name)

    async def work() -> None:
        async with Publisher(broker.settings, client_id="test") as publisher:
            partition = await publisher.partition_for(topics.TICKS.name, lead)
            for record in records:
                await publisher.publish(
                    topics.TICKS.name,
                    key=lead,
                    value=encode_tick_record(record),
                    partition=partition,
                )
            log = log_records([encode_tick_record(record) for record in records])
            for half in (log[: len(log) // 2], log[len(log) // 2 :]):
                worker = Worker(
                    kafka=broker.settings,
                    publisher=publisher,
                    pairs=pairs,
                    rules=load_rules_of_pairs(rules, [pair.name for pair in pairs]),
                    false_alarms=load_false_alarms(None),
                    calendar=calendar,
                    metrics=SignalsMetrics(CollectorRegistry(), pairs=[pair.name for pair in pairs]),
                    clock=SystemClock(),
                    checkpoint_every_records=50,
                    proof_key=load_proof_key(secret),
                )
                await worker.restore(frozenset({partition}))
                await worker.process(partition, half)
                await worker.flush()

    asyncio.run(work())
    return Published(broker=broker, pair=pairs[0], public_key=public)


def test_everything_that_a_worker_published_is_proven(published: Published, convex: Convex) -> None:
    ran = convex("verify", "--public-key", str(published.public_key))

    assert (ran.code, ran.err) == (0, ""), ran.out
    lines = ran.out.splitlines()
    assert len(lines) == _SESSIONS + 1
    assert all(line.endswith("signed: proven") for line in lines[:-1])
    assert f"exactly these {len(published.events())} events follow" in lines[-1]


def test_event_that_was_added_to_the_topic_is_named(published: Published, convex: Convex) -> None:
    event = json.loads(published.events()[0])
    event["sequence"] = 77
    published.broker.put(topics.DIVERGENCES.name, json.dumps(event).encode(), key=b"gold-iwm")

    ran = convex("verify", "--json")

    days = [json.loads(line) for line in ran.out.splitlines()]
    found = [finding for day in days for finding in day["findings"]]
    assert ran.code == 1
    assert [finding["problem"] for finding in found] == ["event_added"]
    assert found[0]["where"].startswith("divergences.v1/")


def test_days_after_the_last_proof_are_not_proven(published: Published, convex: Convex) -> None:
    ran = convex("verify", "--to", "2030-01-01")

    assert ran.code == 1
    assert "not_proven_yet: the proofs end with" in ran.out


class TestExport:
    def test_folder_is_verified_without_kafka(
        self, published: Published, convex: Convex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "copy"
        assert convex("verify", "--export", str(folder)).code == 0
        monkeypatch.setenv("CONVEX_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

        ran = convex("verify", "--files", str(folder), "--public-key", str(published.public_key))

        assert ran.code == 0, ran.out + ran.err
        assert f"{_SESSIONS} days proven" in ran.out

    def test_days_that_were_asked_for_are_proven_from_the_state_before_them(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        everything = [json.loads(line)["day"] for line in convex("verify", "--json").out.splitlines()]
        folder = tmp_path / "copy"
        since, until = everything[-4], everything[-2]
        assert convex("verify", "--export", str(folder), "--from", since, "--to", until).code == 0

        ran = convex("verify", "--files", str(folder), "--from", since, "--json")

        days = [json.loads(line) for line in ran.out.splitlines()]
        assert ran.code == 0, ran.out
        assert [day["day"] for day in days] == everything[-4:-1]
        assert all(day["is_replayed"] for day in days)

    def test_existing_copy_is_not_written_over(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        folder = tmp_path / "copy"
        assert convex("verify", "--export", str(folder)).code == 0
        before = {path.name: path.read_bytes() for path in folder.iterdir()}

        ran = convex("verify", "--export", str(folder))

        assert ran.code == 2
        assert "has proofs.jsonl.gz already; name a new folder" in ran.err
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda folder: (folder / "ticks.jsonl.gz").unlink(), "has no ticks.jsonl.gz"),
            (lambda folder: (folder / "proofs.jsonl.gz").write_bytes(b"text"), "cannot be read"),
            (
                lambda folder: (folder / "ticks.jsonl.gz").write_bytes(gzip.compress(b'{"offset":1}\n')),
                "ticks.jsonl.gz: line 1: is no exported record",
            ),
            (
                lambda folder: (folder / "divergences.jsonl.gz").write_bytes(gzip.compress(b"[1]\n")),
                "divergences.jsonl.gz: line 1: is no exported record",
            ),
        ],
    )
    def test_folder_that_cannot_be_used_is_one_clear_line(
        self, published: Published, convex: Convex, tmp_path: Path, spoil: object, message: str
    ) -> None:
        folder = tmp_path / "copy"
        assert convex("verify", "--export", str(folder)).code == 0
        spoil(folder)  # type: ignore[operator]  # one of the functions above

        ran = convex("verify", "--files", str(folder))

        assert ran.code == 2
        assert message in ran.err
        assert ran.err.count("\n") == 1


class TestReceiver:
    def test_copy_that_is_whole_is_confirmed_by_the_proofs_alone(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        own = tmp_path / "own.jsonl"
        own.write_bytes(b"\n".join(published.events()))

        ran = convex("verify", "--received", str(own), "--public-key", str(published.public_key))

        count = len(published.events())
        assert ran.code == 0, ran.out
        assert f"gold-iwm: {count} of {count} proven events received" in ran.out

    def test_event_that_never_came_and_one_that_was_altered_are_named(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        own = tmp_path / "own.jsonl"
        events = published.events()
        altered = events[1].replace(b'"severity":"', b'"severity": "')
        own.write_bytes(b"\n".join([altered, *events[2:]]))

        ran = convex("verify", "--received", str(own))

        assert ran.code == 1
        assert "event_left_out: event 1 of gold-iwm" in ran.out
        assert "event_altered: event 2 of gold-iwm" in ran.out

    def test_event_of_a_day_without_a_proof_is_not_confirmed(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        own = tmp_path / "own.jsonl"
        later = json.loads(published.events()[-1])
        later |= {"sequence": later["sequence"] + 1, "occurred_at": "2030-01-02T10:00:00.000000Z"}
        own.write_bytes(b"\n".join([*published.events(), json.dumps(later).encode()]))

        ran = convex("verify", "--received", str(own))

        assert ran.code == 1
        assert "not_proven_yet" in ran.out
        assert "lies outside the days with a proof here" in ran.out

    def test_copies_that_were_altered_count_once_as_not_received(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        own = tmp_path / "own.jsonl"
        events = published.events()
        altered = [
            events[0].replace(b'"severity":"', b'"severity":' + b" " * spaces + b'"') for spaces in (1, 2, 3)
        ]
        own.write_bytes(b"\n".join([*altered, *events[1:]]))

        ran = convex("verify", "--received", str(own))

        assert f"{len(events) - 1} of {len(events)} proven events received" in ran.out

    def test_pair_that_no_proof_has_is_not_confirmed(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        own = tmp_path / "own.jsonl"
        own.write_bytes(b"")

        ran = convex("verify", "--received", str(own), "--pair", "gold-iwn")

        assert (ran.code, "no proof has an event of gold-iwn" in ran.out) == (1, True)

    def test_receiver_of_nothing_names_its_pair(
        self, published: Published, convex: Convex, tmp_path: Path
    ) -> None:
        own = tmp_path / "own.jsonl"
        own.write_bytes(b"")

        refused = convex("verify", "--received", str(own))
        ran = convex("verify", "--received", str(own), "--pair", "gold-iwm")

        assert (refused.code, "name the pairs you subscribe to with --pair" in refused.err) == (2, True)
        assert ran.code == 1
        assert f"0 of {len(published.events())} proven events received" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--files", "a", "--export", "b"), "--files and --export do not go together"),
        (("--export", "a", "--received", "b"), "--export and --received do not go together"),
        (("--from", "2019-06-02", "--to", "2019-06-01"), "--from 2019-06-02 is after --to 2019-06-01"),
        (("--pair", "gold-iwm"), "--pair goes with --received"),
        (("--files", "nowhere"), "nowhere: has no proofs.jsonl.gz"),
        (("--public-key", "nowhere.pem"), "nowhere.pem: cannot be read"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    convex: Convex, arguments: tuple[str, ...], message: str
) -> None:
    ran = convex("verify", *arguments)

    assert ran.code == 2
    assert message in ran.err


def test_topic_without_a_proof_says_when_there_will_be_one(broker: Broker, convex: Convex) -> None:
    broker.make_topic(topics.PROOFS.name)

    ran = convex("verify")

    assert ran.code == 2
    assert "has no proof of a day; signals publishes one when a day has ended" in ran.err
