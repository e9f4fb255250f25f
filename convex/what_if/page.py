"""The comparison for a terminal, 80 columns wide or more; plain text where it is no terminal."""

from collections.abc import Iterable, Mapping
from typing import Final

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from convex.what_if.comparison import Compared, Place
from convex.what_if.outcomes import SHOWN, PlaceOutcome
from convex.what_if.result import OfKind, Side, WhatIf
from shared.domain.divergences import Confirmation, DivergenceEvent
from shared.domain.kinds import KIND_TRAITS
from shared.domain.snapshots import OutcomeSummary
from shared.text.chance import format_rate
from shared.text.divergences import describe_kind
from shared.text.durations import format_duration
from shared.text.instants import format_instant
from shared.text.numbers import (
    DASH,
    format_count,
    format_interval,
    format_level,
    format_number,
    format_percent,
)

# Of a long list: the newest, which people remember.
_ROWS: Final = 40
# With fewer openings a rate says nothing.
_LEAST: Final = 5
PLACE_WORDS: Final[Mapping[Place, str]] = {
    Place.SAME: "same instant",
    Place.EARLIER: "earlier",
    Place.LATER: "later",
    Place.ONLY_PRESENT: "present",
    Place.ONLY_NEW: "new",
}


def show(console: Console, found: WhatIf) -> None:
    """Print the page without trailing blanks, because people forward it as text."""
    with console.capture() as capture:
        for part in _parts(found):
            console.print(part)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip(" "))


def headline(found: WhatIf) -> str:
    """Return the comparison in one sentence."""
    counts = {place: sum(each.place is place for each in found.compared) for place in Place}
    moved = counts[Place.EARLIER] + counts[Place.LATER]
    present = len(found.compared) - counts[Place.ONLY_NEW]
    new = len(found.compared) - counts[Place.ONLY_PRESENT]
    return (
        f"{format_count(present, 'opening')} under the present rules, {new:,} under the new ones: "
        f"{counts[Place.SAME]:,} at the same instant, {moved:,} moved, {counts[Place.ONLY_PRESENT]:,} only "
        f"under the present ones, {counts[Place.ONLY_NEW]:,} only under the new ones."
    )


def _parts(found: WhatIf) -> Iterable[RenderableType]:
    runs = found.runs
    yield Text(headline(found), style="bold")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column(overflow="fold")
    length = (
        f"{format_count(len(runs.sessions), 'session')} ({format_number(found.years, 1)} years), "
        f"{runs.sessions[0]} to {runs.sessions[-1]}"
    )
    for name, value in (
        ("present", runs.present.name),
        ("new", runs.new.name),
        ("log", runs.source),
        ("length", length),
    ):
        facts.add_row(Text(name), Text(value))
    yield facts
    yield _section("What differs in the rules", *_rules(found.kinds))
    shown = [each for each in found.kinds if each.present.count or each.new.count or each.changed]
    yield _section("Openings", _openings(shown))
    yield _section("A year, and how often chance alone would open it", _rates(shown))
    yield _section("Severity and length, present → new", _lengths(shown))
    if found.outcomes:
        yield _section("What followed the openings that differ", _outcomes(found.outcomes))
    yield _section("Not acted on", _suppressed(found))
    # Without an indent, so that a row fits 80 columns.
    yield Text("\nOpenings that differ", style="bold cyan")
    yield from _differing(found)


def _rules(kinds: tuple[OfKind, ...]) -> Iterable[RenderableType]:
    changed = [each for each in kinds if each.changed]
    if not changed:
        yield Text("Nothing: both have the same rules.")
        return
    table = _table("kind", "field", ">present", ">new")
    for each in changed:
        for name, before, after in each.changed:
            table.add_row(KIND_TRAITS[each.kind].title, name, _value(before), _value(after))
    yield table


