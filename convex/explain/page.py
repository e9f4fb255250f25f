"""The page of one explanation for a terminal, 80 columns wide or more; plain text where it is no terminal."""

from collections.abc import Iterable
from typing import Final

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from convex.explain.explanation import Explanation
from convex.explain.material import Material
from convex.explain.wording import chance_of, moment, outlook_of, price
from convex.explain.working import Check, Conclusion, Line, Window
from shared.domain.divergences import DivergenceEvent, Leg, Transition
from shared.text.durations import format_duration

# Of a long window: enough of both ends to find it in another source.
_ENDS: Final = 3
_HASH_LETTERS: Final = 12


def show(console: Console, explanation: Explanation, *, has_all_rows: bool) -> None:
    """Print the page without trailing blanks, because people forward it as text.

    Parameters
    ----------
    has_all_rows
        Every row of the window, not only its ends.
    """
    with console.capture() as capture:
        _print(console, explanation, has_all_rows=has_all_rows)
    for line in capture.get().splitlines():
        typer.echo(line.rstrip(" "))


def _print(console: Console, explanation: Explanation, *, has_all_rows: bool) -> None:
    material = explanation.material
    console.print(_head(material))
    if material.event.type is Transition.TEST:
        console.print(_section("What happened", Text("Nothing: this is a test, and states no number.")))
        return
    working = explanation.working
    if working is not None:
        console.print(_section("What happened", Text(working.sentence)))
        outlook = outlook_of(material.event)
        if outlook:
            console.print(_section("The next close", Text(outlook)))
    console.print(_section("Inputs", _inputs(explanation)))
    if explanation.missing is not None:
        lacking = Text(f"{explanation.missing.what}.", style="bold red")
        console.print(_section("Missing", lacking, Text(f"What to do: {explanation.missing.remedy}")))
    if working is None:
        return
    if working.window is not None:
        console.print(
            _section(
                f"Window: {working.window.title}",
                _rows(working.window, has_all_rows=has_all_rows),
                _hash(explanation),
            )
        )
    console.print(_section("Working", _lines(working.lines)))
    console.print(_section("Conclusion", *(_conclusion(each) for each in working.conclusions)))
    chance = chance_of(material.event)
    if chance:
        console.print(_section("By chance", *map(Text, chance)))
    if explanation.checks:
        console.print(_section("The event's numbers beside these", _checks(explanation.checks)))
    console.print(_section("", *_end(explanation)))


def _head(material: Material) -> RenderableType:
    event = material.event
    what = (
        f"{material.titles.lead} against {material.titles.other}: {event.kind.value}, {event.direction.value}"
    )
    state = f"{event.type.value}, {event.severity.value}, {event.confirmation.value}"
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("event", event.event_id),
        ("when", moment(event.occurred_at)),
        ("rule", event.evidence.rule_version),
        ("found in", material.where + (f", decided by {material.origin}" if material.origin else "")),
    ):
        facts.add_row(Text(name, style="dim"), Text(value))
    return Group(Text(f"{what} ({state})", style="bold"), facts)


def _section(title: str, *parts: RenderableType) -> RenderableType:
    body = Padding(Group(*parts), (0, 0, 0, 2))
    return Group(Text(""), Text(title, style="bold cyan"), body) if title else Group(Text(""), *parts)


def _inputs(explanation: Explanation) -> RenderableType:
    event, titles = explanation.material.event, explanation.material.titles
    table = Table.grid(padding=(0, 2))
    for index, leg in enumerate(event.legs):
        title = titles.lead if leg.instrument == _first(event) and index == 0 else titles.other
        table.add_row(Text(title), Text(price(leg.price), justify="right"), Text(_origin(event, index, leg)))
        adjusted = _adjusted(explanation, index)
        if adjusted is not None and price(adjusted) != price(leg.price):
            why = "adjusted for dividends and splits, as every close below"
            table.add_row(Text(""), Text(price(adjusted), justify="right"), Text(why))
    market = explanation.market
    if market is not None:
        count = (
            f"{len(market.sessions)} sessions both legs have, {market.sessions[0]} to {market.sessions[-1]}"
        )
        table.add_row(Text("bars", style="dim"), Text(""), Text(f"{count}, from {market.source}"))
        lead = explanation.material.prices.lead
        if lead.ts_ns:
            table.add_row(Text("ticks", style="dim"), Text(""), Text(f"{len(lead.ts_ns):,} that counted"))
        elif market.is_live:
            table.add_row(Text("ticks", style="dim"), Text(""), Text(explanation.material.prices.missing))
    return table


