"""Explain from files: the events of a backtest, and the prices that it read."""

from pathlib import Path

from convex.explain.explanation import Explanation, explain
from convex.explain.find_event import LocatedEvent, before, choose
from convex.explain.hold_and_cooldown import stretches_of
from convex.explain.log_scan import LogScan
from convex.explain.material import Bars, Material, Prices, titles_of
from shared.contracts.records import DIVERGENCES
from shared.domain.divergences import DivergenceEvent, Kind
from shared.domain.instants import parse_rfc3339
from shared.domain.pairs import Pair
from shared.domain.sessions import SessionCalendar
from shared.domain.ticks import FeedState, FeedStatus, QuoteBatch
from shared.errors import ConfigError, DataError
from shared.files.timeline import Recording, in_units, read_timeline


def read_events(path: Path) -> tuple[LocatedEvent, ...]:
    """Return the events of a file of JSON lines, as ``convex backtest --events`` writes it.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line is no event; names file and line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            event = DIVERGENCES.decode(line)
        except DataError as error:
            raise ConfigError(f"{path}: line {number}: {error}") from error
        events.append(LocatedEvent(event=event, where=f"{path}, line {number}", headers={}))
    return tuple(events)


def explain_from_files(
    asked: str,
    events_file: Path,
    recording: Recording,
    *,
    cooldowns: dict[str, int],
    calendar: SessionCalendar,
) -> Explanation:
    """Find an event in a file and recompute it from the files that the backtest read.

    Parameters
    ----------
    cooldowns
        Sessions, by the version of the rule.

    Raises
    ------
    ConfigError
        If a file cannot be used, or the event is not there.
    """
    events = read_events(events_file)
    chosen = choose(asked, events, among=str(events_file))
    event = chosen.event
    bars, prices = Bars(source="", bars=()), Prices()
    if event.kind is not Kind.DATA_FAULT and len(event.evidence.inputs) > 1:
        bars, prices = _read(event, recording, calendar)
    return explain(
        Material(
            event=event,
            events=events_file.name,
            where=chosen.where,
            origin="",
            before=before(chosen, events),
            cooldown_sessions=cooldowns.get(event.evidence.rule_version),
            titles=titles_of(event, "replay"),
            bars=bars,
            prices=prices,
        ),
        calendar=calendar,
    )


def _read(event: DivergenceEvent, recording: Recording, calendar: SessionCalendar) -> tuple[Bars, Prices]:
    lead, other = (each.instrument for each in event.evidence.inputs)
    if not recording.lead_files or not recording.other_files:
        raise ConfigError("--events needs the files that the backtest read: --gold FILE --iwm FILE")
    pair = Pair(name=event.pair, title=event.pair, lead=lead, other=other, lead_title=lead, other_title=other)
    scan = LogScan(lead, other, calendar=calendar, stretches=stretches_of(event))
    until_ns = parse_rfc3339(event.occurred_at)
    for unit in in_units(read_timeline(recording, pair=pair, calendar=calendar)):
        if isinstance(unit, QuoteBatch):
            scan.take(unit)
            reached_ns = int(unit.ts_event_ns[0])
        else:
            for batch in unit:
                scan.take(batch)
            reached_ns = unit[0].bars[0].known_at_ns
            # Like the replay feed's status records, this advances event time to the bars that have come.
            scan.take(
                FeedStatus(
                    instrument=lead,
                    feed="replay",
                    state=FeedState.LIVE,
                    watermark_ns=unit[-1].bars[-1].known_at_ns,
                )
            )
        # One record more: what is due at an instant is done when a later record arrives.
        if reached_ns > until_ns:
            break
    paths = ", ".join(path.name for path in (*recording.lead_files, *recording.other_files))
    missing = "" if scan.ticks(lead).ts_ns else f"{paths} hold no tick of it"
    return (
        Bars(source=paths, bars=tuple(scan.bars)),
        Prices(lead=scan.ticks(lead), other=scan.ticks(other), missing=missing),
    )
