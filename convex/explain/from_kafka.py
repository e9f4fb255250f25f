"""Explain from Kafka: the event, its bars, and the prices that decided, as the log has them now.

Order of reading, the quickest first:

1. ``divergences.v1`` for the event; its headers name the record of ``ticks.v1`` that decided,
2. ``ticks.v1`` back from that record, for the live prices of an early warning,
3. ``bars.v1`` for both legs, which is small and kept for ever. If every number agrees and the window equals
   the event's bit for bit, these are the bars that the worker used.
4. If not, all of the lead's log up to that record: it has each bar as it was then, while ``bars.v1`` keeps
   only the newest version, which may have been corrected or adjusted since.
"""

from typing import Any, Final

from convex.explain.explanation import Explanation, explain
from convex.explain.find_event import LocatedEvent, before, choose
from convex.explain.hold_and_cooldown import stretches_of
from convex.explain.log_scan import LogScan
from convex.explain.material import Bars, Material, Prices, titles_of
from convex.record_reader import RecordReader
from shared.config import KafkaSettings
from shared.contracts.records import BARS as BARS_CONTRACT
from shared.contracts.records import DIVERGENCES as DIVERGENCES_CONTRACT
from shared.contracts.ticks import decode_tick_record
from shared.domain.bars import Bar
from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.sessions import SessionCalendar
from shared.errors import DataError
from shared.kafka.topics import BARS, DIVERGENCES, TICKS

# Records in five minutes of a quiet hour: a status record each second, and a record for each send.
_FIRST_LOOK_RECORDS: Final = 1_024


async def explain_from_kafka(
    asked: str,
    settings: KafkaSettings,
    *,
    pairs: str,
    cooldowns: dict[str, int],
    calendar: SessionCalendar,
) -> Explanation:
    """Find an event in Kafka and recompute it from the log.

    Parameters
    ----------
    pairs
        The file or shipped set of pairs of this installation.
    cooldowns
        Sessions, by the version of the rule.

    Raises
    ------
    BrokerUnavailable
        If Kafka cannot be reached.
    ConfigError
        If the event is not there.
    """
    async with RecordReader(settings) as reader:
        events = await _events(reader)
        chosen = choose(asked, events, among=DIVERGENCES.name)
        event = chosen.event
        origin = _origin(chosen.headers)

        def material(bars: Bars, prices: Prices) -> Material:
            return Material(
                event=event,
                events=DIVERGENCES.name,
                where=chosen.where,
                origin="" if origin is None else f"{TICKS.name}/{origin[0]}/{origin[1]}",
                before=before(chosen, events),
                cooldown_sessions=cooldowns.get(event.evidence.rule_version),
                titles=titles_of(event, pairs),
                bars=bars,
                prices=prices,
            )

        if event.kind is Kind.DATA_FAULT or len(event.evidence.inputs) < 2:
            return explain(material(Bars(source="", bars=()), Prices()), calendar=calendar)
        prices = await _prices(reader, event, origin, calendar)
        kept = await _kept_bars(reader, event)
        quick = explain(material(Bars(source=BARS.name, bars=kept), prices), calendar=calendar)
        if origin is None or (quick.comes_out and quick.is_same_window):
            return quick
        in_log = await _bars_in_log(reader, event, origin, calendar)
        known = {(bar.instrument, bar.session) for bar in in_log}
        others = tuple(bar for bar in kept if (bar.instrument, bar.session) not in known)
        if not known:
            return quick
        source = f"{TICKS.name}, and {BARS.name} for what is no longer there" if others else TICKS.name
        return explain(material(Bars(source=source, bars=(*others, *in_log)), prices), calendar=calendar)


async def _events(reader: RecordReader) -> list[LocatedEvent]:
    events = []
    for record in await reader.everything(DIVERGENCES.name):
        try:
            event = DIVERGENCES_CONTRACT.decode(record.value)
        except DataError:
            continue
        where = f"{DIVERGENCES.name}/{record.partition}/{record.offset}"
        events.append(LocatedEvent(event=event, where=where, headers=dict(record.headers)))
    return events


def _origin(headers: dict[str, Any]) -> tuple[int, int] | None:
    """Return the partition and offset of the record that decided, None where the event does not name it."""
    try:
        return int(headers["origin_partition"]), int(headers["origin_offset"])
    except (KeyError, ValueError):
        return None


async def _kept_bars(reader: RecordReader, event: DivergenceEvent) -> tuple[Bar, ...]:
    legs = {each.instrument for each in event.evidence.inputs}
    bars = []
    for record in await reader.everything(BARS.name):
        if (record.key or b"").decode(errors="replace").partition("|")[0] not in legs:
            continue
        try:
            bars.append(BARS_CONTRACT.decode(record.value))
        except DataError:
            continue
    return tuple(bars)


async def _prices(
    reader: RecordReader, event: DivergenceEvent, origin: tuple[int, int] | None, calendar: SessionCalendar
) -> Prices:
    stretches = stretches_of(event)
    if not stretches:
        return Prices()
    if origin is None:
        return Prices(missing="the event does not name the record that decided")
    partition, offset = origin
    begin, end = await reader.bounds(TICKS.name, partition)
    if not begin <= offset < end:
        why = f"{TICKS.name}/{partition} begins at {begin} now" if offset < begin else "it is not there"
        return Prices(missing=f"{TICKS.name}/{partition}/{offset} is gone: {why}")
    lead, other = (each.instrument for each in event.evidence.inputs[:2])
    since_ns = min(since for since, _ in stretches.values())
    look = _FIRST_LOOK_RECORDS
    while True:
        first = max(begin, offset + 1 - look)
        scan = LogScan(lead, other, calendar=calendar, stretches=stretches)
        earliest_ns = await _scan(reader, scan, partition, first, until=offset + 1)
        if first == begin or (earliest_ns is not None and earliest_ns < since_ns):
            missing = "" if scan.ticks(lead).ts_ns else f"{TICKS.name}/{partition} has no tick of it any more"
            return Prices(lead=scan.ticks(lead), other=scan.ticks(other), missing=missing)
        look *= 4


async def _bars_in_log(
    reader: RecordReader, event: DivergenceEvent, origin: tuple[int, int], calendar: SessionCalendar
) -> tuple[Bar, ...]:
    lead, other = (each.instrument for each in event.evidence.inputs[:2])
    partition, offset = origin
    begin, end = await reader.bounds(TICKS.name, partition)
    if not begin <= offset < end:
        return ()
    scan = LogScan(lead, other, calendar=calendar, stretches={})
    await _scan(reader, scan, partition, begin, until=offset + 1)
    return tuple(scan.bars)


async def _scan(reader: RecordReader, scan: LogScan, partition: int, begin: int, *, until: int) -> int | None:
    """Read a range of the lead's log; return the event time of its first tick."""
    earliest_ns: int | None = None
    async for record in reader.stretch(TICKS.name, partition, begin, until=until):
        try:
            content = decode_tick_record(record.value)
        except DataError:
            continue
        scan.take(content)
        instants = getattr(content, "ts_event_ns", None)
        if earliest_ns is None and instants is not None:
            earliest_ns = int(instants[0])
    return earliest_ns