def _adjusted(explanation: Explanation, index: int) -> float | None:
    market, given = explanation.market, explanation.material.event.evidence.inputs[index : index + 1]
    if market is None or not given or given[0].session is None:
        return None
    return market.evaluated_lead if index == 0 else market.evaluated_other


def _first(event: DivergenceEvent) -> str:
    return event.evidence.inputs[0].instrument if event.evidence.inputs else event.legs[0].instrument


def _origin(event: DivergenceEvent, index: int, leg: Leg) -> str:
    given = event.evidence.inputs[index] if index < len(event.evidence.inputs) else None
    what = f"close of {given.session}" if given is not None and given.session is not None else "live"
    return f"{what}, {format_duration(leg.age_seconds)} old, {leg.instrument} by {leg.source}"


def _rows(window: Window, *, has_all_rows: bool) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, column in enumerate(window.columns):
        table.add_column(Text(column), justify="left" if index == 0 else "right", no_wrap=True)
    hidden = len(window.rows) - 2 * _ENDS
    for index, row in enumerate(window.rows):
        if has_all_rows or hidden <= 1 or index < _ENDS or index >= _ENDS + hidden:
            table.add_row(*row)
        elif index == _ENDS:
            table.add_row(Text(f"… {hidden} more", style="dim"))
    return table


def _hash(explanation: Explanation) -> RenderableType:
    working, sha256 = explanation.working, explanation.window_sha256
    if working is None or sha256 is None:
        return Text("")
    if explanation.is_same_window:
        return Text(
            f"sha256 {sha256[:_HASH_LETTERS]}… is the event's: bit for bit the numbers that decided.",
            style="green",
        )
    stated = explanation.material.event.evidence.window_sha256
    first = f"sha256 {sha256[:_HASH_LETTERS]}… is not the event's {stated[:_HASH_LETTERS]}…: "
    if explanation.comes_out:
        return Text(
            f"{first}the numbers agree all the same, so the windows differ in their last digits at most, "
            "as by another processor's logarithm.",
            style="yellow",
        )
    if explanation.is_shifted:
        return Text(
            f"{first}closes were adjusted for a dividend or a split since. That moves the log ratio and its "
            "mean by the same amount; z stays what it was.",
            style="yellow",
        )
    return Text(
        f"{first}the log holds other numbers than those that decided. Either a bar was corrected or adjusted "
        "since, or these are other files, or the event was changed.",
        style="bold red",
    )


def _lines(lines: Iterable[Line]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for line in lines:
        table.add_row(
            Text(line.name),
            Text(line.formula),
            Text("=" if line.result else ""),
            Text(line.result, style="bold"),
        )
    return table


def _conclusion(conclusion: Conclusion) -> RenderableType:
    mark, style = ("✓", "green") if conclusion.holds else ("✗", "bold red")
    table = Table.grid(padding=(0, 1))
    table.add_row(Text(mark, style=style), Text(conclusion.text, style="" if conclusion.holds else style))
    return table


def _checks(checks: Iterable[Check]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    table.add_column("event", justify="right", no_wrap=True)
    table.add_column("here", justify="right", no_wrap=True)
    table.add_column("")
    for check in checks:
        mark = Text("✓", style="green") if check.comes_out else Text("✗ differs", style="bold red")
        table.add_row(Text(check.name), _full(check.event), _full(check.recomputed), mark)
    return table


def _full(value: float | None) -> str:
    # Never a minus before 0.
    return "undefined" if value is None else f"{value + 0.0:.12g}"


def _end(explanation: Explanation) -> list[RenderableType]:
    lines: list[RenderableType] = []
    wrong = [check.name for check in explanation.checks if not check.comes_out]
    false = (
        [conclusion for conclusion in explanation.working.conclusions if not conclusion.holds]
        if explanation.working
        else []
    )
    if explanation.comes_out:
        count = f"All {len(explanation.checks)} numbers agree to 1e-9, and the conclusion follows."
        lines.append(Text(count if explanation.checks else "The conclusion follows.", style="bold green"))
    else:
        parts = []
        if wrong:
            parts.append(f"{len(wrong)} of {len(explanation.checks)} numbers differ: {', '.join(wrong)}.")
        if false:
            parts.append("The conclusion does not follow.")
        lines.append(Text(" ".join(parts), style="bold red"))
    left_out = list(explanation.unchecked)
    if explanation.checks:
        left_out.append("the intervals, the total least squares and the Kalman filter of the hedge")
        if explanation.material.event.significance is not None:
            left_out.append("the rates by chance, which convex calibrate computes")
    if left_out:
        lines.append(Text(f"Not computed again: {', '.join(left_out)}.", style="dim"))
    return lines