def _value(value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_level(value)


def _openings(kinds: list[OfKind]) -> RenderableType:
    table = _table("kind", ">present", ">new", ">same", ">earlier", ">later", ">only present", ">only new")
    for each in kinds:
        table.add_row(
            KIND_TRAITS[each.kind].title,
            _count(each.present),
            _count(each.new),
            *(f"{each.places[place]:,}" for place in Place),
        )
    return table


def _count(side: Side) -> str:
    return f"{side.count:,}" if side.is_on else "off"


def _rates(kinds: list[OfKind]) -> RenderableType:
    table = _table("kind", ">present", "by chance", ">new", "by chance")
    for each in kinds:
        if each.kind.is_market:
            cells = (cell for side in (each.present, each.new) for cell in (_rate(side), _chance(side)))
            table.add_row(KIND_TRAITS[each.kind].title, *cells)
    return table


def _rate(side: Side) -> str:
    if not side.is_on:
        return "off"
    return DASH if side.per_year is None else format_rate(side.per_year)


def _chance(side: Side) -> str:
    if not side.is_on:
        return ""
    if side.by_chance is None:
        return "unknown"
    interval = side.by_chance.interval
    within = "" if interval is None else f" ({format_rate(interval.low)} to {format_rate(interval.high)})"
    return format_rate(side.by_chance.per_year) + within


def _lengths(kinds: list[OfKind]) -> RenderableType:
    table = _table("kind", ">reached critical", ">median length", ">other severity")
    for each in kinds:
        present, new = each.present, each.new
        table.add_row(
            KIND_TRAITS[each.kind].title,
            f"{present.critical:,} → {new.critical:,}",
            f"{format_duration(present.median_seconds)} → {format_duration(new.median_seconds)}",
            f"{each.severity_changes:,}",
        )
    return table


def _outcomes(outcomes: tuple[PlaceOutcome, ...]) -> RenderableType:
    table = _table("rules", "kind", *(f">hit after {horizon}" for horizon in SHOWN), ">usual")
    by_row: dict[tuple[bool, str], dict[int, OutcomeSummary]] = {}
    for each in outcomes:
        key = (each.is_new, describe_kind(each.summary.kind, each.summary.direction))
        by_row.setdefault(key, {})[each.summary.horizon_sessions] = each.summary
    for (is_new, kind), of_horizon in by_row.items():
        last = of_horizon.get(SHOWN[-1])
        table.add_row(
            "new" if is_new else "present",
            kind,
            *(_hits(of_horizon.get(horizon)) for horizon in SHOWN),
            DASH if last is None else format_percent(last.usual_rate, 0),
        )
    return table


def _hits(summary: OutcomeSummary | None) -> str:
    if summary is None or not summary.count:
        return DASH
    text = f"{summary.hits:,} of {summary.count:,}"
    if summary.count < _LEAST:
        return text
    return f"{text} ({format_interval(summary.hit_rate, lambda end: format_percent(end, 0))})"


def _suppressed(found: WhatIf) -> RenderableType:
    present, new = found.runs.present.suppressed, found.runs.new.suppressed
    reasons = sorted({*present, *new})
    if not reasons:
        return Text("Nothing.", style="dim")
    table = _table("reason", ">present", ">new")
    for reason in reasons:
        table.add_row(reason, f"{present.get(reason, 0):,}", f"{new.get(reason, 0):,}")
    return table


def _differing(found: WhatIf) -> Iterable[RenderableType]:
    differing = found.differing
    if not differing:
        yield Text("None.", style="dim")
        return
    hidden = len(differing) - _ROWS
    if hidden > 0:
        yield Text(f"{hidden:,} earlier ones not shown; --csv FILE has all.", style="dim")
    yield Text(
        "present, new: only those rules have it; 5, 20: whether what its kind claims followed after so many "
        "sessions",
        style="dim",
    )
    table = _table("session", "kind", "only / moved", "severity", "length", "5", "20")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for each in differing[-_ROWS:]:
        table.add_row(*_row(each, found))
    yield table


def _row(each: Compared, found: WhatIf) -> tuple[str, ...]:
    either = each.either
    after = found.hits.get(either.opened.event_id, {})
    return (
        _opened_by(either.opened),
        describe_kind(*either.key),
        where(each),
        _severity(each),
        format_duration(either.seconds, missing="open"),
        *(_hit(after.get(horizon)) for horizon in SHOWN),
    )


def _opened_by(event: DivergenceEvent) -> str:
    """Return the session whose close opened it; of an early warning, the instant in UTC."""
    session = event.evidence.inputs[0].session if event.evidence.inputs else None
    if event.confirmation is Confirmation.CONFIRMED and session is not None:
        return session
    return format_instant(event.occurred_at).removesuffix(" UTC")


def where(each: Compared) -> str:
    """Return which rules have an opening, and by how much it moved."""
    moved = each.later_by_seconds
    if moved is not None and each.place is not Place.SAME:
        return f"{format_duration(abs(moved))} {PLACE_WORDS[each.place]}"
    elsewhere = ", open in both" if each.is_open_elsewhere else ""
    return f"{PLACE_WORDS[each.place]}{elsewhere}"


def _severity(each: Compared) -> str:
    if each.present is not None and each.new is not None and each.is_severity_changed:
        return f"{each.present.severity.value} → {each.new.severity.value}"
    return each.either.severity.value


def _hit(is_hit: bool | None) -> str:
    return DASH if is_hit is None else "hit" if is_hit else "miss"


def _table(*columns: str) -> Table:
    """Return a table without lines; a column whose name begins with > is aligned to the right."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(
            column.removeprefix(">"), justify="right" if column.startswith(">") else "left", overflow="fold"
        )
    return table


def _section(title: str, *parts: RenderableType) -> RenderableType:
    return Group(Text(""), Text(title, style="bold cyan"), Padding(Group(*parts), (0, 0, 0, 2)))
