"""``why-not`` and ``what-if`` on the topics: the lead's log, what was published, and its deliveries."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner

from services.signals.core.engine.engine import LeadEngine, Record
from services.signals.core.engine_config import EngineConfig
from services.signals.rules_file import load_rules
from shared.calendars import xnys_calendar
from shared.contracts.records import DELIVERIES, DIVERGENCES
from shared.contracts.ticks import encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarsMode
from shared.domain.deliveries import Channel, DeliveryOutcome, Outcome
from shared.domain.divergences import DivergenceEvent, Transition
from shared.domain.instants import NS_PER_SECOND, format_rfc3339
from shared.domain.pairs import Pair
from shared.domain.sessions import bar_final_at_ns
from shared.domain.ticks import FeedState, FeedStatus
from shared.kafka.publisher import Publisher
from shared.pairs.loading import load_pairs
from tests.integration.convex.conftest import Broker, Convex
from tests.support.builders_market import quotes

_RULES = "[ratio_stretch]\ncritical = 30.0\n"
_LATER = "[ratio_stretch]\ncritical = 30.0\nhold_seconds = 480\n"
_TOPICS = ("ticks.v1", "bars.v1", "divergences.v1", "deliveries.v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A log, and what the engine makes of it under the rules in force."""

    pair: Pair
    records: list[Record]
    events: list[DivergenceEvent]
    rules: Path
    day: str

    def at(self, clock: str) -> str:
        return f"{self.day} {clock} America/New_York"

    @property
    def opened(self) -> DivergenceEvent:
        return next(each for each in self.events if each.type is Transition.OPEN)


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Gold is calm for 200 sessions; the day after it is rich from 11:00 New York on, for 20 minutes."""
    monkeypatch.setenv("CONVEX_PAIRS", "replay")
    calendar = xnys_calendar()
    pair = next(each for each in load_pairs("replay") if each.name == "gold-iwm")
    first = calendar.labels.index("2019-01-02")
    sessions = calendar.labels[first : first + 200]
    closes = {
        pair.lead: [1300.0 + index % 7 for index in range(200)],
        pair.other: [150.0 - index % 3 / 10 for index in range(200)],
    }
    records: list[Record] = [
        BarBatch(
            instrument=name,
            mode=BarsMode.HISTORY,
            bars=tuple(
                Bar(
                    instrument=name,
                    session=session,
                    close=price,
                    adj_close=price,
                    known_at_ns=bar_final_at_ns(session),
                    source="test",
                )
                for session, price in zip(sessions, prices, strict=True)
            ),
        )
        for name, prices in closes.items()
    ]
    day = calendar.labels[first + 200]
    open_ns = calendar.open_ns[first + 200]
    for second in range(0, 6_600, 10):
        at_ns = open_ns + second * NS_PER_SECOND
        price = 1400.0 if second >= 5_400 else 1303.0
        records += [
            quotes([(at_ns, price)], instrument=pair.lead, feed="replay"),
            FeedStatus(instrument=pair.lead, feed="replay", state=FeedState.LIVE, watermark_ns=at_ns),
        ]
    rules = tmp_path / "rules.toml"
    rules.write_text(_RULES)
    engine = LeadEngine(
        pair.lead,
        (pair,),
        EngineConfig(rules=load_rules(rules), calendar=calendar, code_version="0.0.0-test"),
    )
    events = [event for record in records for event in engine.apply(record).events]
    return Told(pair=pair, records=records, events=events, rules=rules, day=day)


@pytest.fixture
def log(broker: Broker, story: Told) -> Broker:
    """Put the log, its events and one delivery of each into Kafka."""
    for topic in _TOPICS:
        broker.make_topic(topic)
    home = DefaultPartitioner()(story.pair.lead.encode(), [0, 1, 2, 3], [0, 1, 2, 3])

    async def send() -> None:
        async with Publisher(broker.settings, client_id="test") as publisher:
            for each in story.records:
                await publisher.publish(
                    "ticks.v1", key=story.pair.lead, value=encode_tick_record(each), partition=home
                )
            for event in story.events:
                await publisher.publish("divergences.v1", key=event.pair, value=DIVERGENCES.encode(event))
                await publisher.publish("deliveries.v1", key="desk", value=DELIVERIES.encode(delivery(event)))

    asyncio.run(send())
    return broker


def delivery(event: DivergenceEvent) -> DeliveryOutcome:
    return DeliveryOutcome(
        delivery_id=f"dl_{event.event_id}",
        event_id=event.event_id,
        subscription="desk",
        channel=Channel.EMAIL,
        outcome=Outcome.SUPPRESSED,
        reason="muted",
        attempts=0,
        message_id="",
        ended_at="2019-10-18T15:05:01.000000Z",
        pair=event.pair,
        divergence_id=event.divergence_id,
    )


def ask(convex: Convex, story: Told, clock: str, *options: str) -> dict[str, Any]:
    ran = convex("why-not", story.at(clock), "--rules", str(story.rules), "--json", *options)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def by_price(found: dict[str, Any]) -> dict[str, Any]:
    (one,) = [
        each
        for each in found["answers"]
        if (each["kind"], each["direction"], each["by"]) == ("ratio_stretch", "risk_off", "price")
    ]
    return dict(one)


def test_hold_that_is_not_over_is_found_in_the_leads_log(log: Broker, convex: Convex, story: Told) -> None:
    one = by_price(ask(convex, story, "11:03"))

    assert (one["gate"], one["phase"]) == ("not_held_long_enough", "pending")
    assert one["hold_ends_at"] == story.opened.occurred_at


def test_opening_has_the_numbers_of_its_event_where_it_was_published_and_why_nobody_got_it(
    log: Broker, convex: Convex, story: Told
) -> None:
    found = ask(convex, story, "11:05")
    one = by_price(found)
    (near,) = found["events"]

    assert (one["gate"], one["opened_by"]) == ("opened", story.opened.event_id)
    assert one["values"] == story.opened.values
    assert (near["event_id"], near["is_published"]) == (story.opened.event_id, True)
    assert [(each["outcome"], each["reason"]) for each in near["deliveries"]] == [("suppressed", "muted")]

    ran = convex("why-not", story.at("11:05"), "--rules", str(story.rules))
    assert "desk (email): suppressed: muted" in ran.out
    assert "Published, divergences.v1/" in ran.out


def test_event_that_only_the_topic_has_is_shown_as_such_and_its_alert_as_open(
    log: Broker, convex: Convex, story: Told, tmp_path: Path
) -> None:
    """The rules that are asked about hold longer than those that decided then."""
    rules = tmp_path / "later.toml"
    rules.write_text(_LATER)
    ran = convex("why-not", story.at("11:06"), "--rules", str(rules), "--json")
    found = json.loads(ran.out)
    one = by_price(found)

    assert one["gate"] == "already_open"
    assert one["opened_by"] == story.opened.event_id
    shown = {each["event_id"]: each["is_published"] for each in found["events"]}
    assert shown[story.opened.event_id] is True
    # The event that these rules would have emitted at 11:08 was not published.
    assert sorted(shown.values()) == [False, True]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("2018-01-02",), "lies before the first decision"),
        (("2019-11-29",), "lies after the data, which end at"),
        (("2019-10-18T11:00",), "has no time zone"),
        (("2019-10-18T15:00Z", "--pair", "gold-slv"), "--pair gold-slv: is not configured"),
        (("2019-10-18T15:00Z", "--start", "2019-01-02"), "--start and --events go with --gold and --iwm"),
    ],
)
def test_question_without_an_answer_is_one_line(
    log: Broker, convex: Convex, words: tuple[str, ...], says: str
) -> None:
    ran = convex("why-not", *words)

    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_what_if_reads_the_log_once_and_says_from_when(
    log: Broker, convex: Convex, story: Told, tmp_path: Path
) -> None:
    rules = tmp_path / "later.toml"
    rules.write_text(_LATER)
    ran = convex("what-if", "--rules", str(rules), "--against", str(story.rules), "--json")

    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    (row,) = [each for each in found["openings"] if each["kind"] == "ratio_stretch"]
    assert (row["place"], row["later_by_seconds"]) == ("later", 180.0)
    assert row["present_event_id"] == story.opened.event_id
    assert found["log"].startswith("ticks.v1/")
    # From a morning no rate can be said.
    assert (found["sessions"], {each["present"]["per_year"] for each in found["kinds"]}) == (1, {None})
    assert format_rfc3339(xnys_calendar().open_ns[xnys_calendar().labels.index(story.day)]) in found["log"]
