"""Events explain themselves from Kafka: by the bars that are kept, or by the lead's log if those changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from convex.explain.from_files import read_events
from shared.calendars import xnys_calendar
from shared.contracts.records import BARS, DIVERGENCES
from shared.contracts.ticks import encode_tick_record
from shared.domain.bars import Bar, BarBatch, BarStatus
from shared.domain.divergences import Confirmation, DivergenceEvent, Transition
from shared.domain.instants import from_ns, parse_rfc3339
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from shared.files.timeline import Recording, in_units, read_timeline
from shared.kafka.publisher import Publisher
from shared.pairs.loading import load_pairs
from tests.integration.convex.conftest import Broker, Convex

_HISTORY, _LIVE = 300, 4
_RULES = "[ratio_stretch]\nwarning = 1.0\ncritical = 1.6\nleave = 0.4\ncooldown_sessions = 0\n"
_PARTITION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Files of a made-up market, and the events that a backtest finds in them."""

    gold: Path
    ticks: Path
    iwm: Path
    rules: Path
    events_file: Path

    @property
    def recording(self) -> Recording:
        return Recording(lead_files=(self.gold, self.ticks), other_files=(self.iwm,))

    @property
    def events(self) -> tuple[DivergenceEvent, ...]:
        return tuple(placed.event for placed in read_events(self.events_file))

    def first(self, confirmation: Confirmation) -> DivergenceEvent:
        return next(
            each
            for each in self.events
            if each.confirmation is confirmation and each.type is Transition.OPEN and "z_90" in each.values
        )


@pytest.fixture
def story(tmp_path: Path, convex: Convex) -> Story:
    """Write 300 daily closes and four sessions of ticks: gold jumps and climbs. Run the backtest."""
    drawn = np.random.default_rng(7)
    calendar = xnys_calendar()
    begin = calendar.labels.index("2019-01-02")
    sessions = calendar.labels[begin : begin + _HISTORY + _LIVE]
    gold = 1300 * np.exp(drawn.normal(0, 0.006, _HISTORY).cumsum())
    iwm = 150 * np.exp(drawn.normal(0, 0.008, _HISTORY + _LIVE).cumsum())
    made = Story(
        gold=tmp_path / "gold.csv",
        ticks=tmp_path / "ticks.csv",
        iwm=tmp_path / "iwm.csv",
        rules=tmp_path / "rules.toml",
        events_file=tmp_path / "events.jsonl",
    )
    made.rules.write_text(_RULES)
    made.gold.write_text(
        "date,close\n" + "".join(f"{each},{price:.2f}\n" for each, price in zip(sessions, gold, strict=False))
    )
    made.iwm.write_text(
        "date,close\n" + "".join(f"{each},{price:.2f}\n" for each, price in zip(sessions, iwm, strict=True))
    )
    start = from_ns(calendar.open_ns[begin + _HISTORY])
    end = from_ns(calendar.close_ns[begin + _HISTORY + _LIVE - 1]) + timedelta(hours=1)
    count = int((end - start).total_seconds() // 30)
    mids = gold[-1] * (1 + 0.12 * np.linspace(0.08, 1, count)) + drawn.normal(0, 0.2, count)
    at = [(start + timedelta(seconds=30 * index)).astimezone(UTC) for index in range(count)]
    made.ticks.write_text(
        "ts_utc,bid,ask\n"
        + "".join(
            f"{each:%Y-%m-%dT%H:%M:%SZ},{mid:.2f},{mid + 0.1:.2f}\n"
            for each, mid in zip(at, mids, strict=True)
        )
    )
    ran = convex(
        *("backtest", "--gold", str(made.gold), "--gold", str(made.ticks), "--iwm", str(made.iwm)),
        *("--rules", str(made.rules), "--stats", str(tmp_path / "stats.csv")),
        *("--events", str(made.events_file)),
    )
    assert ran.code == 0, ran.err
    return made


def told(story: Story) -> list[BarBatch | QuoteBatch | FeedStatus]:
    """Return the lead's log as the replay feed would have told it."""
    pair = next(each for each in load_pairs("replay") if each.name == "gold-iwm")
    records: list[BarBatch | QuoteBatch | FeedStatus] = []
    for unit in in_units(read_timeline(story.recording, pair=pair, calendar=xnys_calendar())):
        if isinstance(unit, QuoteBatch):
            records.append(unit)
            continue
        records += unit
        reached_ns = unit[-1].bars[-1].known_at_ns
        records.append(
            FeedStatus(instrument=pair.lead, feed="replay", state=FeedState.LIVE, watermark_ns=reached_ns)
        )
    return records


def reached(record: BarBatch | QuoteBatch | FeedStatus) -> int:
    if isinstance(record, FeedStatus):
        return record.watermark_ns
    return int(record.ts_event_ns[-1]) if isinstance(record, QuoteBatch) else 0


def publish(
    broker: Broker,
    story: Story,
    *,
    bars: Sequence[Bar] | None = None,
    has_log: bool = True,
    has_origin: bool = True,
) -> None:
    """Put a story into Kafka as the services would have: the log, the bars that are kept, and the events."""
    records = told(story)
    kept = (
        [bar for each in records if isinstance(each, BarBatch) for bar in each.bars] if bars is None else bars
    )

    async def send() -> None:
        async with Publisher(broker.settings, client_id="test") as publisher:
            offsets = []
            for record in records if has_log else ():
                value = encode_tick_record(record)
                sent = await publisher.publish("ticks.v1", key="lead", value=value, partition=_PARTITION)
                offsets.append(sent.offset)
            for bar in kept:
                await publisher.publish(
                    "bars.v1", key=f"{bar.instrument}|{bar.session}", value=BARS.encode(bar)
                )
            for event in story.events:
                at_ns = parse_rfc3339(event.occurred_at)
                index = next(at for at, record in enumerate(records) if reached(record) >= at_ns)
                headers = [
                    ("origin_topic", b"ticks.v1"),
                    ("origin_partition", str(_PARTITION).encode()),
                    ("origin_offset", str(offsets[index] if has_log else index).encode()),
                ]
                await publisher.publish(
                    "divergences.v1",
                    key=event.pair,
                    value=DIVERGENCES.encode(event),
                    headers=headers if has_origin else (),
                )

    for topic in ("ticks.v1", "bars.v1", "divergences.v1"):
        broker.make_topic(topic)
    asyncio.run(send())


def sampled(story: Story) -> list[Bar]:
    """Return the closes that the worker would have sampled from the ticks, as ``bars.v1`` has them."""
    calendar = xnys_calendar()
    bars = []
    ticks = [each for each in told(story) if isinstance(each, QuoteBatch)]
    events = np.concatenate([each.ts_event_ns for each in ticks])
    mids = np.concatenate([each.bid * 0.5 + each.ask * 0.5 for each in ticks])
    for session, close_ns in zip(calendar.labels, calendar.close_ns, strict=True):
        if events[0] < close_ns < events[-1]:
            mid = float(mids[events.searchsorted(close_ns, "right") - 1])
            bars.append(
                Bar(
                    instrument="XAU/USD.REPLAY",
                    session=session,
                    close=mid,
                    adj_close=mid,
                    known_at_ns=close_ns,
                    source="sampled",
                )
            )
    return bars


def all_bars(story: Story) -> list[Bar]:
    return [bar for each in told(story) if isinstance(each, BarBatch) for bar in each.bars] + sampled(story)


def test_every_event_comes_out_of_the_bars_that_are_kept(
    broker: Broker, convex: Convex, story: Story
) -> None:
    publish(broker, story, bars=all_bars(story))

    assert {each.confirmation for each in story.events} == set(Confirmation)
    for event in story.events:
        ran = convex("explain", event.event_id, "--rules", str(story.rules))
        assert ran.code == 0, ran.out + ran.err
        assert "bit for bit the numbers that decided" in ran.out
        assert "from bars.v1" in ran.out


def test_early_warning_shows_that_every_price_held_the_level(
    broker: Broker, convex: Convex, story: Story
) -> None:
    publish(broker, story, bars=all_bars(story))
    event = story.first(Confirmation.PROVISIONAL)

    ran = convex("explain", event.event_id, "--rules", str(story.rules))

    at = datetime.fromisoformat(event.occurred_at)
    assert f"{at - timedelta(seconds=300):%H:%M:%S} to {at:%H:%M:%S} UTC" in ran.out
    assert "held for 300 s" in ran.out
    assert "decided by ticks.v1/1/" in ran.out


def test_bar_that_was_corrected_since_is_read_from_the_leads_log(
    broker: Broker, convex: Convex, story: Story
) -> None:
    corrected = [
        replace(
            bar,
            close=bar.close * 1.05,
            adj_close=bar.close * 1.05,
            revision=1,
            status=BarStatus.CORRECTED,
        )
        if bar.session == "2020-02-03"
        else bar
        for bar in all_bars(story)
    ]
    publish(broker, story, bars=corrected)
    event = story.events[-1]

    ran = convex("explain", event.event_id, "--rules", str(story.rules))

    assert ran.code == 0, ran.out + ran.err
    assert "from ticks.v1" in ran.out
    assert "bit for bit the numbers that decided" in ran.out


def test_log_that_is_gone_is_said_to_be(broker: Broker, convex: Convex, story: Story) -> None:
    publish(broker, story, bars=all_bars(story), has_log=False)
    event = story.first(Confirmation.PROVISIONAL)

    ran = convex("explain", event.event_id)

    assert ran.code == 0, ran.out + ran.err
    assert "not checked; ticks.v1/1/" in ran.out
    assert "is gone" in ran.out


def test_bars_that_are_gone_are_named_with_a_remedy(broker: Broker, convex: Convex, story: Story) -> None:
    publish(broker, story, bars=(), has_log=False)
    event = story.first(Confirmation.PROVISIONAL)

    ran = convex("explain", event.event_id)

    assert ran.code == 1
    assert "bars.v1 has no bar of" in ran.out
    assert "What to do:" in ran.out


def test_event_that_does_not_say_which_record_decided_is_explained_by_its_bars(
    broker: Broker, convex: Convex, story: Story
) -> None:
    publish(broker, story, bars=all_bars(story), has_origin=False)
    event = story.first(Confirmation.PROVISIONAL)

    ran = convex("explain", event.event_id)

    assert ran.code == 0, ran.out + ran.err
    assert "the event does not name the record that decided" in ran.out


def test_unreadable_records_are_passed_over(broker: Broker, convex: Convex, story: Story) -> None:
    broker.put("divergences.v1", b"not json", key=b"gold-iwm")
    broker.put("bars.v1", b"not json", key=b"IWM.REPLAY|2019-01-02")
    broker.put("ticks.v1", b"not json", partition=_PARTITION)
    publish(broker, story, bars=all_bars(story))

    assert convex("explain", story.events[0].event_id).code == 0


def test_test_event_needs_no_bars(broker: Broker, convex: Convex) -> None:
    broker.make_topic("divergences.v1")
    sent = convex("test-fire")

    ran = convex("explain", sent.out.strip())

    assert ran.code == 0
    assert "Nothing: this is a test, and states no number." in ran.out


def test_unknown_event_is_one_clear_line(broker: Broker, convex: Convex) -> None:
    broker.make_topic("divergences.v1")

    ran = convex("explain", "ev_0123456789")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "convex: ev_0123456789: is no event in divergences.v1, which has 0\n"


def test_unreachable_kafka_is_one_clear_line(nowhere: str, convex: Convex) -> None:
    ran = convex("explain", "ev_0123456789")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("convex: 127.0.0.1:1: ")
